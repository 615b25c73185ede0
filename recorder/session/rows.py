"""Rows of one stream as arrays, and their compact form in the journal. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorder.schema import SampleBlock, StreamInfo

NO_TIME = np.iinfo(np.int64).min
"""Stands for "no stamp" in arrays of int64 times where only some rows have one."""

COLUMN_DTYPES: dict[str, np.dtype[Any]] = {
    "int16": np.dtype("<i2"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "float32": np.dtype("<f4"),
    "float64": np.dtype("<f8"),
    "decimal": np.dtype("<i8"),
}
_HEAD = struct.Struct("<BBHI")  # version, flags, columns, runs
_HAS_DEVICE_TIME, _HAS_ROW_TIME = 1, 2
_VERSION = 1


@dataclass(frozen=True)
class Rows:
    """Consecutive stored rows of one stream and one clock era.

    Args:
        sample_no: ``(n,)`` int64, strictly rising; a jump is a hole.
        values: ``(n, columns)`` in the stream's dtype.
        device_time_us: ``(n,)`` int64 or None; :data:`NO_TIME` where a row has none.
        row_t_host_ns: ``(n,)`` int64, numerics only.
    """

    sample_no: NDArray[np.int64]
    values: NDArray[np.generic]
    device_time_us: NDArray[np.int64] | None = None
    row_t_host_ns: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return int(self.sample_no.shape[0])

    @property
    def nbytes(self) -> int:
        """Memory held."""
        arrays = (self.sample_no, self.values, self.device_time_us, self.row_t_host_ns)
        return sum(a.nbytes for a in arrays if a is not None)

    def slice(self, start: int, stop: int) -> Rows:
        """Rows ``start`` to ``stop``, not copied."""
        return self._pick(slice(start, stop))

    def between(self, first: int, end: int) -> Rows:
        """Rows numbered ``first`` up to ``end``, not copied."""
        a, b = np.searchsorted(self.sample_no, [first, end])
        return self.slice(int(a), int(b))

    def take(self, index: NDArray[np.intp]) -> Rows:
        """The rows at ``index``."""
        return self._pick(index)

    def _pick(self, part: Any) -> Rows:
        return Rows(
            self.sample_no[part],
            self.values[part],
            None if self.device_time_us is None else self.device_time_us[part],
            None if self.row_t_host_ns is None else self.row_t_host_ns[part],
        )

    def runs(self) -> list[tuple[int, int]]:
        """Stretches without a hole: (first sample, count)."""
        return runs_of(self.sample_no)


def runs_of(sample_no: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Stretches of ``sample_no`` that rise by one: (first sample, count)."""
    if sample_no.size == 0:
        return []
    edges = [0, *(np.flatnonzero(np.diff(sample_no) != 1) + 1).tolist(), int(sample_no.size)]
    return [(int(sample_no[a]), b - a) for a, b in pairwise(edges)]


def empty_rows(info: StreamInfo) -> Rows:
    """No rows of ``info``."""
    none = np.empty(0, np.int64)
    values = np.empty((0, info.n_columns), COLUMN_DTYPES[info.dtype])
    return Rows(none, values, None, none if info.kind == "numeric" else None)


def rows_of_blocks(info: StreamInfo, blocks: Sequence[SampleBlock]) -> Rows:
    """Blocks of one stream and one era, joined. A numeric row without a time of its own gets its arrival."""
    numbers = [np.arange(b.first_sample_no, b.next_sample_no, dtype=np.int64) for b in blocks]
    stamps = None
    if any(b.device_time_us is not None for b in blocks):
        stamps = np.concatenate([_or_filled(b.device_time_us, b.n_samples, NO_TIME) for b in blocks])
    times = None
    if info.kind == "numeric":
        times = np.concatenate([_or_filled(b.row_t_host_ns, b.n_samples, b.t_host_ns) for b in blocks])
    values = np.concatenate([b.values for b in blocks])
    return Rows(np.concatenate(numbers), values, stamps, times)


def join_rows(info: StreamInfo, parts: Iterable[Rows]) -> Rows:
    """Rows one after the other."""
    kept = [p for p in parts if len(p)]
    if not kept:
        return empty_rows(info)
    if len(kept) == 1:
        return kept[0]
    stamps = None
    if any(p.device_time_us is not None for p in kept):
        stamps = np.concatenate([_or_filled(p.device_time_us, len(p), NO_TIME) for p in kept])
    times = None
    if info.kind == "numeric":
        times = np.concatenate([_or_filled(p.row_t_host_ns, len(p), NO_TIME) for p in kept])
    numbers = np.concatenate([p.sample_no for p in kept])
    return Rows(numbers, np.concatenate([p.values for p in kept]), stamps, times)


def same_rows(a: Rows, b: Rows) -> bool:
    """Whether two stretches are equal bit for bit (NaN equals the same NaN)."""
    pairs = (
        (a.sample_no, b.sample_no),
        (a.values, b.values),
        (a.device_time_us, b.device_time_us),
        (a.row_t_host_ns, b.row_t_host_ns),
    )
    return all(_same_bits(x, y) for x, y in pairs)


def _same_bits(x: NDArray[Any] | None, y: NDArray[Any] | None) -> bool:
    if x is None or y is None:
        return x is y
    return x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()


def pack_rows(rows: Rows) -> bytes:
    """Bytes of ``rows`` for the journal, little-endian."""
    runs = np.asarray(rows.runs(), dtype="<i8").reshape(-1, 2)
    flags = 0 if rows.device_time_us is None else _HAS_DEVICE_TIME
    flags |= 0 if rows.row_t_host_ns is None else _HAS_ROW_TIME
    parts = [_HEAD.pack(_VERSION, flags, rows.values.shape[1], len(runs)), runs.tobytes()]
    parts.append(np.ascontiguousarray(rows.values).tobytes())
    parts += [t.astype("<i8").tobytes() for t in (rows.device_time_us, rows.row_t_host_ns) if t is not None]
    return b"".join(parts)


def number_span(payload: bytes) -> tuple[int, int]:
    """First sample number, and one past the last, of packed rows."""
    n_runs = _HEAD.unpack_from(payload)[3]
    runs = np.frombuffer(payload, "<i8", 2 * n_runs, _HEAD.size)
    return int(runs[0]), int(runs[-2] + runs[-1])


def unpack_rows(info: StreamInfo, payload: bytes) -> Rows:
    """Inverse of :func:`pack_rows`.

    Raises:
        ValueError: not the bytes of rows of ``info``.
    """
    if len(payload) < _HEAD.size:
        raise ValueError(f"rows of {info.stream_id}: {len(payload)} bytes")
    version, flags, n_columns, n_runs = _HEAD.unpack_from(payload)
    if version != _VERSION or n_columns != info.n_columns:
        raise ValueError(f"rows of {info.stream_id}: version {version}, {n_columns} columns")
    at = _HEAD.size
    runs = np.frombuffer(payload, "<i8", 2 * n_runs, at).reshape(-1, 2)
    at += runs.nbytes
    numbers = [np.arange(first, first + count, dtype=np.int64) for first, count in runs]
    n = int(runs[:, 1].sum())
    values = np.frombuffer(payload, COLUMN_DTYPES[info.dtype], n * n_columns, at).reshape(n, n_columns)
    at += values.nbytes
    times: dict[int, NDArray[np.int64]] = {}
    for flag in (_HAS_DEVICE_TIME, _HAS_ROW_TIME):
        if flags & flag:
            times[flag] = np.frombuffer(payload, "<i8", n, at)
            at += 8 * n
    if at != len(payload):
        raise ValueError(f"rows of {info.stream_id}: {len(payload)} bytes, expected {at}")
    return Rows(np.concatenate(numbers), values, times.get(_HAS_DEVICE_TIME), times.get(_HAS_ROW_TIME))


def _or_filled(times: NDArray[np.int64] | None, n: int, fill: int) -> NDArray[np.int64]:
    return np.full(n, fill, np.int64) if times is None else times.astype(np.int64, copy=False)
