"""A whole session written at once, without a journal: for recordings that somebody else has finished.

The folder appears under its name only when every segment in it is on disk, so a session that was given up half-way
never existed. What is in it is an ordinary sealed session: same segments, same manifest.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np

from recorder.errors import SessionDamaged, SessionError
from recorder.private_folder import make_private
from recorder.schema import Event, StreamInfo
from recorder.session.files import make_folder, storage_errors, sync_folder
from recorder.session.header import SessionCard, write_card
from recorder.session.manifest import (
    CLOCK,
    EVENTS,
    SEGMENT_FOLDER,
    Manifest,
    SegmentRow,
    write_manifest,
)
from recorder.session.points import ClockPoints
from recorder.session.rows import Rows, same_rows
from recorder.session.schedule import SEGMENT_S
from recorder.session.sealed import SealedFiles
from recorder.session.sealer import segment_name, write_segment
from recorder.session.segments import decode_samples, describe, encode_clock, encode_events, encode_samples

NUMERIC_ROWS = 36_000
"""Rows of a numeric in one segment: ten hours at one a second."""


@dataclass(frozen=True, eq=False)
class BulkStream:
    """All of one stream, of clock era 0; ``points`` cover every row."""

    info: StreamInfo
    rows: Rows
    points: ClockPoints


Naming = contextlib.AbstractContextManager[None]


class Told(Protocol):
    """Is told how far writing has come; raises to give it up."""

    def __call__(self, done: int, total: int) -> None:
        """``done`` of ``total`` rows."""
        ...


def write_sealed(
    folder: Path,
    card: SessionCard,
    streams: Sequence[BulkStream],
    events: Sequence[Event],
    *,
    reason: str,
    told: Told | None = None,
    naming: Naming | None = None,
) -> Path:
    """Write a sealed session and return its folder.

    Args:
        folder: the session's own folder; it may be there if it is empty.
        card: header, streams and the one clock era.
        streams: of ``card``; a stream without rows is only declared.
        events: in the order they are to be stored.
        reason: why it was closed.
        told: hears of every segment; what it raises gives the session up.
        naming: held while the session gets its name; what it raises on entering gives the session up.

    Raises:
        SessionError: there is something in ``folder``.
        StorageError: the disk refused; nothing is left.
    """
    with unfinished(folder, naming) as place:
        with storage_errors(folder, "writing the session", whole=True):
            write_card(place, card)
        total = sum(len(stream.rows) for stream in streams)
        segments: list[SegmentRow] = []
        done = 0
        for stream in streams:
            for rows in pieces(stream):
                with storage_errors(folder, "writing the session", whole=True):
                    segments.append(_write_samples(place, card, stream, rows))
                done += len(rows)
                if told is not None:
                    told(done, total)
        with storage_errors(folder, "writing the session", whole=True):
            segments += _write_clock(place, card, streams)
            segments += _write_events(place, card, events)
            write_manifest(place, Manifest(card.header.session_id, "sealed", tuple(segments), reason))
            SealedFiles(place).summarise(card.streams, tuple(segments))
    return folder


@contextlib.contextmanager
def unfinished(folder: Path, naming: Naming | None = None) -> Iterator[Path]:
    """A folder beside ``folder`` that takes its name if all goes well, and is gone otherwise."""
    place = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}.unfinished")
    with storage_errors(folder, "creating the session", whole=True):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise _taken(folder)
        make_private(folder.parent)
        make_folder(place)
        make_folder(place / SEGMENT_FOLDER)
    try:
        yield place
        with naming or contextlib.nullcontext(), storage_errors(folder, "naming the session", whole=True):
            _name(place, folder)
            sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _name(place: Path, folder: Path) -> None:
    try:
        if folder.is_dir():
            folder.rmdir()
        place.rename(folder)
    except OSError:
        if folder.is_dir() and any(folder.iterdir()):  # somebody else has just written there
            raise _taken(folder) from None
        raise


def _taken(folder: Path) -> SessionError:
    return SessionError(f"{folder}: is not empty; choose a new folder for the session")


def pieces(stream: BulkStream) -> Iterator[Rows]:
    """Ten minutes of a waveform each, so many rows of a numeric."""
    rate_hz, numbers = stream.info.nominal_rate_hz, stream.rows.sample_no
    if not len(stream.rows):
        return
    size = NUMERIC_ROWS if rate_hz is None else max(1, round(rate_hz)) * round(SEGMENT_S)
    edges = np.arange(int(numbers[0]) // size * size, int(numbers[-1]) + 1 + size, size)
    cuts = np.searchsorted(numbers, edges).tolist()
    for start, stop in pairwise(cuts):
        if stop > start:
            yield stream.rows.slice(start, stop)


def _write_samples(place: Path, card: SessionCard, stream: BulkStream, rows: Rows) -> SegmentRow:
    info = stream.info
    content = encode_samples(info, rows, card.header.session_id, card.eras[0], span_ns(stream, rows))
    if not same_rows(rows, decode_samples(info, content)):
        raise SessionDamaged(f"{place.name}: {info.stream_id} did not read back as it was written")
    name = segment_name(info.stream_id, int(rows.sample_no[0]))
    row = describe(name, content)
    write_segment(place, name, content)
    return row


def span_ns(stream: BulkStream, rows: Rows) -> tuple[int, int]:
    """Host times of the first and the last of these rows of a stream."""
    if rows.row_t_host_ns is not None:
        return int(rows.row_t_host_ns.min()), int(rows.row_t_host_ns.max())
    points, rate_hz = stream.points, stream.info.nominal_rate_hz
    assert rate_hz is not None
    ends = []
    for number in (int(rows.sample_no[0]), int(rows.sample_no[-1])):
        at = int(np.searchsorted(points.sample_no, number, side="right")) - 1
        last_no = int(points.sample_no[at] + points.n_samples[at]) - 1
        ends.append(int(points.t_host_ns[at]) - round((last_no - number) * 1e9 / rate_hz))
    return ends[0], ends[1]


def _write_clock(place: Path, card: SessionCard, streams: Sequence[BulkStream]) -> list[SegmentRow]:
    points = {s.info.stream_id: s.points for s in streams if len(s.points)}
    if not points:
        return []
    rates: Mapping[str, float] = {
        s.info.stream_id: s.info.nominal_rate_hz for s in streams if s.info.nominal_rate_hz is not None
    }
    content = encode_clock(points, dict(rates), card.header.session_id, (1, 2))
    name = segment_name(CLOCK, 1)
    row = describe(name, content)
    write_segment(place, name, content)
    return [row]


def _write_events(place: Path, card: SessionCard, events: Sequence[Event]) -> list[SegmentRow]:
    if not events:
        return []
    content = encode_events(list(enumerate(events, 1)), card.header.session_id)
    name = segment_name(EVENTS, 1)
    row = describe(name, content)
    write_segment(place, name, content)
    return [row]
