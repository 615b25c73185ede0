"""Facts of a session as the short texts that stand in page and print."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from hemoview.report.html import DASH, number
from hemoview.report.session import said as said_as
from hemoview.report.session.facts import DIGITS, LISTED, UNITS, Facts, Finding, Row, Summary
from hemoview.report.session.said import Say
from hemoview.report.session.words import Language
from recorder.session.timeline import is_dated

TABLE_DIGITS: Final = {"CO": 1, "CI": 1}
"""Digits in the table of ten minutes, as at the bedside; none where nothing is said."""
MOST_WHY: Final = 2


class Text:
    """Says the facts in a language."""

    def __init__(self, facts: Facts, language: Language) -> None:
        self.facts, self.language = facts, language
        self.say: Say = said_as.speaker(language)
        self.html_language = "zh-Hans" if language == "zh" else "en"

    # times

    def moment(self, t_s: float, *, day: bool | None = None, seconds: bool = False) -> str:
        """Time of day at the bed, with the day where the session goes over more than one.

        Of a session that nobody dated the time from its beginning, as ``1:04:10``.
        """
        session = self.facts.session
        if not self.dated:
            return said_as.elapsed(t_s, seconds=seconds)
        at = self._local(t_s)
        if day is None:
            day = at.date() != self._local(0.0).date() or self._local(session.duration_s).date() != at.date()
        return at.strftime(("%Y-%m-%d " if day else "") + ("%H:%M:%S" if seconds else "%H:%M"))

    @property
    def dated(self) -> bool:
        """Somebody knows the day; else its times are counted from 1970 and say nothing."""
        return is_dated(self.facts.session.start_wall_ns)

    @property
    def day(self) -> str:
        """On which it began, with the time, for a title."""
        return self.moment(0.0, day=True) if self.dated else self.say("undated")

    @property
    def offset(self) -> str:
        """Of every time of day in the report from UTC: of the session's start, also where clocks changed later."""
        return said_as.offset(self.facts.session.utc_offset_s)

    def _local(self, t_s: float) -> datetime:
        session = self.facts.session
        return datetime.fromtimestamp(session.start_wall_ns / 1e9 + session.utc_offset_s + t_s, UTC)

    def duration(self, seconds: float) -> str:
        """``4 min 10 s``."""
        return said_as.duration(self.say, seconds)

    # numbers

    def number(self, parameter: str, value: float | None) -> str:
        """As the facts have it, or a dash."""
        return number(_no_minus_zero(value), f".{DIGITS.get(parameter, 1)}f")

    def whole(self, parameter: str, value: float | None) -> str:
        """As at the bedside."""
        return number(_no_minus_zero(value), f".{TABLE_DIGITS.get(parameter, 0)}f")

    def signed(self, parameter: str, value: float) -> str:
        """A difference with its sign."""
        return number(_no_minus_zero(value), f"+.{DIGITS.get(parameter, 1)}f")

    def span(self, parameter: str, low: float | None, high: float | None) -> str:
        """``117–134``."""
        if low is None or high is None:
            return DASH
        return f"{self.number(parameter, low)}–{self.number(parameter, high)}"

    def share(self, value: float, digits: int = 0) -> str:
        """``98 %``; never 100 % of what is not whole."""
        said = f"{100 * value:.{digits}f}"
        if value < 1 and float(said) == 100:
            return f"> {100 - 10**-digits:.{digits}f} %"
        return f"{said} %"

    def estimate(self, row: Row | None) -> str:
        """``124 (114–131)``, a dash where nothing was shown."""
        if row is None or row.estimate is None:
            return DASH
        said = self.whole(row.parameter, row.estimate) + "*" * row.withdrawn
        if row.low is None or row.high is None:
            return f"{said} {self.say('sim')}" if row.simulated else said
        return f"{said} ({self.whole(row.parameter, row.low)}–{self.whole(row.parameter, row.high)})"

    def abstained(self, row: Row | None) -> str:
        """Share without a number, and why."""
        if row is None or not row.abstained:
            return DASH
        return " ".join(part for part in (self.share(row.abstained), self.reason(row.why)) if part)

    def width_or_why(self, parameter: str, summary: Summary) -> str:
        """How wide the interval is, and why there is none where there is none."""
        said = (
            [self.say("width", width=self.number(parameter, summary.width))]
            if summary.width is not None
            else []
        )
        said += [
            self.say("why-share", why=self.reason(why), share=self.share(share))
            for why, share in summary.why[:MOST_WHY]
        ]
        return said_as.clauses(self.say, said) or DASH

    # words

    def reason(self, why: str) -> str:
        """A reason of abstention."""
        return said_as.reason(self.say, why) if why else ""

    def source(self, source: str, *, simulated: bool = False) -> str:
        """Which of the two a number is from, always said."""
        said = self.say("estimate-short") if source == "estimate" else self.say("reference-short")
        return f"{said} {self.say('sim')}" if simulated else said

    @property
    def pseudonym(self) -> str:
        """Of the subject."""
        return self.facts.session.pseudonym or self.say("no-pseudonym")

    @property
    def watermark(self) -> str:
        """Of a simulated or replayed session; empty for a real one."""
        session = self.facts.session
        if session.simulated:
            return self.say("watermark-simulated")
        return self.say("watermark-replayed") if session.replayed else ""

    @property
    def reference_kind(self) -> str:
        """What the reference is."""
        if not any(p.reference for p in self.facts.parameters):
            return self.say("reference-none")
        return self.facts.reference_kind or self.say("reference-unknown")

    @cached_property
    def lead(self) -> str:
        """One line under the title."""
        session, say = self.facts.session, self.say
        end = f"{self.moment(session.duration_s)} {self.offset}"
        return say(
            "lead",
            pseudonym=self.pseudonym,
            template=session.template or say("no-template"),
            when=f"{self.day} – {end}" if self.dated else self.day,
            duration=self.duration(session.duration_s),
        )

    @property
    def notes(self) -> list[str]:
        """What must be known before a number is read."""
        session = self.facts.session
        found = [self.say(state) for state in ("open", "damaged") if session.state == state]
        if session.estimates_hidden:
            found.append(self.say("hidden"))
        if session.incomplete:
            found.append(self.say("incomplete", why=session.incomplete.rstrip(".")))
        if session.speed != 1.0:
            found.append(self.say("speed", speed=f"{session.speed:g}"))
        return found

    @property
    def overview(self) -> list[tuple[str, str]]:
        """(what, how it is)."""
        say, session, ages = self.say, self.facts.session, self.facts.ages
        lines = [
            ("subject", say("subject-said", pseudonym=self.pseudonym, facts=self._subject())),
            ("recorded", self._recorded()),
            ("devices", said_as.listed(say, session.devices) or DASH),
            ("reference", self.reference_kind),
        ]
        if any(p.reference for p in self.facts.parameters):
            lines.append(("reference-age", self._reference_age()))
        if not session.estimates_hidden and any(p.estimate for p in self.facts.parameters):
            age = ages.personalisation_s
            said = (
                say("personalisation-age-none")
                if age is None
                else say("personalisation-age-said", age=self.duration(age))
            )
            lines.append(("personalisation-age", said))
        lines.append(("adc", self._adc()))
        if session.cvp_assumed and any(
            p.parameter in ("SVR", "SVRI") and p.estimate and p.estimate.n for p in self.facts.parameters
        ):
            lines.append(("cvp", say("cvp-assumed")))
        if session.unconfirmed_s:
            lines.append(
                ("unconfirmed", say("unconfirmed-said", duration=self.duration(session.unconfirmed_s)))
            )
        return [(say(name), said) for name, said in lines]

    def _recorded(self) -> str:
        session = self.facts.session
        if not self.dated:
            return self.say("recorded-undated", duration=self.duration(session.duration_s))
        return self.say(
            "recorded-said",
            start=self.moment(0.0, day=True, seconds=True),
            end=self.moment(session.duration_s, seconds=True),
            zone=f"{session.zone}, {self.offset}",
            duration=self.duration(session.duration_s),
        )

    def _subject(self) -> str:
        say, session = self.say, self.facts.session
        said = [say(f"sex-{session.sex}")]
        if session.age_y is not None:
            said.append(say("age-90") if session.age_y >= 90 else say("age", years=session.age_y))
        if session.height_cm is None or session.weight_kg is None:
            said.append(say("body-unknown"))
        else:
            said.append(say("body", height=f"{session.height_cm:g}", weight=f"{session.weight_kg:g}"))
        if session.corrected:
            said.append(say("corrected", fields=[said_as.field(say, name) for name in session.corrected]))
        return said_as.listed(say, said)

    def _reference_age(self) -> str:
        say, ages = self.say, self.facts.ages
        if not ages.calibrates_itself:
            return say("reference-age-not-needed")
        if not ages.reference_calibrations_s:
            return say("reference-age-none")
        times = [self.moment(t) for t in ages.reference_calibrations_s[-6:]]
        if ages.reference_s is None:
            return say("reference-age-ended", times=times)
        return say("reference-age-said", age=self.duration(ages.reference_s), times=times)

    def _adc(self) -> str:
        ages = self.facts.ages
        if ages.adc_calibrated_ns is None or ages.adc_s is None:
            return self.say("adc-none")
        at = datetime.fromtimestamp(ages.adc_calibrated_ns / 1e9 + self.facts.session.utc_offset_s, UTC)
        return self.say(
            "adc-said",
            day=at.date().isoformat(),
            age=self.duration(max(0.0, ages.adc_s)),
            method=self.say(f"method-{ages.adc_method}"),
        )

    @property
    def findings(self) -> list[str]:
        """A line each, in words of the rule."""
        if not self.facts.ranges:
            return [self.say("findings-none")]
        return [self.finding(f) for f in self.facts.findings] or [self.say("findings-nothing")]

    def finding(self, found: Finding) -> str:
        """One line: what the rule says of the session."""
        spells = (
            self.say("spells-one")
            if found.spells == 1
            else self.say("spells-many", n=found.spells, longest=self.duration(found.longest_s))
        )
        return self.say(
            f"finding.{found.side}",
            parameter=found.parameter,
            source=self.say("estimate" if found.source == "estimate" else "reference-short"),
            low=f"{found.low:g}",
            high=f"{found.high:g}",
            unit=UNITS[found.parameter],
            duration=self.duration(found.seconds),
            of=self.duration(found.of_s),
            share=self.share(found.seconds / found.of_s),
            spells=spells,
        )

    @property
    def cuffs(self) -> list[tuple[str, ...]]:
        """Rows of the table of readings."""
        found: list[tuple[str, ...]] = []
        for cuff in self.facts.cuffs:
            mean = "" if cuff.map_mmhg is None else f" ({cuff.map_mmhg:g})"
            said = (
                "" if cuff.withdrawn_s is None else self.say("withdrawn", time=self.moment(cuff.withdrawn_s))
            )
            reading = f"{cuff.sbp_mmhg:g}/{cuff.dbp_mmhg:g}{mean}"
            found.append((self.moment(cuff.t_s), reading, cuff.arm or DASH, cuff.posture or DASH, said))
        return found

    @property
    def markers(self) -> list[tuple[str, ...]]:
        """Rows of the table of markers, numbered as in the drawings."""
        return [
            (str(n), self.moment(m.t_s, seconds=True), m.label) for n, m in enumerate(self.facts.markers, 1)
        ]

    @property
    def footer(self) -> str:
        """What the numbers may claim (safety rule 6)."""
        learned, say = self.facts.learned, self.say
        if learned is None:
            return say("research")
        if not learned.known:
            return say("footer-no-card", model=learned.model)
        if not learned.n:
            return say("footer-simulated", unchecked=_each(learned.unchecked) or say("footer-any-device"))
        return say(
            "footer" if learned.unchecked else "footer-all-seen",
            kinds=_each(learned.kinds),
            site=_each(learned.site),
            n=learned.n,
            unchecked=_each(learned.unchecked),
        )


def _each(stored: str) -> list[str]:
    """Members of what facts store as one text."""
    return [member for member in stored.split(LISTED) if member]


def _no_minus_zero(value: float | None) -> float | None:
    return 0.0 if value == 0 else value
