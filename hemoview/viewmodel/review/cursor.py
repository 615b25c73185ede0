"""The numbers at the cursor, as they stood then: by the live screen's own rules, never interpolated.

An estimate is the last row at or before the cursor, the reference the median of the last beats; a number too old
gives way to "—" with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hemoview.viewmodel.formats import pressure_factor
from hemoview.viewmodel.live.numerics import BEATS_S, STALE_S
from hemoview.viewmodel.live.personal import code_of, personal_note
from hemoview.viewmodel.messages import Message
from hemoview.viewmodel.review.facts import CuffMark, SessionFacts
from hemoview.viewmodel.review.panels import Panel
from hemoview.viewmodel.review.reference_streams import is_valid, reference_column, reference_streams
from hemoview.viewmodel.review.shift import TimeShift
from hemoview.viewmodel.review.tiles import Floats, Floats32, TileCache, TileKey, floor_level, keys_over
from hemoview.viewmodel.review.view import SIMULATED, reason_name, reasons_of
from recorder.schema import PARAMETER_UNITS, PARAMETERS, StreamInfo
from recorder.schema.claims import interval_claimed

Moments = Callable[[StreamInfo], float | None]
"""When the moment of the cursor was in a stream's own time; None where no alignment reaches."""
NOT_ALIGNED = "not-aligned"

_MOST_KEPT = 64
_MOST_REASONS = 10_000.0
"""No stream declares as many."""
HOLD_S = {"estimate": STALE_S, "beats": STALE_S + 1.0, "reference": STALE_S + 1.0}
"""How old the last row may be. A beat is stamped with its onset and known only when the next one begins."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A number and its interval, or the reason there is none (``loading`` while its rows are being read).

    A value beside the reason ``simulated`` was learned from simulation alone and is shown with that tag. ``tracked``:
    1 where the reference widened and narrowed the interval then, 2 where it had until it ended.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""
    tracked: int = 0


@dataclass(frozen=True, slots=True)
class NumericView:
    """One parameter at the cursor: estimate beside reference; None where the session has no such stream.

    ``reference_valid``: by then the monitor was calibrated for it; else its number is grey.
    """

    name: str
    unit: str
    estimate: Reading | None
    reference: Reading | None
    reference_valid: bool = True


@dataclass(frozen=True, slots=True)
class CuffView:
    """The last cuff reading known at the cursor, and its age then."""

    cuff: CuffMark
    age_s: float


@dataclass(frozen=True, slots=True)
class WaveReading:
    """The last sample of a wave at or before the cursor."""

    panel_id: str
    name: str
    value: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class CursorView:
    """Everything said about the moment of the cursor.

    ``reference_age_s``: since the monitor was last confirmed as calibrated, None where it was not or needs not be.
    ``reference_valid``: its pressures may be taken for a reference.
    ``personal``: what personalised the estimates then, None where none are shown.
    """

    t_s: float
    reference_age_s: float | None
    numerics: tuple[NumericView, ...]
    cuff: CuffView | None
    waves: tuple[WaveReading, ...]
    personal: Message | None = None
    reference_valid: bool = True


def cursor_keys(
    facts: SessionFacts, panels: Sequence[Panel], cursor_s: float, shift: TimeShift | None = None
) -> list[TileKey]:
    """The tiles of rows and samples the numbers at the cursor are read from."""
    shown = {stream_id for panel in panels for stream_id in panel.stream_ids}
    keys: list[TileKey] = []
    at = _moments(cursor_s, shift)
    for info in facts.streams:
        held = info.role in HOLD_S
        if held or (info.stream_id in shown and info.kind == "waveform"):
            hold_s = HOLD_S[info.role] + BEATS_S if held else _wave_hold_s(info)
            at_s = at(info)
            if at_s is not None:
                end_s = min(at_s + 1e-6, facts.duration_s)
                keys += keys_over(info.stream_id, floor_level(info), at_s - hold_s, end_s)
    return keys


def _moments(cursor_s: float, shift: TimeShift | None) -> Moments:
    return lambda info: cursor_s if shift is None else shift.moment_s(info.stream_id, cursor_s)


def at_cursor(
    facts: SessionFacts,
    panels: Sequence[Panel],
    cache: TileCache,
    cursor_s: float,
    shift: TimeShift | None = None,
) -> CursorView:
    """The numbers at the cursor from the tiles that are here."""
    at, monitor_s = _moments(cursor_s, shift), cursor_s if shift is None else shift.reference_s(cursor_s)
    since_s = facts.reference_since_s(monitor_s)
    return CursorView(
        cursor_s,
        None if since_s is None else monitor_s - since_s,
        tuple(_numerics(facts, cache, monitor_s, at)),
        _cuff(facts, monitor_s),
        tuple(_waves(facts, panels, cache, at)),
        _personal(facts, cache, cursor_s),
        is_valid(facts, "SBP", monitor_s),
    )


def _personal(facts: SessionFacts, cache: TileCache, cursor_s: float) -> Message | None:
    info = next((s for s in facts.streams if s.role == "estimate"), None)
    if info is None or facts.estimates_hidden:
        return None
    row, _ = _row_at(info, cache, cursor_s, HOLD_S["estimate"])
    if row is None:
        return None
    return personal_note({c.name: float(v) for c, v in zip(info.channels, row, strict=True)})


def in_pressure_unit(view: CursorView, unit: str) -> CursorView:
    """The same numbers with pressures in ``unit``; of a cuff reading it is the screen that converts."""
    factor = pressure_factor(unit)
    if factor == 1.0:
        return view
    numerics = (
        replace(n, unit=unit, estimate=_times(n.estimate, factor), reference=_times(n.reference, factor))
        if n.unit == "mmHg"
        else n
        for n in view.numerics
    )
    waves = (
        replace(w, unit=unit, value=None if w.value is None else w.value * factor) if w.unit == "mmHg" else w
        for w in view.waves
    )
    return replace(view, numerics=tuple(numerics), waves=tuple(waves))


def _times(reading: Reading | None, factor: float) -> Reading | None:
    if reading is None:
        return None
    value, low, high = (None if v is None else v * factor for v in (reading.value, reading.low, reading.high))
    return replace(reading, value=value, low=low, high=high)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the last row of a stream of estimates tells: values by name, or why there are none."""

    info: StreamInfo
    reasons: tuple[str, ...]
    values: dict[str, float]
    silent: Reading | None


def _numerics(facts: SessionFacts, cache: TileCache, monitor_s: float, at: Moments) -> Iterator[NumericView]:
    estimates = [_told(s, facts, cache, at(s)) for s in facts.streams if s.role == "estimate"]
    beats = reference_streams(facts.streams)
    for name in PARAMETERS:
        estimate = next((_estimate(t, name, facts) for t in estimates if name in t.values), None)
        reference = _reference(beats, name, facts, cache, at)
        if estimate is not None or reference is not None:
            valid = is_valid(facts, name, monitor_s)
            yield NumericView(name, PARAMETER_UNITS[name], estimate, reference, reference_valid=valid)


def _told(info: StreamInfo, facts: SessionFacts, cache: TileCache, moment_s: float | None) -> _Told:
    row, silent = None, None
    if moment_s is None:
        silent = Reading(why=NOT_ALIGNED)
    elif facts.estimates_hidden:
        silent = Reading(why="hidden")
    else:
        row, loading = _row_at(info, cache, moment_s, HOLD_S[info.role])
        if row is None:
            silent = Reading(why="loading" if loading else _silence(facts, info, moment_s))
    values = [math.nan] * len(info.channels) if row is None else row.tolist()
    return _Told(
        info, reasons_of(info), {c.name: v for c, v in zip(info.channels, values, strict=True)}, silent
    )


def _reference(
    streams: Sequence[StreamInfo], parameter: str, facts: SessionFacts, cache: TileCache, at: Moments
) -> Reading | None:
    """Median of the last beats: of the monitor's own where it has some, else of those read off its wave."""
    found = None
    for info in streams:
        column = reference_column(info, parameter)
        if column is not None:
            moment_s, reading = at(info), Reading(why=NOT_ALIGNED)
            if moment_s is not None:
                reading = _beat_reading(info, column, facts, cache, moment_s)
            if reading.value is not None:
                return reading
            found = found or reading
    return found


def _beat_reading(
    info: StreamInfo, column: int, facts: SessionFacts, cache: TileCache, cursor_s: float
) -> Reading:
    row, loading = _row_at(info, cache, cursor_s, HOLD_S[info.role])
    if row is None:
        return Reading(why="loading" if loading else _silence(facts, info, cursor_s))
    return _median_beat(info, cache, column, cursor_s)


def _estimate(told: _Told, channel: str, facts: SessionFacts) -> Reading:
    """An estimate of a row: with its interval, tagged, or the reason there is none."""
    if told.silent is not None:
        return told.silent
    values = told.values
    value, code = values[channel], values.get(f"{channel}_why", 0.0)
    why = reason_name(told.reasons, 0 if math.isnan(code) else int(min(code, _MOST_REASONS)))
    if not math.isfinite(value) or why not in ("", SIMULATED):
        return Reading(why=why or "unknown")
    if why == SIMULATED:
        return Reading(value, why=why)
    low, high = values.get(f"{channel}_lo", math.nan), values.get(f"{channel}_hi", math.nan)
    if not (math.isfinite(low) and math.isfinite(high)):
        return Reading(why="no-interval")
    if not interval_claimed(facts.card, channel):
        return Reading(why="no-real-reference")
    return Reading(value, low, high, why, code_of(values.get(f"{channel}_tracked", 0.0)))


def _median_beat(info: StreamInfo, cache: TileCache, column: int, cursor_s: float) -> Reading:
    """Median over the five seconds up to the last beat; beats without a scale have no pressure, and a monitor has no
    number of its own before it knows enough.
    """
    t_s, values = _rows_before(info, cache, cursor_s, BEATS_S + HOLD_S[info.role])
    recent = values[t_s > t_s[-1] - BEATS_S, column]
    recent = recent[np.isfinite(recent)]
    if recent.size:
        return Reading(_median(recent))
    return Reading(why="uncalibrated" if info.role == "beats" else "no-row")


def _median(values: Floats32) -> float:
    """That of numpy, which asks first what it was given."""
    ordered, middle = np.sort(values), len(values) // 2
    return float(ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def _silence(facts: SessionFacts, info: StreamInfo, cursor_s: float) -> str:
    """Why there is no row: the gap the cursor stands in, of this stream or of what it is derived from."""
    here = [gap for gap in facts.gaps if gap.t0_s <= cursor_s <= gap.t1_s]
    its_own = [gap for gap in here if gap.stream_id == info.stream_id]
    return next((gap.cause for gap in its_own or here), "no-row")


def _row_at(
    info: StreamInfo, cache: TileCache, cursor_s: float, hold_s: float
) -> tuple[Floats32 | None, bool]:
    """The last row in ``(cursor − hold, cursor]``, and whether a tile that may hold one is missing."""
    t_s, values = _rows_before(info, cache, cursor_s, hold_s)
    if len(t_s):
        row: Floats32 = values[-1]
        return row, False
    return None, any(cache.get(key) is None for key in _keys_before(info, cursor_s, hold_s))


def _keys_before(info: StreamInfo, cursor_s: float, hold_s: float) -> list[TileKey]:
    return keys_over(info.stream_id, floor_level(info), cursor_s - hold_s, cursor_s + 1e-6)


def _rows_before(
    info: StreamInfo, cache: TileCache, cursor_s: float, hold_s: float
) -> tuple[Floats, Floats32]:
    """Times and values of the rows in ``(cursor − hold, cursor]``, from the tiles that are here.

    Ten parameters ask for the same rows of one stream.
    """
    asked = (info.stream_id, cursor_s, hold_s)
    found: tuple[Floats, Floats32] | None = cache.kept.get(asked)
    if found is None:
        if len(cache.kept) > _MOST_KEPT:
            cache.kept.clear()
        found = cache.kept[asked] = _read_rows(info, cache, cursor_s, hold_s)
    return found


def _read_rows(info: StreamInfo, cache: TileCache, cursor_s: float, hold_s: float) -> tuple[Floats, Floats32]:
    tiles = [tile for key in _keys_before(info, cursor_s, hold_s) if (tile := cache.get(key)) is not None]
    spans = [np.searchsorted(t.t_s, (cursor_s - hold_s, cursor_s + 1e-6), side="right") for t in tiles]
    times = [tile.t_s[a:b] for tile, (a, b) in zip(tiles, spans, strict=True)]
    rows = [tile.low[a:b] for tile, (a, b) in zip(tiles, spans, strict=True)]
    if not tiles:
        return np.empty(0), np.empty((0, len(info.channels)), np.float32)
    return np.concatenate(times), np.concatenate(rows)


def _cuff(facts: SessionFacts, cursor_s: float) -> CuffView | None:
    known = [
        c
        for c in facts.cuffs
        if c.known_s <= cursor_s and not (c.withdrawn_s is not None and c.withdrawn_s <= cursor_s)
    ]
    last = max(known, key=lambda c: c.t_s, default=None)
    return None if last is None else CuffView(last, max(0.0, cursor_s - last.t_s))


def _wave_hold_s(info: StreamInfo) -> float:
    return 2.0 / (info.nominal_rate_hz or 1.0)


def _waves(
    facts: SessionFacts, panels: Sequence[Panel], cache: TileCache, at: Moments
) -> Iterator[WaveReading]:
    for panel in panels:
        for trace in panel.traces:
            info = facts.stream(trace.stream_id)
            if info.kind != "waveform":
                continue
            moment_s, row = at(info), None
            if moment_s is not None:
                row, _ = _row_at(info, cache, moment_s, _wave_hold_s(info))
            name = panel.title if len(panel.traces) == 1 else f"{panel.title} {trace.name}"
            value = None if row is None else float(row[trace.column])
            shown = value if moment_s is None else _in_unit(value, panel, trace.stream_id, facts, moment_s)
            yield WaveReading(panel.panel_id, name, shown, panel.unit)


def _in_unit(
    value: float | None, panel: Panel, stream_id: str, facts: SessionFacts, cursor_s: float
) -> float | None:
    """mmHg by the calibration of the time where the panel shows mmHg; nothing before the first one."""
    if value is None or panel.unit != "mmHg":
        return value
    mine = [c for c in facts.calibrations if c.stream_id == stream_id]
    if not mine:
        return value
    valid = [c for c in mine if c.from_s <= cursor_s]
    if not valid:
        return None
    last = max(valid, key=lambda c: c.from_s)
    return value * last.gain_mmhg_per_v + last.offset_mmhg
