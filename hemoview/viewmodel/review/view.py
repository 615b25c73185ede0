"""Wish + session facts + the tiles that are here → one frozen picture of Review. Pure; knows no toolkit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel.formats import pressure_factor
from hemoview.viewmodel.review.axis import nice_range, value_ticks
from hemoview.viewmodel.review.facts import CalibrationMark, CuffMark, GapMark, SessionFacts
from hemoview.viewmodel.review.marks import Mark
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.panels import Panel, Trace
from hemoview.viewmodel.review.reference_streams import outside, valid_spans
from hemoview.viewmodel.review.shift import TimeShift
from hemoview.viewmodel.review.tiles import (
    Floats,
    Floats32,
    Levels,
    TileCache,
    assemble,
    floor_level,
    keys_over,
    level_for,
    to_columns,
)
from recorder.schema import StreamInfo

NUMERIC_JOIN_S = 2.5
"""Rows further apart than this are not joined by a line: what was not measured is not drawn."""
SIMULATED = "simulated"
"""The one reason that stands beside a value: learned from simulation alone, shown tagged (safety rule 7)."""
_JOIN_BINS = 2.5
_LEAST_SPANS = {"mmHg": 20.0, "/min": 10.0, "g": 0.2, "V": 0.1}
"""A flat trace is not blown up to noise: least height of a panel by unit."""
_MARGINS = {"g": 0.08}
"""Room above and below, as a share of the height: motion is often a level line, which would lie on the edge."""


@dataclass(frozen=True, slots=True, eq=False)
class TraceView:
    """One line: times, lowest and highest value per pixel column, interval where it has one.

    ``join_s``: neighbours further apart stand alone. ``exact``: every point is a sample. ``grey``: where a reference
    was not calibrated then, ``(m,)``; None for anything else.
    """

    trace: Trace
    t_s: Floats
    low: Floats32
    high: Floats32
    band_low: Floats32 | None
    band_high: Floats32 | None
    join_s: float
    exact: bool
    grey: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class ReasonBox:
    """A stretch in which an estimate abstained, or a pressure had no calibration."""

    t0_s: float
    t1_s: float
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class PanelView:
    """One strip, ready to paint. ``settled``: nothing finer is still being read.

    Everything is in the panel's own unit; what is written beside it is that times ``factor``, in ``unit``.
    """

    panel: Panel
    y_low: float
    y_high: float
    y_ticks: tuple[float, ...]
    traces: tuple[TraceView, ...]
    gaps: tuple[GapMark, ...]
    reasons: tuple[ReasonBox, ...]
    cuffs: tuple[CuffMark, ...]
    settled: bool
    unit: str = ""
    factor: float = 1.0


def visible_marks(facts: SessionFacts, wish: Wish) -> tuple[Mark, ...]:
    """Marks in the visible span."""
    return tuple(m for m in facts.marks if wish.t0_s <= m.t_s <= wish.t1_s)


def resolve_panel(
    panel: Panel,
    facts: SessionFacts,
    wish: Wish,
    cache: TileCache,
    pressure_unit: str = "mmHg",
    *,
    shift: TimeShift | None = None,
) -> PanelView:
    """What a panel shows over the visible span at the picture's width; ``shift``: some streams at other times."""
    traces: list[TraceView] = []
    reasons: list[ReasonBox] = []
    settled = True
    for stream_id in panel.stream_ids:
        info = facts.stream(stream_id)
        there = wish if shift is None else shift.wish_for(stream_id, wish)
        if there is None:
            continue
        levels = _levels(info, facts, there, cache)
        settled = settled and levels.settled
        mine = [trace for trace in panel.traces if trace.stream_id == stream_id]
        found, why = _traces(mine, info, levels, there)
        reasons += why
        if panel.unit == "mmHg":
            found = [_calibrated(view, info, facts.calibrations) for view in found]
        found = [_judged(view, facts) for view in found]
        traces += found if shift is None else [_shifted(shift, view) for view in found]
    reasons += _uncalibrated(panel, facts)
    reasons += [ReasonBox(t0_s, t1_s, "unconfirmed-subject") for t0_s, t1_s in facts.unconfirmed]
    reasons += _withdrawn(panel, facts)
    cuffs = tuple(c for c in facts.cuffs if panel.cuffs and wish.t0_s <= c.t_s <= wish.t1_s)
    unit = pressure_unit if panel.unit == "mmHg" else panel.unit
    factor = pressure_factor(unit)
    y_low, y_high, y_ticks = _scale(panel, traces, cuffs, factor)
    return PanelView(
        panel=panel,
        y_low=y_low,
        y_high=y_high,
        y_ticks=y_ticks,
        traces=tuple(traces),
        gaps=gaps_over(facts, panel.stream_ids, wish.t0_s, wish.t1_s, shift),
        reasons=tuple(reasons),
        cuffs=cuffs,
        settled=settled,
        unit=unit,
        factor=factor,
    )


def with_traces(view: PanelView, traces: Sequence[TraceView]) -> PanelView:
    """The same strip with other lines, its range fitted to them."""
    y_low, y_high, y_ticks = _scale(view.panel, traces, view.cuffs, view.factor)
    return replace(view, traces=tuple(traces), y_low=y_low, y_high=y_high, y_ticks=y_ticks)


def gaps_over(
    facts: SessionFacts, stream_ids: Sequence[str], t0_s: float, t1_s: float, shift: TimeShift | None = None
) -> tuple[GapMark, ...]:
    """Gaps of these streams that touch a span, where they are drawn."""
    mine = (g for g in facts.gaps if g.stream_id in stream_ids)
    placed = mine if shift is None else (shift.gap(g) for g in mine)
    return tuple(g for g in placed if g.t1_s >= t0_s and g.t0_s <= t1_s)


def _shifted(shift: TimeShift, view: TraceView) -> TraceView:
    """The line where the alignment puts it; what lies between two pieces is left out."""
    if not shift.moves(view.trace.stream_id):
        return view
    t_s = shift.to_pulse(view.t_s)
    kept = np.isfinite(t_s)

    def held(values: NDArray[Any] | None) -> Any:
        return None if values is None else values[kept]

    return replace(
        view,
        t_s=t_s[kept],
        low=view.low[kept],
        high=view.high[kept],
        band_low=held(view.band_low),
        band_high=held(view.band_high),
        grey=held(view.grey),
    )


def _levels(info: StreamInfo, facts: SessionFacts, wish: Wish, cache: TileCache) -> Levels:
    level = level_for(wish.span_s / wish.width_px, floor_level(info))
    keys = keys_over(info.stream_id, level, wish.t0_s, min(wish.t1_s, facts.duration_s))
    return assemble(cache, keys, level_for(facts.duration_s, level) + 1, facts.duration_s)


def _traces(
    traces: Sequence[Trace], info: StreamInfo, levels: Levels, wish: Wish
) -> tuple[list[TraceView], list[ReasonBox]]:
    """The lines of one stream; all their columns are reduced together."""
    lowest = tuple({c for t in traces for c in (t.column, t.low, t.why) if c is not None})
    highest = tuple({c for t in traces for c in (t.column, t.high) if c is not None})
    t_s, lows, highs = to_columns(levels, (lowest, highest), wish.t0_s, wish.t1_s, wish.width_px)
    column_s = max(levels.bin_s, wish.span_s / wish.width_px)
    period_s = 1.5 / info.nominal_rate_hz if info.nominal_rate_hz else NUMERIC_JOIN_S
    exact = lows is highs
    views = [
        TraceView(
            trace,
            t_s,
            lows[trace.column],
            highs[trace.column],
            None if trace.low is None else lows.get(trace.low),
            None if trace.high is None else highs.get(trace.high),
            period_s if exact else max(period_s, _JOIN_BINS * column_s),
            exact,
        )
        for trace in traces
    ]
    return views, _reasons(views, lows, info)


def _reasons(views: Sequence[TraceView], lows: Mapping[int, Floats32], info: StreamInfo) -> list[ReasonBox]:
    """Where every estimate of the stream is absent, or learned from simulation alone; the reason of the first."""
    banded = [v for v in views if v.trace.why is not None and v.trace.why in lows]
    if not banded or not len(banded[0].t_s):
        return []
    first = banded[0]
    absent = np.logical_and.reduce([np.isnan(v.low) for v in banded])
    names = reasons_of(info)
    codes = np.nan_to_num(lows[first.trace.why or 0]).astype(np.int64)
    tagged = codes == (names.index(SIMULATED) + 1 if SIMULATED in names else -1)
    code = np.where(absent | tagged, codes, 0)
    return [
        ReasonBox(t0, t1, reason_name(names, value)) for t0, t1, value in runs(first.t_s, code, first.join_s)
    ]


def runs(t_s: Floats, code: NDArray[np.int64], join_s: float) -> list[tuple[float, float, int]]:
    """Stretches of one non-zero code, as (first, last + its own step, code)."""
    if not len(code):
        return []
    new = np.diff(code, prepend=code[0] - 1) != 0
    new[1:] |= np.diff(t_s) > join_s
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], len(code))
    found = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if code[start]:
            until = t_s[end] if end < len(t_s) and t_s[end] - t_s[end - 1] <= join_s else t_s[end - 1]
            found.append((float(t_s[start]), float(until), int(code[start])))
    return found


def reasons_of(info: StreamInfo) -> tuple[str, ...]:
    """The reason ids an estimate stream declares; code ``n`` is number ``n − 1``."""
    try:
        names = json.loads(info.metadata.get("reasons", "[]"))
    except ValueError:
        return ()
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def reason_name(names: Sequence[str], code: int) -> str:
    """The id behind a code; ``unknown`` for one the stream does not declare, empty for 0."""
    if code <= 0:
        return ""
    return names[code - 1] if code <= len(names) else "unknown"


def _calibrated(view: TraceView, info: StreamInfo, marks: Sequence[CalibrationMark]) -> TraceView:
    """Volts → mmHg by the calibration of the time; before the first one, by the first (and marked so)."""
    name = info.channels[view.trace.column].name
    mine = sorted(
        (m for m in marks if (m.stream_id, m.channel) == (info.stream_id, name)), key=lambda m: m.from_s
    )
    if not mine:
        return view
    which = np.clip(np.searchsorted([m.from_s for m in mine], view.t_s, side="right") - 1, 0, None)
    gain = np.array([m.gain_mmhg_per_v for m in mine], np.float32)[which]
    offset = np.array([m.offset_mmhg for m in mine], np.float32)[which]
    return TraceView(
        view.trace,
        view.t_s,
        view.low * gain + offset,
        view.high * gain + offset,
        view.band_low,
        view.band_high,
        view.join_s,
        view.exact,
    )


def _judged(view: TraceView, facts: SessionFacts) -> TraceView:
    """A reference is grey where nobody had seen the monitor calibrate itself for it (safety rule 8)."""
    if not view.trace.colour.startswith("reference"):
        return view
    spans = valid_spans(facts, view.trace.name)
    return view if spans is None else replace(view, grey=outside(view.t_s, spans))


def _uncalibrated(panel: Panel, facts: SessionFacts) -> list[ReasonBox]:
    """From the start to the first calibration of a pressure wave; all of it where there is none."""
    if panel.volts:
        return [ReasonBox(0.0, facts.duration_s, "uncalibrated")]
    ids = {trace.stream_id for trace in panel.traces if trace.style == "wave"}
    first_s = min((m.from_s for m in facts.calibrations if m.stream_id in ids), default=0.0)
    if panel.unit == "mmHg" and ids and first_s > 0:
        return [ReasonBox(0.0, first_s, "uncalibrated")]
    return []


def _withdrawn(panel: Panel, facts: SessionFacts) -> list[ReasonBox]:
    """Where estimates of a pressure could use a cuff reading that was withdrawn later."""
    if not panel.cuffs or not any(facts.stream(s).role == "estimate" for s in panel.stream_ids):
        return []
    return [ReasonBox(t0_s, t1_s, "withdrawn-cuff") for t0_s, t1_s in facts.withdrawn_spans]


def _scale(
    panel: Panel, traces: Sequence[TraceView], cuffs: Sequence[CuffMark], factor: float
) -> tuple[float, float, tuple[float, ...]]:
    """Ends and ticks that are round in the unit shown, in the panel's own."""
    low, high = (end * factor for end in _value_range(panel, traces, cuffs))
    low, high = nice_range(low, high, 6)
    return low / factor, high / factor, tuple(tick / factor for tick in value_ticks(low, high))


def _value_range(panel: Panel, traces: Sequence[TraceView], cuffs: Sequence[CuffMark]) -> tuple[float, float]:
    lows = [_least(a) for v in traces for a in (v.low, v.band_low) if a is not None]
    highs = [_most(a) for v in traces for a in (v.high, v.band_high) if a is not None]
    lows += [c.dbp_mmhg for c in cuffs]
    highs += [c.sbp_mmhg for c in cuffs]
    finite_low = min(filter(math.isfinite, lows), default=0.0)
    finite_high = max(filter(math.isfinite, highs), default=1.0)
    missing = _LEAST_SPANS.get(panel.unit, 0.0) - (finite_high - finite_low)
    if missing > 0:
        finite_low, finite_high = finite_low - missing / 2, finite_high + missing / 2
    margin = _MARGINS.get(panel.unit, 0.0) * (finite_high - finite_low)
    return finite_low - margin, finite_high + margin


def _least(values: Floats32) -> float:
    """Lowest value that is not NaN; +inf where there is none."""
    return float(np.fmin.reduce(values, initial=np.inf))


def _most(values: Floats32) -> float:
    """Highest value that is not NaN; −inf where there is none."""
    return float(np.fmax.reduce(values, initial=-np.inf))
