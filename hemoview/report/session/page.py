"""The hemodynamic report as one page with nothing to load from anywhere; the same bytes for the same facts.

Two sections are a person's: the clinician's assessment and the recommendations. Nothing here writes in them; what a
clinician typed and signed is put there word by word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from hemoview.report import html
from hemoview.report.session.facts import (
    GROUPS,
    UNITS,
    Agreement,
    Facts,
    ParameterFact,
    Row,
    Summary,
    sha256_of,
)
from hemoview.report.session.text import Text
from hemoview.report.session.words import Language

STYLE: Final = """
body { font-family: system-ui, "DejaVu Sans", "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC",
  "WenQuanYi Zen Hei", sans-serif; max-width: 62rem; }
.plots, .plots.plots { grid-template-columns: 1fr 1fr; } figure.broad { grid-column: 1 / -1; }
@media screen and (max-width: 44rem) { .plots.plots { grid-template-columns: 1fr; } }
 td { white-space: normal; } th[scope=row] { white-space: nowrap; }
tr.group th { background: #e4ecf2; }
.sign p.blank { border-bottom: 1px solid #999; height: 2rem; margin: 0; } .sign { break-inside: avoid; }
.sign p.written { border-left: 3px solid #1f5f8b; padding-left: .6rem; margin: 0; min-height: 1em; }
.machine { border: 1px dashed #8a6d00; padding: .3rem .8rem; }
.mark { position: fixed; inset: 0; display: flex; align-items: center; justify-content: center; pointer-events: none;
  z-index: 5; } .mark::before { content: attr(data-mark); font-size: 8vmin; font-weight: 800; color: #8a1c00;
  opacity: .13; transform: rotate(-32deg); white-space: nowrap; }
@page { size: A4; margin: 12mm; }
"""
LINES: Final = 5
"""Empty lines for what a person writes."""
LONG_GAP_S: Final = 10.0
MOST_LINES: Final = 40
"""More gaps, markers or readings than this stand in the tables beside the page only."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a person wrote and signed; put into the page as it is.

    Args:
        assessment, recommendations: their words.
        who: their name, as the log-in has it.
        when: date and time, as text.
    """

    assessment: str
    recommendations: str
    who: str
    when: str


@dataclass(frozen=True, slots=True)
class Narrative:
    """A summary in sentences; ``model`` empty: put together from fixed sentences."""

    sentences: tuple[str, ...]
    model: str = ""


@dataclass(frozen=True, slots=True)
class Extras:
    """What a page has beside the facts.

    Args:
        written: by a person; None = the sections are blank.
        narrative: None = there is none.
        notice: a line at the top, e.g. which version this is and of what state.
    """

    written: Written | None = None
    narrative: Narrative | None = None
    notice: str = ""


NOTHING: Final = Extras()


def page(
    facts: Facts, language: Language = "en", extras: Extras = NOTHING, *, as_pictures: bool = False
) -> str:
    """The whole page.

    Args:
        as_pictures: drawings made of dots, for :func:`hemoview.report.pdf.pdf_of`.
    """
    text = Text(facts, language)
    body = _body(facts, text, extras, as_pictures=as_pictures)
    return html.document(title(facts, language), body, language=text.html_language, style=STYLE)


def title(facts: Facts, language: Language = "en") -> str:
    """Of the page."""
    text = Text(facts, language)
    return f"{text.say('title')} – {text.pseudonym}, {text.day}"


def _body(facts: Facts, text: Text, extras: Extras, *, as_pictures: bool) -> Iterator[str]:
    say = text.say
    if text.watermark:
        yield f'<div class="mark" data-mark="{escape(text.watermark, quote=True)}" aria-hidden="true"></div>'
        yield (
            f'<div class="simulated">{escape(text.watermark)}<small>{escape(say("watermark-line"))}</small></div>'
        )
    yield html.heading(f"{say('title')}: {text.pseudonym}", 1)
    yield html.paragraph(text.lead, "lead")
    if extras.notice:
        yield html.paragraph(extras.notice, "note")
    for note in text.notes:
        yield html.paragraph(note, "note")
    yield html.heading(say("overview"))
    yield html.table(["", ""], text.overview, words=True)
    if extras.narrative is not None:
        yield from _narrative(extras.narrative, text)
    yield html.heading(say("numbers"))
    yield from _numbers(facts, text)
    if any(p.agreement for p in facts.parameters):
        yield html.heading(say("beside"))
        yield html.paragraph(say("beside-lead", kind=text.reference_kind), "lead")
        yield _beside(facts, text)
    yield html.heading(say("findings"))
    yield html.paragraph(say("findings-lead"), "lead")
    yield html.bullets(text.findings)
    yield from _trends(facts, text, as_pictures=as_pictures)
    yield from _table(facts, text)
    yield from _events(facts, text)
    yield html.heading(say("coverage"))
    yield _coverage(facts, text)
    for part in ("assessment", "recommendations"):
        yield from _persons(part, extras.written, text)
    yield "<footer>" + html.paragraph(text.footer)
    yield html.paragraph(say("made-of", software=facts.software, sha=sha256_of(facts)[:16])) + "</footer>"


def _narrative(narrative: Narrative, text: Text) -> Iterator[str]:
    yield html.heading(text.say("narrative"))
    label = (
        text.say("narrative-label", model=narrative.model)
        if narrative.model
        else text.say("narrative-template")
    )
    yield '<div class="machine">' + html.paragraph(label, "lead")
    yield "".join(html.paragraph(sentence) for sentence in narrative.sentences) + "</div>"


def _numbers(facts: Facts, text: Text) -> Iterator[str]:
    say = text.say
    shown = [p for p in facts.parameters if _has_value(p.estimate) or _has_value(p.reference)]
    if not shown:
        yield html.paragraph(say("none-said"))
        return
    estimated = any(p.estimate is not None for p in facts.parameters)
    head = [say(i) for i in ("parameter", "source", "mean", "median", "range", "valid")]
    head += [say("interval")] * estimated
    rows: list[Sequence[html.Cell]] = []
    for group, parameters in GROUPS.items():
        members = [p for p in shown if p.parameter in parameters]
        if members:
            rows.append((say(f"group-{group}"), *[""] * (len(head) - 1)))
        for member in members:
            rows += [row[: len(head)] for row in _number_rows(member, text)]
    yield html.paragraph(say("numbers-lead" if estimated else "numbers-lead-reference"), "lead")
    yield html.table(head, rows)
    silent = [p for p in facts.parameters if p not in shown]
    if silent:
        yield html.paragraph(say("left-out", parameters=[_silent(p, text) for p in silent]), "lead")


def _silent(fact: ParameterFact, text: Text) -> str:
    why = fact.estimate.why[0][0] if fact.estimate and fact.estimate.why else ""
    if not why:
        return fact.parameter
    return text.say("left-out-why", parameter=fact.parameter, why=text.reason(why))


def _has_value(summary: Summary | None) -> bool:
    return summary is not None and summary.n > 0


def _number_rows(fact: ParameterFact, text: Text) -> Iterator[tuple[str, ...]]:
    name = text.say("in-unit", what=fact.parameter, unit=fact.unit)
    for source, summary in (("estimate", fact.estimate), ("reference", fact.reference)):
        if summary is not None and (summary.n or source == "estimate"):
            yield (
                name,
                text.source(source, simulated=summary.simulated),
                text.number(fact.parameter, summary.mean),
                text.number(fact.parameter, summary.median),
                text.span(fact.parameter, summary.lowest, summary.highest),
                text.share(summary.valid),
                text.width_or_why(fact.parameter, summary),
            )


def _beside(facts: Facts, text: Text) -> str:
    say = text.say
    head = [say(i) for i in ("parameter", "pairs", "difference", "sd", "limits", "inside", "told")]
    pairs = [(p, p.agreement) for p in facts.parameters if p.agreement is not None]
    return html.table(head, [_beside_row(p, a, text) for p, a in pairs])


def _beside_row(fact: ParameterFact, found: Agreement, text: Text) -> tuple[str, ...]:
    return (
        text.say("in-unit", what=fact.parameter, unit=fact.unit),
        str(found.n),
        text.signed(fact.parameter, found.bias),
        text.number(fact.parameter, found.sd),
        f"{text.signed(fact.parameter, found.low)} … {text.signed(fact.parameter, found.high)}",
        html.DASH if found.inside is None else text.share(found.inside),
        text.share(found.told),
    )


def _trends(facts: Facts, text: Text, *, as_pictures: bool) -> Iterator[str]:
    from hemoview.report.session.plots import BROAD, trend_plots  # noqa: PLC0415 – a page's kinds need no drawing

    plots = list(trend_plots(facts, as_pictures=as_pictures))
    if not plots:
        return
    say = text.say
    lead = (
        "trends-lead"
        if any(any(v is not None for v in t.estimate) for t in facts.trends)
        else "trends-lead-reference"
    )
    yield html.heading(say("trends"))
    yield html.paragraph(say(lead, step=text.duration(facts.trend_step_s)), "lead")
    yield '<div class="plots">'
    for group, names, drawing in plots:
        caption = say(
            "plot" if text.dated else "plot-undated",
            group=say(f"group-{group}"),
            names=names,
            unit=UNITS[names[0]],
        )
        look = ' class="broad"' if group in BROAD else ""
        yield f"<figure{look}>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"
    yield "</div>"


def _table(facts: Facts, text: Text) -> Iterator[str]:
    if not facts.table:
        return
    say = text.say
    yield html.heading(say("table"))
    estimated = any(row.abstained is not None for row in facts.table)
    yield html.paragraph(say("table-lead" if estimated else "table-lead-reference"), "lead")
    for group, parameters in GROUPS.items():
        rows = [row for row in facts.table if row.parameter in parameters]
        names = [p for p in parameters if any(r.parameter == p and _says(r) for r in rows)]
        if names:
            yield _group_table(group, names, rows, text)
    if any(row.withdrawn for row in facts.table):
        yield html.paragraph(say("table-withdrawn"), "lead")


def _says(row: Row) -> bool:
    return row.estimate is not None or row.reference is not None


def _group_table(group: str, names: Sequence[str], rows: Sequence[Row], text: Text) -> str:
    say = text.say
    by = {(row.t0_s, row.parameter): row for row in rows}
    estimated = [n for n in names if any(r.parameter == n and r.abstained is not None for r in rows)]
    beside = [n for n in names if any(r.parameter == n and r.reference is not None for r in rows)]
    head = [say("time")]
    for name in names:
        head += [f"{name} {say('estimate-short')}"] * (name in estimated)
        head += [f"{name} {say('reference-short')}"] * (name in beside)
    head += [say("n"), say("abstained")] * bool(estimated)
    lines: list[tuple[str, ...]] = []
    for t0_s in sorted({row.t0_s for row in rows}):
        cells = [text.moment(t0_s)]
        for name in names:
            row = by.get((t0_s, name))
            cells += [text.estimate(row)] * (name in estimated)
            cells += [text.whole(name, row.reference if row else None)] * (name in beside)
        if estimated:
            first = by.get((t0_s, estimated[0]))
            cells += [str(first.n) if first else "0", text.abstained(first)]
        lines.append(tuple(cells))
    units = list(dict.fromkeys(UNITS[name] for name in names))
    return html.table(head, lines, say("in-unit", what=say(f"group-{group}"), unit=units))


def _events(facts: Facts, text: Text) -> Iterator[str]:
    say = text.say
    if facts.cuffs:
        yield html.heading(say("cuffs"))
        head = [say("time"), say("reading"), say("arm"), say("posture"), say("remark")]
        yield html.table(head, text.cuffs[:MOST_LINES], words=True)
        yield from _more(len(facts.cuffs), text)
    if facts.markers:
        yield html.heading(say("markers"))
        yield html.table([say("marker"), say("time"), say("label")], text.markers[:MOST_LINES], words=True)
        yield from _more(len(facts.markers), text)
    long = [gap for gap in facts.gaps if gap.t1_s - gap.t0_s >= LONG_GAP_S]
    yield html.heading(say("gaps-title"))
    if not long:
        yield html.paragraph(say("gaps-none"))
        return
    head = [say("from"), say("stream"), say("length"), say("cause")]
    rows = [
        (text.moment(g.t0_s, seconds=True), g.stream_id, text.duration(g.t1_s - g.t0_s), g.cause)
        for g in long[:MOST_LINES]
    ]
    yield html.table(head, rows, words=True)
    yield from _more(len(long), text)


def _more(n: int, text: Text) -> Iterator[str]:
    if n > MOST_LINES:
        yield html.paragraph(text.say("more", n=n - MOST_LINES), "lead")


def _coverage(facts: Facts, text: Text) -> str:
    say = text.say
    head = [say(i) for i in ("stream", "device", "covered", "rows", "gaps", "longest")]
    return html.table(
        head,
        [
            (
                c.stream_id,
                c.device,
                html.DASH if c.covered is None else text.share(c.covered, 1),
                f"{c.rows:,}".replace(",", "\u2009"),
                str(c.gaps),
                text.duration(c.longest_gap_s) if c.gaps else html.DASH,
            )
            for c in facts.coverage
        ],
    )


def _persons(part: str, written: Written | None, text: Text) -> Iterator[str]:
    """A section that only a person fills."""
    say = text.say
    yield f'<section class="sign"><h2 class="kept">{escape(say(part))}</h2>'
    if written is None:
        yield html.paragraph(say("blank"), "lead")
        yield '<p class="blank"></p>' * LINES
        marks = (("sign-name", 34), ("sign-date", 16), ("sign-signature", 26))
        yield html.paragraph("   ".join(f"{say(i)} {'_' * n}" for i, n in marks))
    else:
        for line in getattr(written, part).splitlines():
            yield html.paragraph(line, "written")
        yield html.paragraph(
            f"{say('sign-name')}: {written.who} · {say('sign-date')}: {written.when}", "lead"
        )
    yield "</section>"
