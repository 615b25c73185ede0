"""What a saved picture says of itself: whose, when, in which units, what the numbers are. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from hemoview.viewmodel.live.record_view import RecordView
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.axis import elapsed_text, length_text, wall_time, zone_of
from hemoview.viewmodel.review.facts import SessionFacts
from recorder.session.timeline import is_dated

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class FigureHead:
    """The lines around a saved picture.

    Args:
        pseudonym: of the subject, empty without one.
        when: start of the session and the span shown.
        units: of the pressures, and what is what.
        simulated: watermark across the picture, None where it is a measurement.
        hidden: estimates are hidden in it (safety rule 13), so that there are none.
        claim: what the estimates are and are not.
        file_name: proposed, without folder and ending.
    """

    pseudonym: str
    when: Message
    units: Message
    simulated: Message | None
    hidden: bool
    claim: Message | str
    file_name: str


def head_of_session(facts: SessionFacts, span_s: tuple[float, float], unit: str, claim: str) -> FigureHead:
    """Of a span of a stored or running session."""
    zone = zone_of(facts.zone, facts.utc_offset_s)
    start, end = (wall_time(facts.start_wall_ns + round(t * 1e9), zone) for t in span_s)
    dated = is_dated(facts.start_wall_ns)
    watermark = "watermark-replayed" if facts.replayed else "watermark-simulated"
    return FigureHead(
        pseudonym=facts.pseudonym,
        when=say(
            "figure-when" if dated else "figure-when-undated",
            start=f"{start:%Y-%m-%d %H:%M:%S}",
            end=f"{end:%H:%M:%S}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M:%S}",
            zone=facts.zone,
            t0=elapsed_text(span_s[0]),
            t1=elapsed_text(span_s[1]),
            length=length_text(span_s[1] - span_s[0]),
        ),
        units=_units(unit, hidden=facts.estimates_hidden),
        simulated=say(watermark) if facts.simulated else None,
        hidden=facts.estimates_hidden,
        claim=claim,
        file_name=file_name(facts.pseudonym, start if dated else None, length_text(span_s[1] - span_s[0])),
    )


def head_of_record(view: RecordView, pseudonym: str, unit: str, now: datetime, *, hidden: bool) -> FigureHead:
    """Of the Record screen as it stands."""
    begin, end = view.trend.span_s
    return FigureHead(
        pseudonym=pseudonym,
        when=say(
            "figure-now",
            now=f"{now:%Y-%m-%d %H:%M:%S}",
            elapsed=view.header.elapsed or "–",
            length=length_text(end - begin),
        ),
        units=_units(unit, hidden=hidden),
        simulated=view.watermark,
        hidden=hidden,
        claim=view.numerics.footer,
        file_name=file_name(pseudonym, now, "record"),
    )


def _units(unit: str, *, hidden: bool) -> Message:
    return say("figure-units-hidden" if hidden else "figure-units", unit=unit)


def file_name(pseudonym: str, start: datetime | None, what: str) -> str:
    """``P-014_20261128-1405_24-h-00-min``: a name every system takes."""
    parts = (pseudonym or "no-subject", "undated" if start is None else f"{start:%Y%m%d-%H%M}", what)
    return "_".join(_UNSAFE.sub("-", part).strip("-.") for part in parts)
