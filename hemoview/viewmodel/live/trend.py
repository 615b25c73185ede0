"""The trend: estimate line with its 90 % band, reference dots, hatched gaps, markers and cuff readings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.ma  # np.median loads it at its first call, which would be between two pictures
from numpy.typing import NDArray

from hemoview.viewmodel.formats import pressure_factor
from hemoview.viewmodel.live import visibility
from hemoview.viewmodel.live.facts import NS, Facts
from hemoview.viewmodel.live.numerics import REFERENCE_COLUMNS, cuff_words, cuffs
from hemoview.viewmodel.live.record_view import TREND_GROUPS, TrendMark, TrendSeries, TrendView, Wish
from hemoview.viewmodel.live.reference import reference
from recorder.schema import PARAMETER_UNITS, Event, StreamInfo

GAP_S = 2.5
"""Two estimates further apart than this (hop 1 s) have a gap between them."""

DOT_EVERY_S = {300: 5.0, 900: 15.0, 3600: 60.0}
MOST_POINTS = 720
"""More points than this are not told apart on any screen, and an hour would take long to paint."""

_NONE = np.empty(0)
_Floats = NDArray[np.float64]


def trend(wish: Wish, facts: Facts) -> TrendView:
    """The chosen group over the chosen span."""
    parameters = tuple(p for p in TREND_GROUPS[wish.trend_group] if p in wish.parameters)
    zero_ns = facts.session_start_ns or facts.watching_since_ns
    end_s = max((facts.now_ns - zero_ns) / NS, float(wish.trend_span_s))
    begin_s = end_s - wish.trend_span_s
    since_ns = max(zero_ns + int(begin_s * NS), wish.cleared_at_ns)
    pressure = wish.trend_group in ("pressure", "MAP")
    unit = wish.pressure_unit if pressure else PARAMETER_UNITS[(*parameters, "SBP")[0]]
    factor = pressure_factor(unit)
    rows = _estimates(facts, since_ns, zero_ns)
    marks = _marks(facts, zero_ns, begin_s, factor if pressure else None, wish.pressure_unit)
    shown = pressure and not facts.estimates_hidden
    doubted = _doubted(facts, zero_ns, begin_s) if shown else ()
    newest_ns = int(facts.estimates.t_ns[-1]) if facts.estimates is not None and len(facts.estimates) else 0
    return TrendView(
        span_s=(begin_s, end_s),
        unit=unit,
        series=tuple(_series(p, wish, facts, rows, factor) for p in parameters),
        hatched=() if facts.estimates_hidden else _hatched(rows, parameters),
        marks=marks,
        doubted=doubted,
        muted_reference=reference(facts).state != "calibrated",
        note=visibility.note(facts) if facts.estimates_hidden else None,
        revision=(wish, newest_ns, int(end_s) // 5, marks, doubted, facts.estimates_hidden),
    )


def _doubted(facts: Facts, zero_ns: int, begin_s: float) -> tuple[tuple[float, float], ...]:
    """From the entry of a reading, which is stored where it was measured, to its withdrawal."""
    gone = {e.payload.get("event_id"): e.t_host_ns for e in facts.events if e.kind == "cuff-withdrawn"}
    spans = [
        ((e.t_host_ns + _typed_after_ns(e) - zero_ns) / NS, (gone[e.event_id] - zero_ns) / NS)
        for e in facts.events
        if e.kind == "cuff" and e.event_id in gone
    ]
    return tuple((t0, t1) for t0, t1 in spans if t1 >= begin_s)


def _typed_after_ns(cuff: Event) -> int:
    entered, measured = cuff.payload.get("entered_at_ns"), cuff.payload.get("measured_at_ns")
    return max(0, int(entered) - int(measured)) if entered and measured else 0


def live_markers(facts: Facts) -> tuple[Event, ...]:
    """Markers that were not undone, oldest first."""
    undone = {e.payload.get("event_id") for e in facts.events if e.kind == "marker-undone"}
    return tuple(e for e in facts.events if e.kind == "marker" and e.event_id not in undone)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Estimates as drawn: elapsed times, columns by name; a row of NaN wherever rows are missing."""

    zero_ns: int
    since_ns: int
    t_s: NDArray[np.float64]
    columns: dict[str, NDArray[np.float64]]

    def column(self, name: str) -> NDArray[np.float64]:
        return self.columns.get(name, _NONE)


def _estimates(facts: Facts, since_ns: int, zero_ns: int) -> _Rows:
    info = facts.by_role("estimate")
    if info is None or facts.estimates is None:
        return _Rows(zero_ns, since_ns, _NONE, {})
    kept = facts.estimates.t_ns > since_ns
    t_s = (facts.estimates.t_ns[kept] - zero_ns) / NS
    values = facts.estimates.values[kept].astype(np.float64)
    breaks = np.flatnonzero(np.diff(t_s) > GAP_S) + 1
    t_s = np.insert(t_s, breaks, t_s[breaks - 1] + 1e-3) if t_s.size else t_s
    values = np.insert(values, breaks, np.nan, axis=0)
    columns = {channel.name: values[:, i] for i, channel in enumerate(info.channels)}
    return _Rows(zero_ns, since_ns, t_s, columns)


def _series(parameter: str, wish: Wish, facts: Facts, rows: _Rows, factor: float) -> TrendSeries:
    value, low, high = (rows.column(f"{parameter}{end}") * factor for end in ("", "_lo", "_hi"))
    whole = np.isfinite(value) & np.isfinite(low) & np.isfinite(high)
    value, low, high = (np.where(whole, column, np.nan) for column in (value, low, high))
    dots_t_s, dots = _dots(parameter, facts, rows, DOT_EVERY_S[wish.trend_span_s])
    t_s, value, low, high = _thinned(rows.t_s if value.size else _NONE, value, low, high)
    return TrendSeries(parameter, t_s, value, low, high, dots_t_s, dots * factor)


def _thinned(
    t_s: _Floats, value: _Floats, low: _Floats, high: _Floats
) -> tuple[_Floats, _Floats, _Floats, _Floats]:
    """About :data:`MOST_POINTS`: means of the value, the band as wide as its widest member."""
    k = -(-t_s.size // MOST_POINTS)
    if k <= 1:
        return t_s, value, low, high
    slot = np.floor(t_s / k)  # of elapsed time, so that a point once drawn stays what it is
    starts = np.flatnonzero(np.diff(slot, prepend=slot[0] - 1))
    finite = np.isfinite(value)
    count = np.add.reduceat(finite.astype(np.float64), starts)
    total = np.add.reduceat(np.where(finite, value, 0.0), starts)
    mean = np.divide(total, count, out=np.full(starts.size, np.nan), where=count > 0)
    return t_s[starts], mean, np.fmin.reduceat(low, starts), np.fmax.reduceat(high, starts)


def _dots(
    parameter: str, facts: Facts, rows: _Rows, every_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median reference value of every ``every_s`` seconds."""
    info = facts.by_role("beats", prefix="edge.beats_abp")
    if info is None or facts.beats is None or parameter not in REFERENCE_COLUMNS:
        return _NONE, _NONE
    column = _column(info, REFERENCE_COLUMNS[parameter])
    values = facts.beats.values[:, column].astype(np.float64)
    kept = (facts.beats.t_ns > rows.since_ns) & np.isfinite(values)
    t_s, values = (facts.beats.t_ns[kept] - rows.zero_ns) / NS, values[kept]
    if not t_s.size:
        return _NONE, _NONE
    slot = np.floor(t_s / every_s)
    starts = np.flatnonzero(np.diff(slot, prepend=slot[0] - 1))
    groups = np.split(values, starts[1:])
    return (slot[starts] + 0.5) * every_s, np.array([np.median(group) for group in groups])


def _column(info: StreamInfo, name: str) -> int:
    return [channel.name for channel in info.channels].index(name)


def _hatched(rows: _Rows, parameters: tuple[str, ...]) -> tuple[tuple[float, float], ...]:
    """Spans in which the first parameter shown has no estimate."""
    if not rows.t_s.size or not parameters:
        return ()
    value, low = rows.column(parameters[0]), rows.column(f"{parameters[0]}_lo")
    missing = ~(np.isfinite(value) & np.isfinite(low))
    edges = np.flatnonzero(np.diff(missing.astype(np.int8), prepend=0, append=0))
    last = rows.t_s.size - 1
    spans = zip(edges[::2], edges[1::2], strict=True)
    return tuple((float(rows.t_s[max(a - 1, 0)]), float(rows.t_s[min(b, last)])) for a, b in spans)


def _marks(
    facts: Facts, zero_ns: int, begin_s: float, factor: float | None, unit: str
) -> tuple[TrendMark, ...]:
    marks = [
        TrendMark((e.t_host_ns - zero_ns) / NS, str(e.payload.get("label", "")), "marker")
        for e in live_markers(facts)
    ]
    marks += [_cuff_mark(e, zero_ns, factor, unit) for e in cuffs(facts)]
    return tuple(mark for mark in marks if mark.t_s >= begin_s)


def _cuff_mark(event: Event, zero_ns: int, factor: float | None, unit: str) -> TrendMark:
    """A cuff reading stands where it was measured, which is the host time of its event."""
    sbp, dbp = float(event.payload["sbp_mmhg"]), float(event.payload["dbp_mmhg"])
    t_s = (event.t_host_ns - zero_ns) / NS
    ends = (sbp * factor, dbp * factor) if factor is not None else (None, None)
    return TrendMark(t_s, "/".join(cuff_words(event.payload, unit)), "cuff", *ends)
