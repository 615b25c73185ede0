"""The tables of a hemodynamic report as rows, and as CSV.

Text that a spreadsheet would take for a formula stays text: behind an apostrophe, as everywhere in this program.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from hemoview.report.session.facts import UNITS, Facts, sha256_of
from hemoview.report.session.text import Text
from hemoview.report.session.words import Language
from recorder.exchange.trends.trend_csv import safe

Cell = str | float | int | None


@dataclass(frozen=True, slots=True)
class Table:
    """``name`` is the sheet and the file; ``head`` has units; a cell without a value is None."""

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables_of(facts: Facts) -> tuple[Table, ...]:
    """Every table; names and heads are English in every language, for programs to read."""
    return (
        Table(
            "summary",
            (
                *("parameter", "unit", "source", "mean", "median", "lowest", "highest", "valid_share"),
                *("n_slots_10s", "interval_width_90", "simulated", "why_not"),
            ),
            tuple(_summary(facts)),
        ),
        Table(
            "agreement",
            (
                *(
                    "parameter",
                    "unit",
                    "n_slots_10s",
                    "mean_difference",
                    "sd",
                    "limit_low_95",
                    "limit_high_95",
                ),
                *("reference_inside_interval_share", "estimate_learned_from_reference_share"),
            ),
            tuple(_agreement(facts)),
        ),
        Table(
            "ten_minutes",
            (
                *(
                    "time_s",
                    "time_local",
                    "parameter",
                    "unit",
                    "estimate",
                    "low_90",
                    "high_90",
                    "n_estimates",
                ),
                *("abstained_share", "why", "simulated", "used_withdrawn_cuff", "reference"),
            ),
            tuple(_rows(facts)),
        ),
        _findings(facts),
        *_happened(facts),
    )


def _findings(facts: Facts) -> Table:
    return Table(
        "findings",
        (
            *(
                "parameter",
                "unit",
                "source",
                "finding",
                "range_low",
                "range_high",
                "seconds",
                "of_seconds",
            ),
            *("spells", "longest_s"),
        ),
        tuple(
            (
                f.parameter,
                UNITS[f.parameter],
                f.source,
                f.side,
                f.low,
                f.high,
                f.seconds,
                f.of_s,
                f.spells,
                f.longest_s,
            )
            for f in facts.findings
        ),
    )


def _happened(facts: Facts) -> tuple[Table, ...]:
    return (
        Table(
            "cuff_readings",
            ("time_s", "sbp_mmhg", "dbp_mmhg", "map_mmhg", "arm", "posture", "withdrawn_s"),
            tuple(
                (c.t_s, c.sbp_mmhg, c.dbp_mmhg, c.map_mmhg, c.arm, c.posture, c.withdrawn_s)
                for c in facts.cuffs
            ),
        ),
        Table(
            "markers",
            ("time_s", "label", "source"),
            tuple((m.t_s, m.label, m.source) for m in facts.markers),
        ),
        Table(
            "gaps",
            ("stream", "from_s", "to_s", "cause", "n_missing"),
            tuple((g.stream_id, g.t0_s, g.t1_s, g.cause, g.n_missing) for g in facts.gaps),
        ),
        Table(
            "streams",
            ("stream", "role", "device", "rows", "covered_share", "gaps", "longest_gap_s"),
            tuple(
                (c.stream_id, c.role, c.device, c.rows, c.covered, c.gaps, c.longest_gap_s)
                for c in facts.coverage
            ),
        ),
    )


def _summary(facts: Facts) -> Iterator[tuple[Cell, ...]]:
    for fact in facts.parameters:
        for source, found in (("estimate", fact.estimate), ("reference", fact.reference)):
            if found is not None:
                why = "; ".join(f"{name} {share:.1%}" for name, share in found.why)
                numbers = (
                    found.mean,
                    found.median,
                    found.lowest,
                    found.highest,
                    found.valid,
                    found.n,
                    found.width,
                )
                yield (fact.parameter, fact.unit, source, *numbers, _yes(found.simulated), why)


def _agreement(facts: Facts) -> Iterator[tuple[Cell, ...]]:
    for fact in facts.parameters:
        if (found := fact.agreement) is not None:
            ends = (found.bias, found.sd, found.low, found.high)
            yield (fact.parameter, fact.unit, found.n, *ends, found.inside, found.told)


def _rows(facts: Facts) -> Iterator[tuple[Cell, ...]]:
    text = Text(facts, "en")
    for row in facts.table:
        yield (
            *(row.t0_s, text.moment(row.t0_s, day=True) if text.dated else ""),
            *(row.parameter, UNITS[row.parameter]),
            *(row.estimate, row.low, row.high, row.n, row.abstained, row.why),
            *(_yes(row.simulated), _yes(row.withdrawn), row.reference),
        )


def _yes(flag: bool) -> str:
    return "yes" if flag else ""


def head_lines(facts: Facts, language: Language = "en") -> tuple[str, ...]:
    """What stands above every table: watermark, whose session it is, what the numbers may claim."""
    text = Text(facts, language)
    marked = f"{text.watermark} – {text.say('watermark-line')}" if text.watermark else ""
    lines = (marked, text.lead, *text.notes, text.footer, f"facts {sha256_of(facts)}")
    return tuple(line for line in lines if line)


def csv_of(table: Table, facts: Facts) -> str:
    """A table as CSV behind lines with ``#``; UTF-8 with a mark, so that Excel reads its letters."""
    out = io.StringIO()
    for line in head_lines(facts):
        out.write(f"# {' '.join(line.split())}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.head)
    for row in table.rows:
        writer.writerow(
            [safe(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row]
        )
    return "\ufeff" + out.getvalue()
