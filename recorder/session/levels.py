"""Minimum and maximum of every second of a waveform, every 30 s of a numeric: what a picture of hours needs. Pure.

Kept, packed, in the footer of each sealed segment: a cache of its rows, checked with the footer.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.schema import StreamInfo
from recorder.session import base85
from recorder.session.rows import Rows

NUMERIC_BIN_S = 30.0
COARSE_BINS = 16
"""Bins of a waveform's level that make one of its coarse level."""


@dataclass(frozen=True)
class Level:
    """Bins in order.

    Args:
        first: ``(m,)`` int64, of each bin's first row the sample number (waveforms) or the host time in ns (numerics).
        low, high: ``(m, channels)`` float64, physical units; NaN where a bin holds no number.
    """

    first: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.first.shape[0])


def bin_s(info: StreamInfo) -> float:
    """Length of a bin of a stream's level, s."""
    if info.nominal_rate_hz is None:
        return NUMERIC_BIN_S
    return max(1, round(info.nominal_rate_hz)) / info.nominal_rate_hz


def level_of(info: StreamInfo, rows: Rows, values: NDArray[np.float64]) -> Level:
    """Bins over ``values``, ``(n, channels)``, of ``rows``."""
    if len(rows) == 0:
        return join_levels([], values.shape[1])
    if rows.row_t_host_ns is None:
        key = rows.sample_no
        slot = key // max(1, round(info.nominal_rate_hz or 1.0))
    else:
        key = rows.row_t_host_ns
        slot = key // int(NUMERIC_BIN_S * 1e9)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(slot)) + 1])
    return Level(key[starts], reduce_low(values, starts), reduce_high(values, starts))


def coarsened(info: StreamInfo, level: Level) -> Level:
    """Bins :data:`COARSE_BINS` times as long, of a waveform."""
    if len(level) == 0:
        return level
    slot = level.first // (max(1, round(info.nominal_rate_hz or 1.0)) * COARSE_BINS)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(slot)) + 1])
    return Level(level.first[starts], reduce_low(level.low, starts), reduce_high(level.high, starts))


def reduce_low(values: NDArray[np.float64], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Minimum from each start to the next, numbers only."""
    return np.fmin.reduceat(values, starts, axis=0)


def reduce_high(values: NDArray[np.float64], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Maximum from each start to the next, numbers only."""
    return np.fmax.reduceat(values, starts, axis=0)


def join_levels(parts: Sequence[Level], n_channels: int) -> Level:
    """Levels one after the other."""
    none = np.empty((0, n_channels))
    return Level(
        np.concatenate([np.empty(0, np.int64), *(p.first for p in parts)]),
        np.concatenate([none, *(p.low for p in parts)]),
        np.concatenate([none, *(p.high for p in parts)]),
    )


def pack_level(level: Level) -> str:
    """Text for a footer. Whole numbers (of counts or last digits) as differences, else float32 rounded outwards so
    that every sample stays inside its bin; bytes of equal weight together, deflated.
    """
    both = np.stack([level.low, level.high])
    whole = bool(np.isfinite(both).all() and (both == np.rint(both)).all() and (np.abs(both) < 1 << 30).all())
    if whole:
        numbers = both.astype("<i4")
        numbers[1] -= numbers[0]
        numbers[0] = np.diff(numbers[0], axis=0, prepend=np.zeros((1, both.shape[2]), np.int32))
        numbers = (numbers << 1) ^ (numbers >> 31)  # small numbers of either sign get small bytes
    else:
        numbers = _outwards(both)
    planes = numbers.transpose(0, 2, 1).reshape(-1).view(np.uint8).reshape(-1, 4).T
    head = json.dumps([len(level), both.shape[2], whole]).encode()
    first = np.diff(level.first, prepend=0).astype("<i8").tobytes()
    return base85.encode(zlib.compress(head + b"\n" + first + planes.tobytes(), 9)).decode()


def unpack_level(text: str) -> Level:
    """Inverse of :func:`pack_level`.

    Raises:
        ValueError, zlib.error: not such a text.
    """
    head, _, body = zlib.decompress(base85.decode(text)).partition(b"\n")
    m, n_channels, whole = json.loads(head)
    first = np.cumsum(np.frombuffer(body, "<i8", m))
    planes = np.frombuffer(body, np.uint8, -1, 8 * m).reshape(4, -1).T
    packed = np.ascontiguousarray(planes).view("<i4" if whole else "<f4")
    numbers = packed.reshape(2, n_channels, m).transpose(0, 2, 1)
    if whole:
        numbers = (numbers >> 1) ^ -(numbers & 1)
        low = np.cumsum(numbers[0], axis=0).astype(np.float64)
        return Level(first, low, low + numbers[1])
    return Level(first, numbers[0].astype(np.float64), numbers[1].astype(np.float64))


def rescaled(level: Level, scale: NDArray[np.float64], offset: NDArray[np.float64]) -> Level:
    """The level of values that are ``raw · scale + offset`` per channel."""
    with np.errstate(over="ignore", invalid="ignore"):
        a, b = level.low * scale + offset, level.high * scale + offset
    return Level(level.first, np.minimum(a, b), np.maximum(a, b))


def _outwards(both: NDArray[np.float64]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # beyond float32: infinity is outwards too
        near = both.astype("<f4")
        near[0] = np.where(near[0] > both[0], np.nextafter(near[0], np.float32(-np.inf)), near[0])
        near[1] = np.where(near[1] < both[1], np.nextafter(near[1], np.float32(np.inf)), near[1])
    return near
