"""Ten-minute medians, time in target, and how far the numbers went from a baseline: from exact medians, pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.reference_streams import (
    outside,
    reference_column,
    reference_streams,
    valid_spans,
)
from hemoview.viewmodel.review.slots import Slots, SlotTable
from hemoview.viewmodel.review.tiles import Floats, Floats32
from hemoview.viewmodel.trends.lines import line_length_s
from recorder.schema import PARAMETER_UNITS, PARAMETERS, StreamInfo
from recorder.schema.claims import interval_claimed

Span = tuple[float, float]
Column = tuple[StreamInfo, int]
"""A stream and the place of a parameter in it."""

TABLE_S = 600
TARGET_S = 10
BASELINE_S = 600.0
"""The baseline is the first ten minutes unless another span is chosen."""
BANDS = 3
BAND_OF = {"SBP": 10.0, "MAP": 10.0, "DBP": 10.0, "HR": 10.0}
"""Height of one band of the horizon in the parameter's unit; others: a tenth of the baseline."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """Ten minutes of one parameter.

    Args:
        t0_s: start of the slot.
        estimate, low, high: medians of what was shown; None where nothing was.
        simulated: the estimate is one learned from simulation alone, without an interval.
        n: estimates behind the median.
        abstained: share of the estimates that gave no number, None where there were no rows.
        reference: median of the beats, None without one.
        calibrated: the monitor was calibrated by then, so that the reference is one.
    """

    t0_s: float
    estimate: float | None
    low: float | None
    high: float | None
    simulated: bool
    n: int
    abstained: float | None
    reference: float | None
    calibrated: bool


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of a time, each 0–1: below, inside and above a range, and without a number."""

    below: float
    inside: float
    above: float
    nothing: float


@dataclass(frozen=True, slots=True)
class TargetRow:
    """Time in target of one parameter; never an alarm. None where there is no such source."""

    parameter: str
    unit: str
    target: Span
    estimate: Shares | None
    reference: Shares | None


@dataclass(frozen=True, slots=True, eq=False)
class HorizonRow:
    """How far the estimate of one parameter was from its baseline: ``(n,)`` in its unit, NaN where there is none."""

    parameter: str
    unit: str
    baseline: float
    band: float
    t_s: Floats
    deviation: Floats32
    length_s: int


def parameters_in(facts: SessionFacts) -> tuple[str, ...]:
    """Parameters this session can show a number of."""
    return tuple(p for p in PARAMETERS if _column(facts, "estimate", p) or _reference(facts, p))


def table_rows(parameter: str, facts: SessionFacts, table: SlotTable, span: Span) -> tuple[TableRow, ...]:
    """The ten-minute slots that touch a span, in time order; those without any row are left out."""
    estimate, reference = _column(facts, "estimate", parameter), _reference(facts, parameter)
    until_s = min(span[1], facts.duration_s)
    first, last = int(span[0] // TABLE_S), int(np.ceil(until_s / TABLE_S))
    valid = valid_spans(facts, parameter)
    rows = (_row(i, facts, table, (estimate, reference), valid) for i in range(first, max(first, last)))
    return tuple(row for row in rows if row.abstained is not None or row.reference is not None)


def _row(
    i: int,
    facts: SessionFacts,
    table: SlotTable,
    sources: tuple[Column | None, Column | None],
    valid: tuple[Span, ...] | None,
) -> TableRow:
    estimate, reference = sources
    value = low = high = abstained = mean = None
    n, simulated = 0, False
    slots = table.slots(estimate[0].stream_id, TABLE_S) if estimate else None
    if estimate is not None and slots is not None and i < len(slots.rows) and slots.rows[i]:
        names = {channel.name: c for c, channel in enumerate(estimate[0].channels)}
        parameter = estimate[0].channels[estimate[1]].name
        value = _at(slots, i, estimate[1])
        low, high = (_at(slots, i, names.get(f"{parameter}{end}")) for end in ("_lo", "_hi"))
        n = int(slots.counted[i, estimate[1]])
        abstained = 1.0 - n / int(slots.rows[i])
        simulated = value is not None and low is None
        if low is not None and not interval_claimed(facts.card, parameter):
            value, low, high, n = None, None, None, 0  # too few real people stand behind it (safety rule 7)
    beats = table.slots(reference[0].stream_id, TABLE_S) if reference else None
    if reference is not None and beats is not None and i < len(beats.rows):
        mean = _at(beats, i, reference[1])
    at_s = i * TABLE_S
    inside = valid is None or any(a < at_s + TABLE_S and b > at_s for a, b in valid)
    return TableRow(at_s, value, low, high, simulated, n, abstained, mean, inside)


def _at(slots: Slots, i: int, column: int | None) -> float | None:
    value = np.nan if column is None else slots.median[i, column]
    return float(value) if np.isfinite(value) else None


def target_rows(facts: SessionFacts, table: SlotTable, span: Span) -> tuple[TargetRow, ...]:
    """Time in the template's ranges over a span; none where the template names no range."""
    until_s = min(span[1], facts.duration_s)
    return tuple(
        TargetRow(
            parameter,
            PARAMETER_UNITS[parameter],
            ends,
            _shares(_claimed_column(facts, parameter), table, (span[0], until_s), ends, None),
            _shares(
                _reference(facts, parameter),
                table,
                (span[0], until_s),
                ends,
                valid_spans(facts, parameter),
            ),
        )
        for parameter in PARAMETERS
        if (ends := facts.ranges.get(parameter)) is not None
    )


def _shares(
    source: Column | None,
    table: SlotTable,
    span: Span,
    target: Span,
    valid: tuple[Span, ...] | None,
) -> Shares | None:
    """By medians of ten seconds; a reference counts only where it was calibrated (``valid``, None: always)."""
    if source is None or (slots := table.slots(source[0].stream_id, TARGET_S)) is None:
        return None
    t_s, part = slots.part(*span)
    n = int(np.ceil(span[1] / TARGET_S)) - int(span[0] // TARGET_S)
    if n <= 0:
        return None
    values = slots.median[part, source[1]]
    if valid is not None:
        values = np.where(outside(t_s, valid), np.nan, values)
    known = int(np.isfinite(values).sum())
    below, above = int((values < target[0]).sum()), int((values > target[1]).sum())
    return Shares(below / n, (known - below - above) / n, above / n, (n - known) / n)


def horizon_rows(
    parameters: tuple[str, ...], facts: SessionFacts, table: SlotTable, span: Span, baseline: Span
) -> tuple[HorizonRow, ...]:
    """How far each parameter's estimate was from the median of its baseline; none where the baseline is empty."""
    return tuple(_horizons(parameters, facts, table, span, baseline))


def _horizons(
    parameters: tuple[str, ...], facts: SessionFacts, table: SlotTable, span: Span, baseline: Span
) -> Iterator[HorizonRow]:
    length_s = line_length_s(span[1] - span[0])
    for parameter in parameters:
        source = _claimed_column(facts, parameter)
        fine = table.slots(source[0].stream_id, TARGET_S) if source else None
        coarse = table.slots(source[0].stream_id, length_s) if source else None
        if source is None or fine is None or coarse is None:
            continue
        first = fine.median[fine.part(*baseline)[1], source[1]]
        first = first[np.isfinite(first)]
        if not first.size:
            continue
        middle = float(np.median(first))
        t_s, part = coarse.part(span[0], min(span[1], facts.duration_s))
        band = BAND_OF.get(parameter, abs(middle) / 10 or 1.0)
        deviation = coarse.median[part, source[1]] - np.float32(middle)
        yield HorizonRow(parameter, PARAMETER_UNITS[parameter], middle, band, t_s, deviation, length_s)


def _claimed_column(facts: SessionFacts, parameter: str) -> Column | None:
    """As :func:`_column` of the estimate, none where its card claims no interval for it."""
    return _column(facts, "estimate", parameter) if interval_claimed(facts.card, parameter) else None


def _column(facts: SessionFacts, role: str, parameter: str) -> Column | None:
    """The stream of a role that holds a parameter, and the column; no estimate where estimates are hidden."""
    for info in facts.streams:
        if info.role == role and not (role == "estimate" and facts.estimates_hidden):
            for i, c in enumerate(info.channels):
                if c.name == parameter:
                    return info, i
    return None


def _reference(facts: SessionFacts, parameter: str) -> Column | None:
    """The first stream of the reference that holds a parameter, and the column."""
    for info in reference_streams(facts.streams):
        column = reference_column(info, parameter)
        if column is not None:
            return info, column
    return None
