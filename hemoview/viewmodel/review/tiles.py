"""Min/max levels in tiles: time cut into powers of two, so that panning and zooming meet the same pieces again.

A tile of level ``k`` covers ``2^k`` seconds in up to :data:`BINS` bins. Below a stream's floor level a tile
holds the samples themselves. Whatever is not there yet is drawn from a coarser tile until it is.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable, Sequence
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


Piece = tuple[Floats, Floats32, Floats32]
"""Times ``(m,)``, lowest and highest values ``(m, channels)``; of samples these are one array."""


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What there is of one stream: tiles, or parts of coarser ones, side by side. Nothing is copied.

    ``bin_s``: width of the coarsest bin in it; ``settled``: nothing coarser than asked for stands in.
    """

    pieces: tuple[Piece, ...]
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
    pieces: list[Piece] = []
    bin_s, settled = 0.0, True
    for key in keys:
        tile = cache.nearest(key, top)
        if tile is None:
            settled = False
            continue
        its_own = tile.key == key
        settled = settled and its_own and tile.until_s >= min(key.t1_s, duration_s)
        bin_s = max(bin_s, tile.key.bin_s)
        pieces.append((tile.t_s, tile.low, tile.high) if its_own else _slice(tile, key.t0_s, key.t1_s))
    return Levels(tuple(pieces), bin_s, settled)


def _slice(tile: Tile, t0_s: float, t1_s: float) -> Piece:
    first, last = tile.t_s.searchsorted((t0_s, t1_s))
    low = tile.low[first:last]
    return tile.t_s[first:last], low, low if tile.exact else tile.high[first:last]


Columns = tuple[Floats, dict[int, Floats32], dict[int, Floats32]]
"""Times ``(m,)``; lowest and highest values ``(m,)`` by channel, one and the same where all are samples."""


def to_columns(
    levels: Levels, asked: tuple[Sequence[int], Sequence[int]], t0_s: float, t1_s: float, width_px: int
) -> Columns:
    """The visible part at no more than a bin a pixel: the lowest values of the channels asked for first and the highest
    of those asked for second.

    A neighbour on either side is kept so that a line reaches the edge. Where bins share a pixel the times are those
    of the pixels' centres, and no value is called a sample.
    """
    if not levels.pieces:
        nothing = dict.fromkeys((*asked[0], *asked[1]), np.empty(0, np.float32))
        return np.empty(0), nothing, nothing
    times, lows, highs = zip(*levels.pieces, strict=True)
    t_s = _joined(times)
    first, last = t_s.searchsorted((t0_s, t1_s)).tolist()
    rows = slice(max(0, first - 1), min(last + 1, len(t_s)))
    t_s = t_s[rows]
    samples = all(low is high for low, high in zip(lows, highs, strict=True))
    lowest, highest = (tuple(sorted({*asked[0], *asked[1]})),) * 2 if samples else asked
    low = _channels(lows, lowest, rows)
    high = low if samples else _channels(highs, highest, rows)
    if len(t_s) > width_px + 2:
        pixel = np.floor((t_s - t0_s) * (width_px / (t1_s - t0_s)))
        bins = _bins_of(pixel)
        low, high = _reduced(np.fmin, low, bins), _reduced(np.fmax, high, bins)
        t_s = t0_s + (pixel[bins[-1]] + 0.5) * ((t1_s - t0_s) / width_px)
    found = dict(zip(lowest, low, strict=True))
    return t_s, found, found if high is low else dict(zip(highest, high, strict=True))


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _channels(pieces: Sequence[Floats32], channels: Sequence[int], rows: slice) -> Floats32:
    """Some rows of all pieces together, ``(channels, rows)``: the values of a channel lie side by side."""
    every = tuple(channels) == tuple(range(pieces[0].shape[1]))  # a wave: nothing is copied to pick them
    parts, begin = [], 0
    for values in pieces:
        here = slice(max(rows.start - begin, 0), max(rows.stop - begin, 0))
        parts.append(values.T[:, here] if every else values.T[channels, here])
        begin += len(values)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _bins_of(pixel: Floats) -> list[NDArray[np.intp]]:
    """Which bins a pixel's value is made of, each ``(pixels,)``: the last of the pixel before, as the line through the
    samples would reach back to it, and its own, the last of which is named again where it has fewer than another.
    """
    ends = (pixel[1:] != pixel[:-1]).nonzero()[0]
    first, last = np.concatenate(([0], ends)), np.concatenate((ends, [len(pixel) - 1]))
    return [np.minimum(first + step, last) for step in range(int((last - first).max()) + 1)]


def _reduced(pick: np.ufunc, values: Floats32, bins: Sequence[NDArray[np.intp]]) -> Floats32:
    """Lowest or highest of each pixel, ``(channels, pixels)``."""
    found: Floats32 = values.take(bins[0], axis=1)
    for each in bins[1:]:
        pick(found, values.take(each, axis=1), out=found)
    return found
