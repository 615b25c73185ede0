"""The list of sessions, from ``session.json``, ``manifest.json`` and the sizes of files alone: hundreds are quick."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hemoview.viewmodel import formats
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.written import being_written
from recorder.clock.clock import ClockEra
from recorder.errors import RecorderError, SessionFormatUnknown
from recorder.session import amendments, quarantined
from recorder.session.amended import amended, amended_fields
from recorder.session.files import why_of
from recorder.session.header import SESSION_FILE, TOMBSTONE_FILE, SessionCard, read_card
from recorder.session.journal import JOURNAL_FILE
from recorder.session.manifest import EVENTS, MANIFEST_FILE, SEGMENT_FOLDER, Manifest, read_manifest
from recorder.session.quarantine import QUARANTINE_FOLDER

RowState = Literal["open", "killed", "sealed", "damaged", "newer", "erased"]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A line of the browser.

    Args:
        state: ``open``: being recorded; ``killed``: never closed; ``newer``: written by a newer HemoView.
        length_s: None where nothing tells; of an open session at least this (up to its last seal).
        streams: ids of what was recorded, derived streams left out.
        n_events: sealed events, None where unknown.
        note: what is wrong, or None.
        amended: fields that were corrected since Start; ``pseudonym`` is as corrected.
    """

    path: str
    name: str
    state: RowState
    pseudonym: str = ""
    start_wall_ns: int | None = None
    zone: str = "UTC"
    utc_offset_s: int = 0
    length_s: float | None = None
    streams: tuple[str, ...] = ()
    n_bytes: int = 0
    n_events: int | None = None
    simulated: bool = False
    note: Message | None = None
    amended: tuple[str, ...] = ()

    @property
    def openable(self) -> bool:
        """There may be something to look at."""
        return self.state not in ("newer", "erased")

    @property
    def in_quarantine(self) -> bool:
        """It was discarded, and can be restored."""
        return Path(self.path).parent.name == QUARANTINE_FOLDER

    @property
    def searchable(self) -> str:
        """What a search looks in."""
        words = (self.pseudonym, self.name, self.state, *self.streams, "sim" if self.simulated else "")
        return " ".join(words).lower()


def session_folders(folder: Path) -> list[Path]:
    """Folders that hold or held a session, newest name first."""
    if not folder.is_dir():
        return []
    marks = (SESSION_FILE, JOURNAL_FILE, MANIFEST_FILE, TOMBSTONE_FILE)
    found = (p for p in folder.iterdir() if p.is_dir() and any((p / mark).is_file() for mark in marks))
    return sorted(found, key=lambda p: p.name, reverse=True)


def rows_in(folder: Path) -> Iterator[SessionRow]:
    """One row a session, newest name first."""
    return (read_row(path) for path in session_folders(folder))


def read_row(folder: Path) -> SessionRow:
    """What a session folder says of itself; a folder that cannot be read says why."""
    if (folder / TOMBSTONE_FILE).is_file():
        return SessionRow(str(folder), folder.name, "erased", note=say("browser.note-erased"))
    try:
        card = read_card(folder)
    except SessionFormatUnknown as error:
        size = folder_bytes(folder)
        return SessionRow(
            str(folder), folder.name, "newer", n_bytes=size, note=say("browser.note", why=str(error))
        )
    except (RecorderError, OSError) as error:
        note: Message | None = say("browser.note-card", why=_why(error, folder / SESSION_FILE))
        return SessionRow(str(folder), folder.name, "damaged", n_bytes=folder_bytes(folder), note=note)
    try:
        manifest, note = read_manifest(folder), None
    except (RecorderError, OSError) as error:
        manifest, note = None, _no_manifest(folder, error)
    return _row(folder, card, manifest, note)


def _why(error: Exception, path: Path) -> str:
    return why_of(error, path) if path.is_file() else "missing"


def _no_manifest(folder: Path, error: Exception) -> Message:
    if (folder / JOURNAL_FILE).is_file() or any((folder / SEGMENT_FOLDER).glob("*.parquet")):
        return say("browser.note-manifest", why=_why(error, folder / MANIFEST_FILE))
    return say("browser.note-nothing")


def _row(folder: Path, card: SessionCard, manifest: Manifest | None, note: Message | None) -> SessionRow:
    corrections = amendments.read(folder)[0]
    header = amended(card.header, corrections)
    n_bytes, harm = _on_disk(folder, manifest)
    state = _state(folder, manifest)
    if harm is not None and state != "open":
        state = "damaged"
    recorded = tuple(s.stream_id for s in card.streams if s.origin != "derived")
    events = None
    if manifest is not None:
        events = sum(row.rows for row in manifest.segments if row.stream_id == EVENTS)
    return SessionRow(
        path=str(folder),
        name=folder.name,
        state=state,
        pseudonym=header.subject.pseudonym if header.subject else "",
        start_wall_ns=card.eras[0].wall_ns if card.eras else header.created_wall_ns,
        zone=header.zone,
        utc_offset_s=header.utc_offset_s,
        length_s=_length_s(card, manifest),
        streams=recorded,
        n_bytes=n_bytes,
        n_events=events,
        simulated=header.simulated or any(s.origin in ("simulated", "replayed") for s in card.streams),
        note=note or harm or (say("browser.note-killed") if state == "killed" else _quarantined(folder)),
        amended=amended_fields(corrections),
    )


def _quarantined(folder: Path) -> Message | None:
    """Why a session lies in quarantine, and until when; None for one that does not."""
    if folder.parent.name != QUARANTINE_FOLDER:
        return None
    found = next((q for q in quarantined(folder.parent.parent) if q.path == folder), None)
    if found is None or found.due_wall_ns is None:
        return say("note-quarantined-undated")
    day = formats.day(found.due_wall_ns, formats.offset_here_s(found.due_wall_ns))
    return say("note-quarantined", who=found.who, why=found.why, day=day)


def _state(folder: Path, manifest: Manifest | None) -> RowState:
    if manifest is None:
        return "damaged"
    if manifest.state == "sealed":
        return "sealed"
    return "open" if being_written(folder) else "killed"


def _length_s(card: SessionCard, manifest: Manifest | None) -> float | None:
    """To the last sealed row; what is still in the journal is not looked at."""
    if not card.eras or manifest is None:
        return None
    ends = (_wall_ns(card.eras, row.era, row.t1_host_ns) for row in manifest.segments)
    return max((end - card.eras[0].wall_ns for end in ends), default=0) / 1e9


def _wall_ns(eras: Sequence[ClockEra], era: int, t_host_ns: int) -> int:
    return eras[min(era, len(eras) - 1)].wall_at(t_host_ns)


def _on_disk(folder: Path, manifest: Manifest | None) -> tuple[int, Message | None]:
    """Bytes of a session, and which sealed files are not there or not as long as they were sealed."""
    if manifest is None:
        return folder_bytes(folder), None
    place, sizes = f"{folder}/{SEGMENT_FOLDER}/", {}
    for row in manifest.segments:
        with contextlib.suppress(OSError):
            sizes[row.name] = os.stat(place + row.name).st_size  # noqa: PTH116 -- a day has thousands of files
    n_bytes = sum(sizes.values()) + _beside_segments(folder)
    wrong = [row.name for row in manifest.segments if sizes.get(row.name) != row.bytes]
    if not wrong:
        return n_bytes, None
    return n_bytes, say("browser.note-files", n=len(wrong), total=len(manifest.segments), first=wrong[0])


def _beside_segments(folder: Path) -> int:
    """Files of the folder and of all in it but the segments: labels, alignments, what was put aside."""
    parts = [p for p in folder.iterdir() if p.name != SEGMENT_FOLDER]
    return sum(folder_bytes(p) if p.is_dir() else p.stat().st_size for p in parts)


def folder_bytes(folder: Path) -> int:
    """Size of everything in a folder."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
