"""Sealed files as a reader needs them: read once, proved by their hash, and named where they are damaged."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from recorder.errors import SessionDamaged
from recorder.schema import Event, StreamInfo
from recorder.schema.physical import physical
from recorder.session import summary
from recorder.session.footers import Footer, read_proven_footer
from recorder.session.header import TOMBSTONE_FILE
from recorder.session.levels import Level, coarsened, join_levels, level_of
from recorder.session.manifest import EVENTS, SEGMENT_FOLDER, SegmentRow
from recorder.session.points import ClockPoints, join_points
from recorder.session.rows import Rows, empty_rows
from recorder.session.segments import decode_clock, decode_events, decode_samples
from recorder.session.stored import read_segment, read_segment_footer

CACHE_BYTES = 96 << 20
"""Decoded segments kept in memory: some hours of an E4 with a 100 Hz wave."""

_NO_POINTS = ClockPoints(*(np.empty(0, np.int64) for _ in range(4)))


class SealedFiles:
    """Rows, footers and events of the sealed files of one session. Files never change, so they are kept by hash.

    Args:
        folder: the session.
    """

    def __init__(self, folder: Path) -> None:
        self.damaged: dict[str, str] = {}
        self._folder = folder
        self._rows: OrderedDict[str, Rows] = OrderedDict()
        self._rows_bytes = 0
        self._footers: dict[str, Footer | None] = {}
        self._levels: dict[str, Level] = {}
        self._summary: summary.Summary | None = None
        self._events: dict[str, list[tuple[int, Event]]] = {}

    def forget(self) -> None:
        """Give the memory of decoded rows back."""
        self._rows.clear()
        self._rows_bytes = 0

    def rows(self, info: StreamInfo, row: SegmentRow) -> Rows | None:
        """All rows of a segment; None if it is damaged."""
        known = self._rows.get(row.sha256)
        if known is None:
            try:
                known = decode_samples(info, read_segment(self._folder, row))
            except SessionDamaged as error:
                self._note(row, error)
                return None
            self._rows[row.sha256] = known
            self._rows_bytes += known.nbytes
            while len(self._rows) > 1 and self._rows_bytes > CACHE_BYTES:
                self._rows_bytes -= self._rows.popitem(last=False)[1].nbytes
        self._rows.move_to_end(row.sha256)
        return known

    @property
    def _known(self) -> summary.Summary:
        """What was written down of the files at close; empty where nothing was."""
        if self._summary is None:
            self._summary = summary.read(self._folder)
        return self._summary

    def levels(self, info: StreamInfo, rows: Sequence[SegmentRow], *, coarse: bool) -> Level:
        """Low and high of segments that follow each other, in short bins or (of a waveform) in long ones."""
        known = self._known.level(rows) if coarse or info.kind == "numeric" else None
        if known is not None:
            return known
        if len(rows) != 1:
            parts = [self.levels(info, [row], coarse=coarse) for row in rows]
            return join_levels(parts, len(info.channels))
        level = self._level(info, rows[0])
        return coarsened(info, level) if coarse else level

    def _level(self, info: StreamInfo, row: SegmentRow) -> Level:
        """Low and high of a segment in short bins, from its footer where that has them."""
        if row.sha256 not in self._levels:
            footer = self._footer(row)
            level = footer.level if footer is not None else None
            if level is None:
                rows = self.rows(info, row) or empty_rows(info)
                level = level_of(info, rows, physical(info, rows.values))
            self._levels[row.sha256] = level
        return self._levels[row.sha256]

    def thin_points(self, rows: Sequence[SegmentRow], stream_id: str) -> ClockPoints:
        """Thinned clock points of a waveform out of the footers of clock segments that follow each other."""
        known = self._known.points(rows, stream_id)
        if known is not None:
            return known
        if len(rows) != 1:
            return join_points(self.thin_points([row], stream_id) for row in rows)
        footer = self._footer(rows[0])
        return _NO_POINTS if footer is None else footer.points.get(stream_id, _NO_POINTS)

    def all_points(self, row: SegmentRow, stream_id: str) -> ClockPoints:
        """Every clock point of a stream in a clock segment."""
        try:
            return decode_clock(read_segment(self._folder, row), stream_id).get(stream_id, _NO_POINTS)
        except SessionDamaged as error:
            self._note(row, error)
            return _NO_POINTS

    def events(self, row: SegmentRow) -> list[tuple[int, Event]]:
        """Events of an event segment with their numbers."""
        if row.sha256 not in self._events:
            known = self._known.events(row)
            try:
                self._events[row.sha256] = (
                    known if known is not None else decode_events(read_segment(self._folder, row))
                )
            except SessionDamaged as error:
                self._note(row, error)
                self._events[row.sha256] = []
        return self._events[row.sha256]

    def renew_summary(self, streams: Iterable[StreamInfo], segments: Sequence[SegmentRow]) -> bool:
        """:meth:`summarise` where no summary holds for every sealed file; True where it was tried.

        The session opens faster the next time, and nothing else: a disk that refuses is no error.
        """
        stone = self._folder / TOMBSTONE_FILE
        if stone.exists() or self._known.holds(segments):
            return False
        self.summarise(streams, segments)
        if stone.exists():  # erased at this moment
            (self._folder / summary.SUMMARY_FILE).unlink(missing_ok=True)
        return True

    def summarise(self, streams: Iterable[StreamInfo], segments: Sequence[SegmentRow]) -> None:
        """Write down what a picture of the whole session needs, once all is sealed."""

        def piece(info: StreamInfo | None, row: SegmentRow) -> summary.Piece:
            if row.stream_id == EVENTS:
                return summary.Piece(events=tuple(self.events(row)))
            footer = self._footer(row)
            points = footer.points if footer else {}
            return summary.piece_of_footer(info, row, footer.level if footer else None, points)

        summary.write(self._folder, streams, segments, piece)

    def _footer(self, row: SegmentRow) -> Footer | None:
        if row.sha256 not in self._footers:
            try:
                self._footers[row.sha256] = read_proven_footer(read_segment_footer(self._folder, row))
            except SessionDamaged as error:
                self._note(row, error)
                self._footers[row.sha256] = None
        return self._footers[row.sha256]

    def _note(self, row: SegmentRow, error: Exception) -> None:
        self.damaged[f"{SEGMENT_FOLDER}/{row.name}"] = str(error)
