"""Wish + session facts + the tiles that are here → one frozen picture of Review. Pure; knows no toolkit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel.formats import pressure_factor
from hemoview.viewmodel.review.axis import nice_range, value_ticks
from hemoview.viewmodel.review.facts import CalibrationMark, CuffMark, GapMark, SessionFacts
from hemoview.viewmodel.review.marks import Mark
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.panels import Panel, Trace
from hemoview.viewmodel.review.reference_streams import Span, outside, valid_spans
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


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """Accepted volt → mmHg lines of a channel in order of time, ``(n,)`` each."""

    from_s: Floats
    gain: Floats32
    offset: Floats32

    def at(self, t_s: Floats) -> tuple[Floats32, Floats32]:
        """Gain and offset of the times, those of the first line before it."""
        if len(self.from_s) == 1:
            return self.gain, self.offset
        which = np.clip(self.from_s.searchsorted(t_s, side="right") - 1, 0, None)
        return self.gain[which], self.offset[which]


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """How a panel draws one stream.

    ``asked``: channels whose lowest, and whose highest values are drawn. ``period_s``: samples further apart are not
    joined. ``reasons``: ids of the codes. ``lines``, ``valid``: of each trace; when a reference may be taken for one,
    None of anything else.
    """

    info: StreamInfo
    floor: int
    traces: tuple[Trace, ...]
    asked: tuple[tuple[int, ...], tuple[int, ...]]
    period_s: float
    reasons: tuple[str, ...]
    lines: tuple[_Line | None, ...]
    valid: tuple[tuple[Span, ...] | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PanelPlan:
    """What no move changes of a panel: how its streams are drawn, and what stands at fixed times.

    ``gaps`` are where they are drawn, ``gaps_s`` their ends ``(2, n)``.
    """

    panel: Panel
    sources: tuple[_Source, ...]
    gaps: tuple[GapMark, ...]
    gaps_s: Floats
    reasons: tuple[ReasonBox, ...]
    cuffs: tuple[CuffMark, ...]
    duration_s: float
    shift: TimeShift | None


def plan_of(panel: Panel, facts: SessionFacts, shift: TimeShift | None = None) -> PanelPlan:
    """Worked out once for the facts and the alignment; ``shift``: some streams are drawn at other times."""
    mine = tuple(g for g in facts.gaps if g.stream_id in panel.stream_ids)
    gaps = mine if shift is None else tuple(map(shift.gap, mine))
    unconfirmed = [ReasonBox(t0_s, t1_s, "unconfirmed-subject") for t0_s, t1_s in facts.unconfirmed]
    return PanelPlan(
        panel=panel,
        sources=tuple(_source(panel, facts.stream(stream_id), facts) for stream_id in panel.stream_ids),
        gaps=gaps,
        gaps_s=np.array([[g.t0_s for g in gaps], [g.t1_s for g in gaps]], np.float64),
        reasons=(*_uncalibrated(panel, facts), *unconfirmed, *_withdrawn(panel, facts)),
        cuffs=facts.cuffs if panel.cuffs else (),
        duration_s=facts.duration_s,
        shift=shift,
    )


def _source(panel: Panel, info: StreamInfo, facts: SessionFacts) -> _Source:
    traces = tuple(trace for trace in panel.traces if trace.stream_id == info.stream_id)
    lowest = sorted({c for t in traces for c in (t.column, t.low, t.why) if c is not None})
    highest = sorted({c for t in traces for c in (t.column, t.high) if c is not None})
    in_mmhg = panel.unit == "mmHg"
    return _Source(
        info=info,
        floor=floor_level(info),
        traces=traces,
        asked=(tuple(lowest), tuple(highest)),
        period_s=1.5 / info.nominal_rate_hz if info.nominal_rate_hz else NUMERIC_JOIN_S,
        reasons=reasons_of(info),
        lines=tuple(_line_of(info, t, facts.calibrations) if in_mmhg else None for t in traces),
        valid=tuple(valid_spans(facts, t.name) if t.colour.startswith("reference") else None for t in traces),
    )


def _line_of(info: StreamInfo, trace: Trace, marks: Sequence[CalibrationMark]) -> _Line | None:
    channel = (info.stream_id, info.channels[trace.column].name)
    mine = sorted((m for m in marks if (m.stream_id, m.channel) == channel), key=lambda m: m.from_s)
    if not mine:
        return None
    return _Line(
        np.array([m.from_s for m in mine]),
        np.array([m.gain_mmhg_per_v for m in mine], np.float32),
        np.array([m.offset_mmhg for m in mine], np.float32),
    )


def visible_marks(facts: SessionFacts, wish: Wish) -> tuple[Mark, ...]:
    """Marks in the visible span."""
    return tuple(m for m in facts.marks if wish.t0_s <= m.t_s <= wish.t1_s)


def resolve_panel(plan: PanelPlan, wish: Wish, cache: TileCache, pressure_unit: str = "mmHg") -> PanelView:
    """What a panel shows over the visible span at the picture's width."""
    panel, shift = plan.panel, plan.shift
    traces: list[TraceView] = []
    reasons: list[ReasonBox] = []
    settled = True
    for source in plan.sources:
        there = wish if shift is None else shift.wish_for(source.info.stream_id, wish)
        if there is None:
            continue
        levels = _levels(source, plan.duration_s, there, cache)
        settled = settled and levels.settled
        found, why = _traces(source, levels, there)
        reasons += why
        traces += found if shift is None else _shifted(shift, source.info.stream_id, found)
    cuffs = tuple(c for c in plan.cuffs if wish.t0_s <= c.t_s <= wish.t1_s)
    unit = pressure_unit if panel.unit == "mmHg" else panel.unit
    factor = pressure_factor(unit)
    y_low, y_high, y_ticks = _scale(panel, traces, cuffs, factor)
    begin_s, end_s = plan.gaps_s
    return PanelView(
        panel=panel,
        y_low=y_low,
        y_high=y_high,
        y_ticks=y_ticks,
        traces=tuple(traces),
        gaps=tuple(plan.gaps[i] for i in ((end_s >= wish.t0_s) & (begin_s <= wish.t1_s)).nonzero()[0]),
        reasons=(*reasons, *plan.reasons),
        cuffs=cuffs,
        settled=settled,
        unit=unit,
        factor=factor,
    )


def with_traces(view: PanelView, traces: Sequence[TraceView]) -> PanelView:
    """The same strip with other lines, its range fitted to them."""
    y_low, y_high, y_ticks = _scale(view.panel, traces, view.cuffs, view.factor)
    return replace(view, traces=tuple(traces), y_low=y_low, y_high=y_high, y_ticks=y_ticks)


def _shifted(shift: TimeShift, stream_id: str, views: list[TraceView]) -> list[TraceView]:
    """The lines of a stream where the alignment puts it; what lies between two pieces is left out."""
    if not shift.moves(stream_id):
        return views
    t_s = shift.to_pulse(views[0].t_s)
    kept = np.isfinite(t_s)
    t_s = t_s[kept]

    def held(values: NDArray[Any] | None) -> Any:
        return None if values is None else values[kept]

    return [
        replace(
            view,
            t_s=t_s,
            low=held(view.low),
            high=held(view.high),
            band_low=held(view.band_low),
            band_high=held(view.band_high),
            grey=held(view.grey),
        )
        for view in views
    ]


def _levels(source: _Source, duration_s: float, wish: Wish, cache: TileCache) -> Levels:
    level = level_for(wish.span_s / wish.width_px, source.floor)
    keys = keys_over(source.info.stream_id, level, wish.t0_s, min(wish.t1_s, duration_s))
    return assemble(cache, keys, level_for(duration_s, level) + 1, duration_s)


def _traces(source: _Source, levels: Levels, wish: Wish) -> tuple[list[TraceView], list[ReasonBox]]:
    """The lines of one stream; all their columns are reduced together."""
    t_s, lows, highs = to_columns(levels, source.asked, wish.t0_s, wish.t1_s, wish.width_px)
    exact, join_s = lows is highs, source.period_s
    if not exact:
        join_s = max(join_s, _JOIN_BINS * max(levels.bin_s, wish.span_s / wish.width_px))
    grey = {spans: outside(t_s, spans) for spans in set(source.valid) if spans is not None}
    views = []
    for trace, line, valid in zip(source.traces, source.lines, source.valid, strict=True):
        low, high = lows[trace.column], highs[trace.column]
        if line is not None:
            gain, offset = line.at(t_s)
            low, high = low * gain + offset, high * gain + offset
        band_low = None if trace.low is None else lows[trace.low]
        band_high = None if trace.high is None else highs[trace.high]
        greyed = None if valid is None else grey[valid]
        views.append(TraceView(trace, t_s, low, high, band_low, band_high, join_s, exact, greyed))
    return views, _reasons(views, lows, source.reasons)


def _reasons(
    views: Sequence[TraceView], lows: Mapping[int, Floats32], names: Sequence[str]
) -> list[ReasonBox]:
    """Where every estimate of the stream is absent, or learned from simulation alone; the reason of the first."""
    banded = [v for v in views if v.trace.why is not None]
    if not banded:
        return []
    first = banded[0]
    why = lows[first.trace.why or 0]
    told = np.isnan(first.low)
    for view in banded[1:]:
        told &= np.isnan(view.low)
    if SIMULATED in names:
        told |= why == names.index(SIMULATED) + 1
    if not told.any():
        return []
    code = np.where(told, np.nan_to_num(why), 0).astype(np.int64)
    return [
        ReasonBox(t0, t1, reason_name(names, value)) for t0, t1, value in runs(first.t_s, code, first.join_s)
    ]


def runs(t_s: Floats, code: NDArray[np.int64], join_s: float) -> list[tuple[float, float, int]]:
    """Stretches of one non-zero code, as (first, last + its own step, code)."""
    if not len(code):
        return []
    new = np.ones(len(code), np.bool_)
    new[1:] = (code[1:] != code[:-1]) | (t_s[1:] - t_s[:-1] > join_s)
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
    return _listed(info.metadata.get("reasons", "[]"))


@lru_cache(maxsize=16)
def _listed(written: str) -> tuple[str, ...]:
    try:
        names = json.loads(written)
    except ValueError:
        return ()
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def reason_name(names: Sequence[str], code: int) -> str:
    """The id behind a code; ``unknown`` for one the stream does not declare, empty for 0."""
    if code <= 0:
        return ""
    return names[code - 1] if code <= len(names) else "unknown"


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
