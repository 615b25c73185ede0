"""Medians of the numeric streams in slots of 10 s, 1 min and 10 min: exact, made once for each hour outside the view.

The min/max levels of :mod:`review_tiles` draw a day at once; these give the line its middle, and the tables their rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel.review.tiles import Floats, Floats32
from hemoview.viewmodel.review.view import SIMULATED, reasons_of
from recorder.schema import PARAMETERS, StreamInfo

Ints = NDArray[np.int32]

CHUNK_S = 3600
"""A worker reads an hour at a time: about 12 ms."""
LENGTHS_S = (10, 60, 600)
LATE_S = 10.0
"""Of a session being recorded, the last slot may lag this far behind."""
STEP_BACK_S = 5.0
"""The age of a personalisation falls by more than this where a new one begins."""


@dataclass(frozen=True, slots=True, order=True)
class SlotKey:
    """An hour of one stream: ``[index · CHUNK_S, (index + 1) · CHUNK_S)`` seconds."""

    stream_id: str
    index: int

    @property
    def t0_s(self) -> float:
        """Start, elapsed seconds."""
        return float(self.index * CHUNK_S)

    @property
    def t1_s(self) -> float:
        """End, elapsed seconds."""
        return float((self.index + 1) * CHUNK_S)


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """Slots of one length, side by side: slot ``i`` begins at ``i · length_s`` after the first one.

    Args:
        length_s: seconds of one slot.
        median: ``(slots, channels)``, NaN where no row counted.
        counted: rows behind each median, ``(slots, channels)``.
        rows: rows of the stream, whether or not they hold a value, ``(slots,)``.
    """

    length_s: int
    median: Floats32
    counted: Ints
    rows: Ints

    def part(self, t0_s: float, t1_s: float) -> tuple[Floats, slice]:
        """Middles of the slots that touch a span, and where they lie."""
        first = max(0, math.floor(t0_s / self.length_s))
        last = min(len(self.rows), math.ceil(t1_s / self.length_s))
        part = slice(first, max(first, last))
        middles: Floats = (np.arange(part.start, part.stop, dtype=np.float64) + 0.5) * self.length_s
        return middles, part


@dataclass(frozen=True, slots=True, eq=False)
class SlotBlock:
    """All slots of one hour, and the moments at which a personalisation began."""

    key: SlotKey
    by_length: Mapping[int, Slots]
    steps_s: tuple[float, ...]
    until_s: float


def summarise(key: SlotKey, info: StreamInfo, t_s: Floats, values: Floats32, until_s: float) -> SlotBlock:
    """Medians of the rows of an hour.

    Args:
        t_s: times of the rows, any order, ``(n,)``.
        values: their values, ``(n, channels)``.
        until_s: end of what the session held when they were read.
    """
    inside = (t_s >= key.t0_s) & (t_s < key.t1_s)
    order = np.flatnonzero(inside)[np.argsort(t_s[inside], kind="stable")]
    t_s, values = t_s[order], shown_values(info, values[order])
    by_length = {length: _slots(length, t_s - key.t0_s, values) for length in LENGTHS_S}
    return SlotBlock(key, by_length, _steps(info, t_s, values), until_s)


def shown_values(info: StreamInfo, values: Floats32) -> Floats32:
    """What of an estimate may count: a value with its interval, or one learned from simulation alone (tagged)."""
    columns = {channel.name: i for i, channel in enumerate(info.channels)}
    if info.role != "estimate":
        return values
    shown = values.copy()
    names = reasons_of(info)
    simulated = names.index(SIMULATED) + 1 if SIMULATED in names else -1
    for name in PARAMETERS:
        triple = [columns[f"{name}{end}"] for end in ("", "_lo", "_hi") if f"{name}{end}" in columns]
        if len(triple) < 3:
            continue
        whole = np.isfinite(values[:, triple]).all(axis=1)
        why = columns.get(f"{name}_why")
        code = np.nan_to_num(values[:, why]) if why is not None else np.zeros(len(values))
        tagged = (code == simulated) & np.isfinite(values[:, triple[0]])
        shown[~(((code == 0) & whole) | tagged), triple[0]] = np.nan
        for column in triple[1:]:
            shown[~((code == 0) & whole), column] = np.nan
    return shown


def _slots(length_s: int, t_s: Floats, values: Floats32) -> Slots:
    n_slots, n_channels = CHUNK_S // length_s, values.shape[1]
    slot = np.minimum((t_s / length_s).astype(np.int64), n_slots - 1)
    rows = np.bincount(slot, minlength=n_slots).astype(np.int32)
    deepest = int(rows.max(initial=0))
    if not deepest:
        empty = np.full((n_slots, n_channels), np.nan, np.float32)
        return Slots(length_s, empty, np.zeros((n_slots, n_channels), np.int32), rows)
    stacked = np.full((n_slots, deepest, n_channels), np.nan, np.float32)
    first = np.cumsum(rows) - rows
    stacked[slot, np.arange(len(slot)) - first[slot]] = values
    stacked.sort(axis=1)  # NaN goes last
    counted = np.isfinite(stacked).sum(axis=1, dtype=np.int32)
    lower, upper = (np.maximum(counted - 1, 0) // 2, counted // 2)
    upper = np.minimum(upper, deepest - 1)
    slots, channels = np.ogrid[:n_slots, :n_channels]
    median = (stacked[slots, lower, channels] + stacked[slots, upper, channels]) / np.float32(2)
    return Slots(length_s, np.where(counted > 0, median, np.nan).astype(np.float32), counted, rows)


def _steps(info: StreamInfo, t_s: Floats, values: Floats32) -> tuple[float, ...]:
    names = [channel.name for channel in info.channels]
    if "personalisation_age_s" not in names:
        return ()
    age = values[:, names.index("personalisation_age_s")].astype(np.float64)
    known = np.isfinite(age)
    t_s, age = t_s[known], age[known]
    fell = np.flatnonzero(np.diff(age) < -STEP_BACK_S) + 1
    return tuple(float(t) for t in t_s[fell] - age[fell])


@dataclass(slots=True)
class _Held:
    """The slots of one stream from the start on, grown as hours come."""

    slots: dict[int, Slots] = field(default_factory=dict)
    until_s: dict[int, float] = field(default_factory=dict)
    steps_s: dict[int, tuple[float, ...]] = field(default_factory=dict)


class SlotTable:
    """Every hour that has been summarised, by stream. ``version`` counts what was put in."""

    def __init__(self) -> None:
        self._streams: dict[str, _Held] = {}
        self.version = 0

    def clear(self) -> None:
        """Another session."""
        self._streams.clear()
        self.version += 1

    def put(self, block: SlotBlock) -> None:
        """Take an hour, in place of an older summary of it."""
        held = self._streams.setdefault(block.key.stream_id, _Held())
        for length, slots in block.by_length.items():
            held.slots[length] = _placed(held.slots.get(length), slots, block.key.index)
        held.until_s[block.key.index] = block.until_s
        held.steps_s[block.key.index] = block.steps_s
        self.version += 1

    def current(self, key: SlotKey, duration_s: float) -> bool:
        """Is that hour here, but for the last seconds of a session being recorded?"""
        held = self._streams.get(key.stream_id)
        until_s = held.until_s.get(key.index) if held else None
        return until_s is not None and until_s >= min(key.t1_s, duration_s) - LATE_S

    def whole(self, stream_id: str, t0_s: float, t1_s: float) -> bool:
        """Is every hour of a span here?"""
        held = self._streams.get(stream_id)
        return held is not None and all(k.index in held.until_s for k in keys_of(stream_id, t0_s, t1_s))

    def slots(self, stream_id: str, length_s: int) -> Slots | None:
        """The slots of a stream from the start of the session; None before any of it is here."""
        held = self._streams.get(stream_id)
        return held.slots.get(length_s) if held else None

    def steps_s(self, stream_id: str) -> tuple[float, ...]:
        """When personalisations began, in order."""
        held = self._streams.get(stream_id)
        return tuple(sorted(t for steps in held.steps_s.values() for t in steps)) if held else ()


def _placed(old: Slots | None, new: Slots, index: int) -> Slots:
    """``new`` put at its hour into a copy that is long enough."""
    first, end = index * len(new.rows), (index + 1) * len(new.rows)
    length = max(end, len(old.rows) if old else 0)
    n_channels = new.median.shape[1]
    median = np.full((length, n_channels), np.nan, np.float32)
    counted, rows = np.zeros((length, n_channels), np.int32), np.zeros(length, np.int32)
    if old is not None:
        known = len(old.rows)
        median[:known], counted[:known], rows[:known] = old.median, old.counted, old.rows
    median[first:end], counted[first:end], rows[first:end] = new.median, new.counted, new.rows
    return Slots(new.length_s, median, counted, rows)


def keys_of(stream_id: str, t0_s: float, t1_s: float) -> list[SlotKey]:
    """The hours of a stream that touch a span."""
    first = max(0, math.floor(t0_s / CHUNK_S))
    last = max(first, math.ceil(t1_s / CHUNK_S) - 1)
    return [SlotKey(stream_id, index) for index in range(first, last + 1)]
