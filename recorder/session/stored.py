"""What a session folder holds at one moment: card, sealed segments, and what the journal has on top. Read-only."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from recorder.errors import SessionDamaged, SessionError, SessionGone
from recorder.schema import Event
from recorder.session.files import sha256, why_of
from recorder.session.header import SESSION_FILE, SessionCard, read_card, refuse_gone
from recorder.session.journal import JOURNAL_FILE, MARK_FILE, Batch, JournalSnapshot, read_mark, read_snapshot
from recorder.session.manifest import (
    EVENTS,
    MANIFEST_FILE,
    SEGMENT_FOLDER,
    Manifest,
    SegmentRow,
    read_manifest,
)
from recorder.session.points import ClockPoints
from recorder.session.salvage import card_from_anywhere, look_at_segments

Damage = tuple[str, str]
"""(file name relative to the session, why)."""


@dataclass(frozen=True)
class Stored:
    """One consistent view of a session folder.

    Args:
        state: of the manifest: ``open`` until it was closed.
        segments: sealed files, by belief order journal → manifest → their own footers.
        manifest: what ``manifest.json`` says, read before the journal; None if missing or damaged.
        damaged: what is wrong, as far as opening shows; ``verify`` looks further.
    """

    folder: Path
    card: SessionCard
    state: str
    segments: tuple[SegmentRow, ...]
    batches: tuple[Batch, ...]
    clock: tuple[tuple[int, dict[str, ClockPoints]], ...]
    live_events: tuple[tuple[int, Event], ...]
    commit_no: int
    manifest: Manifest | None
    damaged: tuple[Damage, ...] = field(default=())

    def segments_of(self, stream_id: str) -> list[SegmentRow]:
        """Sealed files of a stream, in order."""
        return self._by_stream.get(stream_id, [])

    @cached_property
    def _by_stream(self) -> dict[str, list[SegmentRow]]:
        found: dict[str, list[SegmentRow]] = {}
        for row in self.segments:  # sorted by stream and first number
            found.setdefault(row.stream_id, []).append(row)
        return found

    def batches_of(self, stream_id: str) -> list[Batch]:
        """Unsealed batches of a stream, in order."""
        return [b for b in self.batches if b.stream_id == stream_id]

    def last_arrivals_ns(self) -> dict[int, int]:
        """Host time of the last arrival in each clock era."""
        last: dict[int, int] = {}
        arrivals = [(s.era, s.t1_host_ns) for s in self.segments]
        arrivals += [(b.era, b.t1_host_ns) for b in self.batches]
        for era, t_host_ns in arrivals:
            last[era] = max(last.get(era, t_host_ns), t_host_ns)
        return last

    def event_segments(self) -> list[SegmentRow]:
        """Sealed files of events, in order."""
        return self.segments_of(EVENTS)


def read_segment(folder: Path, row: SegmentRow) -> bytes:
    """A sealed file, proved to be the one that was sealed.

    Raises:
        SessionDamaged: missing, or its hash differs.
        SessionError: the session was moved or erased meanwhile.
    """
    path = folder / SEGMENT_FOLDER / row.name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        refuse_gone(folder)
        raise SessionDamaged(f"{SEGMENT_FOLDER}/{row.name}: missing") from None
    if len(content) != row.bytes or sha256(content) != row.sha256:
        raise SessionDamaged(f"{SEGMENT_FOLDER}/{row.name}: {changed(row, content)}")
    return content


def read_segment_footer(folder: Path, row: SegmentRow) -> bytes:
    """Footer of a sealed file, proved by its own hash.

    Raises:
        SessionDamaged: missing, or its hash differs.
        SessionError: the session was moved or erased meanwhile.
    """
    path = folder / SEGMENT_FOLDER / row.name
    try:
        with path.open("rb") as file:
            file.seek(max(0, row.bytes - row.footer_bytes))
            footer = file.read()
    except FileNotFoundError:
        refuse_gone(folder)
        raise SessionDamaged(f"{SEGMENT_FOLDER}/{row.name}: missing") from None
    if sha256(footer) != row.footer_sha256:
        raise SessionDamaged(f"{SEGMENT_FOLDER}/{row.name}: its footer was changed or cut")
    return footer


def changed(row: SegmentRow, content: bytes) -> str:
    """Why ``content`` is not what was sealed as ``row``."""
    if len(content) != row.bytes:
        return f"{len(content)} bytes, sealed with {row.bytes}"
    return "changed since it was sealed (SHA-256 differs)"


def read_stored(folder: Path) -> Stored:
    """Read a session folder that may be live, killed, sealed or damaged.

    Raises:
        SessionError: no session here, or it was erased.
        SessionFormatUnknown: written by a newer HemoView.
        SessionDamaged: neither session.json nor the journal says what it is.
    """
    damaged: list[Damage] = []
    # before the journal, which a sealer tells first: what was sealed after this look is still in its rows or in its
    # table, whereas a manifest from after it would show segments whose rows were read from the journal already
    manifest = _manifest_or_none(folder, damaged)
    journal, mark_ahead = _read_journal(folder, damaged)
    if journal is None and manifest is not None and manifest.state == "open":
        # it may have been closed between the two reads
        manifest = _manifest_or_none(folder, damaged)
    card = _read_card(folder, journal, damaged)
    damaged += mark_ahead
    segments = _believed(folder, journal, manifest, damaged)
    if journal is None and manifest is not None and manifest.state == "open" and not damaged:
        damaged.append((JOURNAL_FILE, "missing; what was not sealed is lost"))
    return Stored(
        folder,
        card,
        "open" if manifest is None else manifest.state,
        segments,
        journal.batches if journal else (),
        journal.clock if journal else (),
        journal.events if journal else (),
        journal.commit_no if journal else 0,
        manifest,
        tuple(dict.fromkeys(damaged)),
    )


def _read_journal(folder: Path, damaged: list[Damage]) -> tuple[JournalSnapshot | None, list[Damage]]:
    """The journal, if there is one; and whether it has fewer commits than its mark knows of."""
    ahead: list[Damage] = []
    if not (folder / JOURNAL_FILE).is_file():
        return None, ahead
    known = 0
    try:
        known = read_mark(folder)  # before the journal: a live one only moves on
    except SessionDamaged as error:
        damaged.append((MARK_FILE, why_of(error, folder / MARK_FILE)))
    except OSError:
        known = 0
    try:
        snapshot = read_snapshot(folder)
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, OSError) as error:
        if not (folder / JOURNAL_FILE).is_file():  # closed meanwhile
            return None, ahead
        damaged.append((JOURNAL_FILE, f"not readable ({error}); what was not sealed is lost"))
        return None, ahead
    damaged += [(JOURNAL_FILE, why) for why in snapshot.damaged]
    if snapshot.commit_no < known:
        lost = known - snapshot.commit_no
        what = "commit is" if lost == 1 else f"{lost} commits are"
        ahead.append((JOURNAL_FILE, f"its last {what} gone (write-ahead log damaged or missing)"))
    return snapshot, ahead


def _read_card(folder: Path, journal: JournalSnapshot | None, damaged: list[Damage]) -> SessionCard:
    """session.json, or what journal or footers repeat of it."""
    card = card_from_anywhere(folder, journal)
    try:
        read_card(folder)
    except SessionDamaged as error:
        damaged.append((SESSION_FILE, why_of(error, folder / SESSION_FILE)))
    except SessionGone:
        raise
    except SessionError:
        damaged.append((SESSION_FILE, "missing"))
    return card


def _believed(
    folder: Path, journal: JournalSnapshot | None, manifest: Manifest | None, damaged: list[Damage]
) -> tuple[SegmentRow, ...]:
    """The journal's table where there is one; the manifest may lag behind it by the last seal. Without either
    every segment is read and speaks for itself; those that cannot are added to ``damaged``.
    """
    rows: Sequence[SegmentRow] = ()
    if journal is not None and (journal.segments or manifest is None):
        rows = journal.segments
    elif manifest is not None:
        rows = manifest.segments
    else:
        found = look_at_segments(folder)
        rows = found.whole
        damaged += found.broken
    return tuple(sorted(rows, key=lambda row: (row.stream_id, row.first_no)))


def _manifest_or_none(folder: Path, damaged: list[Damage]) -> Manifest | None:
    with contextlib.suppress(FileNotFoundError):
        try:
            return read_manifest(folder)
        except SessionDamaged as error:
            damaged.append((MANIFEST_FILE, why_of(error, folder / MANIFEST_FILE)))
    return None
