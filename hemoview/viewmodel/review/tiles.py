"""Min/max levels in tiles: time cut into powers of two, so that panning and zooming meet the same pieces again.

A tile of level ``k`` covers ``2^k`` seconds in up to :data:`BINS` bins. Below a stream's floor level a tile
holds the samples themselves. Whatever is not there yet is drawn from a coarser tile until it is.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recorder.schema import StreamInfo

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

BINS = 1024
NUMERIC_FLOOR = 9
"""Tiles of rows are 512 s: rows come about once a second."""
LOWEST_LEVEL = -6
CACHE_BYTES = 96 * 2**20


class TileKey(NamedTuple):
    """Which piece of which stream: ``[number · 2^level, (number + 1) · 2^level)`` seconds.

    A named tuple: a frame makes and looks up hundreds.
    """

    stream_id: str
    level: int
    number: int

    @property
    def span_s(self) -> float:
        """Length, seconds."""
        return float(2.0**self.level)

    @property
    def t0_s(self) -> float:
        """Start, elapsed seconds."""
        return self.number * self.span_s

    @property
    def t1_s(self) -> float:
        """End, elapsed seconds."""
        return (self.number + 1) * self.span_s

    @property
    def bin_s(self) -> float:
        """Width of a bin, seconds."""
        return self.span_s / BINS


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Levels of one piece: times ``(m,)``, lowest and highest values ``(m, channels)``.

    Args:
        exact: rows are samples, not bins; then ``low`` is ``high``.
        edition: of the session's facts when it was read.
        until_s: end of what the session held then; a tile reaching beyond is asked for again.
    """

    key: TileKey
    t_s: Floats
    low: Floats32
    high: Floats32
    exact: bool
    edition: int
    until_s: float

    @property
    def n_bytes(self) -> int:
        """Memory held."""
        shared = self.high is self.low
        return self.t_s.nbytes + self.low.nbytes + (0 if shared else self.high.nbytes)


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What a panel draws of one stream: as :class:`Tile`, over the visible span.

    ``bin_s``: width of the coarsest bin in it; ``settled``: nothing coarser than asked for stands in. Where all of it
    are samples ``low`` is ``high``.
    """

    t_s: Floats
    low: Floats32
    high: Floats32
    bin_s: float
    settled: bool


def floor_level(stream: StreamInfo) -> int:
    """The level at which bins are no wider than a sample is long: from there on samples are read."""
    if stream.nominal_rate_hz is None:
        return NUMERIC_FLOOR
    return max(LOWEST_LEVEL, math.floor(math.log2(BINS / stream.nominal_rate_hz)))


def level_for(seconds_per_pixel: float, floor: int) -> int:
    """The level whose bins are between half a pixel and a pixel wide."""
    return max(floor, math.floor(math.log2(max(seconds_per_pixel, 1e-9) * BINS)))


def keys_over(stream_id: str, level: int, t0_s: float, t1_s: float) -> list[TileKey]:
    """The tiles of a level that touch a span; none before the start."""
    span_s = 2.0**level
    first = max(0, math.floor(t0_s / span_s))
    last = max(first, math.ceil(t1_s / span_s) - 1)
    return [TileKey(stream_id, level, index) for index in range(first, last + 1)]


class TileCache:
    """Tiles by key, the least recently drawn dropped first once ``limit_bytes`` are held."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._tiles: OrderedDict[TileKey, Tile] = OrderedDict()
        self._limit_bytes = limit_bytes
        self.kept: dict[Hashable, Any] = {}
        """What was worked out from the tiles that are here; forgotten with the next one."""
        self.n_bytes = 0

    def __len__(self) -> int:
        return len(self._tiles)

    def get(self, key: TileKey) -> Tile | None:
        """The tile, now the most recently used; None if it is not held."""
        tile = self._tiles.get(key)
        if tile is not None:
            self._tiles.move_to_end(key)
        return tile

    def put(self, tile: Tile) -> None:
        """Hold a tile, in place of an older one of the same key."""
        self.kept.clear()
        old = self._tiles.pop(tile.key, None)
        self.n_bytes += tile.n_bytes - (old.n_bytes if old else 0)
        self._tiles[tile.key] = tile
        while self.n_bytes > self._limit_bytes and len(self._tiles) > 1:
            _, dropped = self._tiles.popitem(last=False)
            self.n_bytes -= dropped.n_bytes

    def current(self, key: TileKey, duration_s: float) -> bool:
        """Is the tile held, with everything the session has by now?"""
        tile = self._tiles.get(key)
        return tile is not None and tile.until_s >= min(key.t1_s, duration_s)

    def nearest(self, key: TileKey, top: int) -> Tile | None:
        """The tile, or the finest coarser one that covers it."""
        level, number = key.level, key.number
        while level <= top:
            tile = self.get(TileKey(key.stream_id, level, number))
            if tile is not None:
                return tile
            level, number = level + 1, number // 2
        return None

    def clear(self) -> None:
        """Forget everything: another session is opened."""
        self._tiles.clear()
        self.kept.clear()
        self.n_bytes = 0


def assemble(cache: TileCache, keys: Sequence[TileKey], top: int, duration_s: float) -> Levels:
    """The tiles side by side; a missing one is stood in for by a slice of a coarser one."""
    found: list[tuple[TileKey, Tile]] = []
    settled = True
    for key in keys:
        tile = cache.nearest(key, top)
        settled = settled and tile is not None and tile.key == key and cache.current(key, duration_s)
        if tile is not None:
            found.append((key, tile))
    pieces = [_slice(tile, key.t0_s, key.t1_s) for key, tile in found]
    bin_s = max((tile.key.bin_s for _, tile in found), default=0.0)
    if not pieces:
        empty = np.empty((0, 1), np.float32)
        return Levels(np.empty(0), empty, empty, 0.0, settled)
    times, lows = (_joined([piece[part] for piece in pieces]) for part in (0, 1))
    samples = all(low is high for _, low, high in pieces)
    highs = lows if samples else _joined([high for _, _, high in pieces])
    return Levels(times, lows, highs, bin_s, settled)


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _slice(tile: Tile, t0_s: float, t1_s: float) -> tuple[Floats, Floats32, Floats32]:
    if tile.key.t0_s == t0_s and tile.key.t1_s == t1_s:
        return tile.t_s, tile.low, tile.high
    first, last = np.searchsorted(tile.t_s, (t0_s, t1_s))
    low = tile.low[first:last]
    return tile.t_s[first:last], low, low if tile.exact else tile.high[first:last]


def to_columns(
    levels: Levels, asked: tuple[Iterable[int], Iterable[int]], t0_s: float, t1_s: float, width_px: int
) -> tuple[Floats, dict[int, Floats32], dict[int, Floats32]]:
    """The visible part at no more than a bin a pixel: times ``(m,)``, the lowest values of the channels asked for
    first and the highest of those asked for second.

    A neighbour on either side is kept so that a line reaches the edge. Where bins share a pixel the times are those
    of the pixels' centres; where nothing does, and all are samples, low is high.
    """
    first, last = np.searchsorted(levels.t_s, (t0_s, t1_s))
    rows = slice(max(0, int(first) - 1), int(last) + 1)
    t_s = levels.t_s[rows]
    if len(t_s) <= width_px + 2:
        lows = {c: levels.low[rows, c] for c in asked[0]}
        known = lows if levels.low is levels.high else {}
        return t_s, lows, {c: known[c] if c in known else levels.high[rows, c] for c in asked[1]}
    pixel = np.floor((t_s - t0_s) * (width_px / (t1_s - t0_s))).astype(np.int64)
    starts = np.concatenate(([0], (pixel[1:] != pixel[:-1]).nonzero()[0] + 1))
    lows = {c: _reduced(np.fmin, levels.low[rows, c], starts) for c in asked[0]}
    highs = {c: _reduced(np.fmax, levels.high[rows, c], starts) for c in asked[1]}
    centres = np.asarray(t0_s + (pixel[starts] + 0.5) * ((t1_s - t0_s) / width_px), np.float64)
    return centres, lows, highs


def _reduced(pick: np.ufunc, values: Floats32, starts: NDArray[np.intp]) -> Floats32:
    """A value a column; each also reaches back to the bin before it, as the line through the samples would."""
    found: Floats32 = pick.reduceat(values, starts)
    found[1:] = pick(found[1:], values[starts[1:] - 1])
    return found
