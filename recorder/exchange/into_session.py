"""Values of a foreign recording, whatever it was read from, into an ordinary sealed session.

Every reader of a foreign format gives the same three kinds of value, timed in UTC: waveforms, rows of numerics, and
moments. Here they become streams on one axis of elapsed time; nothing is resampled, shifted or filled in.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from recorder import session
from recorder.clock import ClockEra
from recorder.schema import DeviceInfo, Event, Gap, StreamInfo
from recorder.session.bulk import BulkStream, Naming, Told, write_sealed
from recorder.session.points import RESOLUTION_NS, ClockPoints
from recorder.session.rows import COLUMN_DTYPES
from recorder.session.rows import Rows as StoredRows

NOT_IN_FILE: Final = "not-in-file"
"""Cause of a gap that the source has itself: a hole between its samples, or a segment that is absent."""
UNREADABLE: Final = "unreadable"
"""Cause of a gap where the source has rows that are no numbers."""
BLOCK_S = 60.0
"""About so much of a waveform has one clock point: its times are computed, there is nothing to fit."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where samples are missing: the sample at ``index`` of the values was taken at ``wall_ns``."""

    index: int
    wall_ns: int
    cause: str = NOT_IN_FILE
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """Samples at a nominal rate: number n was taken at ``first_wall_ns + n / rate``, up to the first break.

    Args:
        info: the stream.
        first_wall_ns: UTC, ns since 1970, of the first sample.
        values: ``(n, info.n_columns)`` in the dtype of ``info``; without what is missing.
        breaks: in order, each after the first sample and with a later time than the sample before it.
    """

    info: StreamInfo
    first_wall_ns: int
    values: NDArray[Any]
    breaks: tuple[Break, ...] = ()

    def __post_init__(self) -> None:
        _check_values(self.info, self.values)
        if self.info.nominal_rate_hz is None:
            raise ValueError(f"{self.info.stream_id}: a waveform needs a rate")
        starts = [0, *(b.index for b in self.breaks), len(self.values)]
        if any(a >= b for a, b in pairwise(starts)) and len(self.values):
            raise ValueError(f"{self.info.stream_id}: breaks at {starts[1:-1]} of {len(self.values)} samples")

    @property
    def runs(self) -> list[tuple[int, int, int]]:
        """Stretches without a break: (first index, one past the last, UTC ns of the first sample)."""
        starts = [(0, self.first_wall_ns), *((b.index, b.wall_ns) for b in self.breaks)]
        ends = [b.index for b in self.breaks] + [len(self.values)]
        return [(first, end, wall) for (first, wall), end in zip(starts, ends, strict=True)]

    @property
    def end_wall_ns(self) -> int:
        """One sample after the last."""
        first, end, wall_ns = self.runs[-1]
        return wall_ns + _length_ns(end - first, self.info)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Irregular rows of a numeric stream.

    Args:
        info: the stream.
        wall_ns: ``(n,)`` int64, UTC ns since 1970, never falling: when each row is about.
        values: ``(n, info.n_columns)``; NaN = missing.
    """

    info: StreamInfo
    wall_ns: NDArray[np.int64]
    values: NDArray[Any]

    def __post_init__(self) -> None:
        _check_values(self.info, self.values)
        if self.info.kind != "numeric":
            raise ValueError(f"{self.info.stream_id}: rows belong to a numeric stream")
        if self.wall_ns.shape != (len(self.values),) or np.any(np.diff(self.wall_ns) < 0):
            raise ValueError(f"{self.info.stream_id}: needs one time a row, in order")


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened: becomes an event of ``kind``. Times in ``payload`` are the caller's business.

    Args:
        kind: of the event, as the live chain stores it.
        wall_ns: UTC, ns since 1970: when it happened.
        payload: plain JSON values.
        stored_wall_ns: when it was written down; None = when it happened.
    """

    kind: str
    wall_ns: int
    payload: dict[str, Any] = field(default_factory=dict, hash=False)
    stored_wall_ns: int | None = None


def write_session(  # noqa: PLR0917 – what every importer calls, in this order
    folder: Path,
    header: session.SessionHeader,
    devices: Sequence[DeviceInfo],
    waveforms: Sequence[Waveform],
    numerics: Sequence[Rows],
    events: Sequence[Moment],
    *,
    told: Told | None = None,
    naming: Naming | None = None,
) -> Path:
    """Write an ordinary sealed session.

    Elapsed time 0 is the earliest sample or row. ``header`` comes back from the session with ``devices`` in it, with
    that moment as its creation and, where it has a zone, with the offset of that moment.

    Args:
        folder: the session's own; new or empty.
        header: who and under what terms; ``simulated`` is set if a stream or device is.
        devices: whose streams they are.
        waveforms, numerics: streams; one without rows is declared all the same.
        events: in any order.
        told: hears how far it is; what it raises gives the session up and leaves nothing.
        naming: held while the session gets its name.

    Raises:
        ValueError: no row at all, or two streams of one id.
        SessionError: ``folder`` is not empty.
        StorageError: the disk refused; nothing is left.
    """
    start_ns = start_wall_ns(waveforms, numerics)
    infos = (*(w.info for w in waveforms), *(r.info for r in numerics))
    if len({info.stream_id for info in infos}) != len(infos):
        raise ValueError(f"two streams of one id among {', '.join(info.stream_id for info in infos)}")
    era = ClockEra(0, uuid.uuid4().hex, "", 0, start_ns, "import")
    streams, gaps = [], []
    for wave in waveforms:
        stream, found = bulk_waveform(wave, start_ns)
        streams.append(stream)
        gaps += found
    streams += [bulk_numeric(rows, start_ns) for rows in numerics]
    stored = [_event(moment, start_ns) for moment in events]
    stored += [session.gap_event(g, uuid.uuid4().hex, start_ns + g.t0_host_ns) for g in gaps]
    card = session.SessionCard(_header(header, devices, infos, start_ns), infos, (era,))
    stored.sort(key=lambda e: e.t_host_ns)
    return write_sealed(folder, card, streams, stored, reason="imported", told=told, naming=naming)


def start_wall_ns(waveforms: Sequence[Waveform], numerics: Sequence[Rows]) -> int:
    """UTC, ns since 1970, of the earliest sample or row.

    Raises:
        ValueError: there is none.
    """
    starts = [w.first_wall_ns for w in waveforms if len(w.values)]
    starts += [int(r.wall_ns[0]) for r in numerics if len(r.values)]
    if not starts:
        raise ValueError("a session needs at least one sample or row")
    return min(starts)


def _header(
    header: session.SessionHeader,
    devices: Sequence[DeviceInfo],
    infos: Sequence[StreamInfo],
    start_ns: int,
) -> session.SessionHeader:
    offset = datetime.fromtimestamp(start_ns // 1_000_000_000, ZoneInfo(header.zone)).utcoffset()
    marked = any(d.simulated for d in devices) or any(i.origin in ("simulated", "replayed") for i in infos)
    return replace(
        header,
        created_wall_ns=start_ns,
        utc_offset_s=0 if offset is None else int(offset.total_seconds()),
        devices=tuple(devices),
        simulated=header.simulated or marked,
    )


def _event(moment: Moment, start_ns: int) -> Event:
    stored_ns = moment.wall_ns if moment.stored_wall_ns is None else moment.stored_wall_ns
    return Event(uuid.uuid4().hex, moment.kind, moment.wall_ns - start_ns, stored_ns, 0, moment.payload)


def bulk_numeric(rows: Rows, start_ns: int) -> BulkStream:
    """Rows as they are stored; ``start_ns`` is UTC at host time 0."""
    n = len(rows.values)
    t_ns = rows.wall_ns - start_ns
    points = np.array([(0, n, t_ns[-1] if n else 0, 0)] if n else np.empty((0, 4)), np.int64)
    stored = StoredRows(np.arange(n, dtype=np.int64), rows.values, None, t_ns)
    return BulkStream(rows.info, stored, ClockPoints(*points.T))


def bulk_waveform(wave: Waveform, start_ns: int) -> tuple[BulkStream, list[Gap]]:
    """Numbers jump over what is missing, as far as whole samples tell; each run is anchored at its own time."""
    info = wave.info
    numbers, points, gaps = [], [], []
    next_no, last_ns = 0, 0
    for k, (first, end, wall_ns) in enumerate(wave.runs):
        t_ns = wall_ns - start_ns
        if k:
            cause = wave.breaks[k - 1]
            if t_ns <= last_ns:
                raise ValueError(f"{info.stream_id}: sample {first} is not later than the one before it")
            missing = max(round((t_ns - last_ns) / 1e9 * (info.nominal_rate_hz or 1.0)) - 1, 0)
            gaps.append(Gap(info.stream_id, next_no, missing, last_ns, t_ns, cause.cause, 0, cause.detail))
            next_no += missing
        if end > first:
            numbers.append(np.arange(next_no, next_no + end - first, dtype=np.int64))
            points.append(_points(info, next_no, end - first, t_ns))
            next_no += end - first
            last_ns = t_ns + _length_ns(end - first - 1, info)
    if not numbers:
        none = np.empty(0, np.int64)
        return BulkStream(info, StoredRows(none, wave.values), ClockPoints(none, none, none, none)), []
    table = np.concatenate(points)
    return BulkStream(info, StoredRows(np.concatenate(numbers), wave.values), ClockPoints(*table.T)), gaps


def _points(info: StreamInfo, first_no: int, n: int, t_ns: int) -> NDArray[np.int64]:
    """Clock points of a run whose first sample was taken at ``t_ns``: of that sample, then of about a minute each.

    Points are kept to the microsecond. They are chosen where a whole number of samples is a whole number of them, and
    rounded up elsewhere, because the time base lies under its points: then it is exact.
    """
    rate = Fraction(info.nominal_rate_hz or 1.0).limit_denominator(100_000)
    exact = (rate / Fraction(1_000_000_000 // RESOLUTION_NS)).numerator
    size = max(ceil(BLOCK_S * rate / exact), 1) * exact
    lasts = np.unique(np.append(np.arange(0, n, size), n - 1))
    firsts = np.append(0, lasts[:-1] + 1)
    times = [t_ns + _length_ns(int(k), info) for k in lasts]
    up = [-(-t // RESOLUTION_NS) * RESOLUTION_NS for t in times]
    return np.stack(
        [first_no + firsts, lasts - firsts + 1, np.array(up, np.int64), np.zeros_like(lasts)], axis=1
    )


def _length_ns(n: int, info: StreamInfo) -> int:
    rate = Fraction(info.nominal_rate_hz or 1.0).limit_denominator(100_000)
    return round(n * 1_000_000_000 / rate)


def _check_values(info: StreamInfo, values: NDArray[Any]) -> None:
    wanted = COLUMN_DTYPES[info.dtype]
    if values.ndim != 2 or values.shape[1] != info.n_columns or values.dtype != wanted:
        raise ValueError(
            f"{info.stream_id}: values are {values.shape} of {values.dtype}, need {info.n_columns} columns of {wanted}"
        )
