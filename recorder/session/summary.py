"""``summary.bin``: what a picture of a whole day needs of a sealed session, in one file. A cache, and nothing else.

Written at close, from the footers of the sealed files, and anew for a session that has none that holds (an older one, a
copy without its times) once Review has drawn it. It is in no order of belief: what it does not hold, or
holds of a file that was touched after it was written, is read from the files themselves. It may be deleted at any
time, no manifest knows it, and it goes with the folder when a session is erased.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.errors import RecorderError
from recorder.schema import Event, StreamInfo
from recorder.session.files import sha256, write_whole
from recorder.session.levels import COARSE_BINS, Level, coarsened
from recorder.session.manifest import CLOCK, EVENTS, SEGMENT_FOLDER, SegmentRow
from recorder.session.points import ClockPoints

SUMMARY_FILE: Final = "summary.bin"
_MAGIC: Final = b"HemoView summary 1 "
_DEFLATE: Final = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """What the summary holds of one sealed file: the coarsest level kept of it, clock points, or events."""

    level: Level | None = None
    points: dict[str, ClockPoints] = field(default_factory=dict)
    events: tuple[tuple[int, Event], ...] | None = None


def write(
    folder: Path,
    streams: Iterable[StreamInfo],
    segments: Sequence[SegmentRow],
    piece_of: Callable[[StreamInfo | None, SegmentRow], Piece],
) -> None:
    """Write the summary of a session that has just been sealed; a disk that refuses leaves none, and no harm.

    Args:
        folder: the session.
        streams: its streams.
        segments: its sealed files.
        piece_of: reads one of them; the stream is None for clock points and events.
    """
    infos = {info.stream_id: info for info in streams}
    with contextlib.suppress(OSError, RecorderError):
        packed = _Packer()
        for row in sorted(segments, key=lambda row: (row.stream_id, row.first_no)):
            packed.add(row, piece_of(infos.get(row.stream_id), row))
        content = packed.content()
        write_whole(folder / SUMMARY_FILE, _MAGIC + sha256(content).encode() + b"\n" + content)


class _Packer:
    """Numbers of one kind and stream together, so that they deflate well and unpack in one go."""

    def __init__(self) -> None:
        self._parts: dict[str, list[NDArray[Any]]] = {}
        self._places: dict[str, dict[str, list[int]]] = {}
        self._counts: dict[str, int] = {}
        self._events: dict[str, list[list[Any]]] = {}

    def add(self, row: SegmentRow, piece: Piece) -> None:
        if piece.level is not None:
            level = piece.level
            table = np.concatenate([level.first[:, None].astype("<f8"), level.low, level.high], axis=1)
            self._put(f"level.{row.stream_id}", row, table)
        for stream_id, points in piece.points.items():
            columns = (points.sample_no, points.n_samples, points.t_host_ns, points.era)
            self._put(f"points.{stream_id}", row, np.stack(columns, axis=1).astype("<i8"))
        if piece.events is not None:
            self._events[row.sha256] = [[number, event.to_json()] for number, event in piece.events]

    def _put(self, key: str, row: SegmentRow, table: NDArray[Any]) -> None:
        start = self._counts.get(key, 0)
        self._counts[key] = start + len(table)
        self._places.setdefault(key, {})[row.sha256] = [start, start + len(table)]
        self._parts.setdefault(key, []).append(table)

    def content(self) -> bytes:
        blobs, head, at = [], {}, 0
        for key, parts in self._parts.items():
            table = np.concatenate(parts)
            blob = zlib.compress(_shuffled(table), _DEFLATE)
            head[key] = {
                "at": at,
                "bytes": len(blob),
                "dtype": table.dtype.str,
                "shape": table.shape,
                "places": self._places[key],
            }
            blobs.append(blob)
            at += len(blob)
        text = zlib.compress(json.dumps({"parts": head, "events": self._events}).encode(), _DEFLATE)
        return len(text).to_bytes(8, "little") + text + b"".join(blobs)


class Summary:
    """A summary that was read. Of a file touched since, or unknown, it says nothing.

    Args:
        content: what :meth:`_Packer.content` made.
        fresh: names of sealed files as they were when it was written.
    """

    def __init__(self, content: bytes = b"", fresh: frozenset[str] = frozenset()) -> None:
        self._fresh = fresh
        self._head: dict[str, Any] = {"parts": {}, "events": {}}
        self._blobs = b""
        self._tables: dict[str, NDArray[Any]] = {}
        if content:
            end = 8 + int.from_bytes(content[:8], "little")
            self._head, self._blobs = json.loads(zlib.decompress(content[8:end])), content[end:]

    def holds(self, segments: Iterable[SegmentRow]) -> bool:
        """It was written after every one of them, as they are now."""
        return all(row.name in self._fresh for row in segments)

    def level(self, rows: Sequence[SegmentRow]) -> Level | None:
        """The level kept of files of one stream that follow each other: of a waveform the coarse one."""
        table = self._rows(f"level.{rows[0].stream_id}", rows) if rows else None
        if table is None:
            return None
        n = (table.shape[1] - 1) // 2
        return Level(table[:, 0].astype(np.int64), table[:, 1 : 1 + n], table[:, 1 + n :])

    def points(self, rows: Sequence[SegmentRow], stream_id: str) -> ClockPoints | None:
        """Thinned clock points of a stream in clock files that follow each other."""
        table = self._rows(f"points.{stream_id}", rows)
        return None if table is None else ClockPoints(*(np.ascontiguousarray(c) for c in table.T))

    def events(self, row: SegmentRow) -> list[tuple[int, Event]] | None:
        """Events of an event file."""
        told = self._head["events"].get(row.sha256) if row.name in self._fresh else None
        return None if told is None else [(number, Event.from_json(value)) for number, value in told]

    def _rows(self, key: str, rows: Sequence[SegmentRow]) -> NDArray[Any] | None:
        """What is kept of several files, one after the other; None where one is not known, or others lie between."""
        part = self._head["parts"].get(key)
        if part is None or not rows:
            return None
        known: dict[str, list[int]] = part["places"]
        places = [known[row.sha256] for row in rows if row.name in self._fresh and row.sha256 in known]
        if len(places) < len(rows) or any(before[1] != after[0] for before, after in pairwise(places)):
            return None
        if key not in self._tables:
            blob = zlib.decompress(self._blobs[part["at"] : part["at"] + part["bytes"]])
            self._tables[key] = _unshuffled(blob, np.dtype(part["dtype"]), tuple(part["shape"]))
        found: NDArray[Any] = self._tables[key][places[0][0] : places[-1][1]]
        return found


def read(folder: Path) -> Summary:
    """The summary of a session; an empty one where there is none or it is damaged."""
    path = folder / SUMMARY_FILE
    try:
        body = _body(path.read_bytes())
        return Summary() if body is None else Summary(body, _untouched(folder, path.stat().st_mtime_ns))
    except (OSError, ValueError, KeyError, TypeError, zlib.error):
        return Summary()


def is_damaged(folder: Path) -> bool:
    """There is a summary, and it is not as it was written. Nothing is lost by that."""
    try:
        return _body((folder / SUMMARY_FILE).read_bytes()) is None
    except FileNotFoundError:
        return False


def _body(content: bytes) -> bytes | None:
    """What follows the hash; None where the hash is not its own."""
    digest, body = content[len(_MAGIC) : len(_MAGIC) + 64], content[len(_MAGIC) + 65 :]
    return body if content[: len(_MAGIC)] == _MAGIC and sha256(body).encode() == digest else None


def _untouched(folder: Path, before_ns: int) -> frozenset[str]:
    """Sealed files that were last written before a moment."""
    with os.scandir(folder / SEGMENT_FOLDER) as entries:
        return frozenset(entry.name for entry in entries if entry.stat().st_mtime_ns < before_ns)


def piece_of_footer(
    info: StreamInfo | None, row: SegmentRow, level: Level | None, points: dict[str, ClockPoints]
) -> Piece:
    """What is kept of a sealed file with that footer: a waveform's level only coarse, a numeric's whole."""
    if row.stream_id == CLOCK:
        return Piece(points=points)
    if info is None or level is None or row.stream_id == EVENTS:
        return Piece()
    return Piece(level=coarsened(info, level) if info.kind == "waveform" else level)


def _shuffled(table: NDArray[Any]) -> bytes:
    """Column after column, differences of whole numbers, bytes of equal weight together."""
    columns = np.ascontiguousarray(table.T)
    if table.dtype.kind == "i":
        columns = np.diff(columns, axis=1, prepend=0)
    return columns.reshape(-1).view(np.uint8).reshape(-1, table.itemsize).T.tobytes()


def _unshuffled(content: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    planes = np.frombuffer(content, np.uint8).reshape(dtype.itemsize, -1)
    columns = np.ascontiguousarray(planes.T).view(dtype).reshape(shape[1], shape[0])
    return (np.cumsum(columns, axis=1) if dtype.kind == "i" else columns).T


__all__ = ["COARSE_BINS", "SUMMARY_FILE", "Piece", "Summary", "piece_of_footer", "read", "write"]
