"""What can be saved from a damaged journal, a lost manifest, a lost session card."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorder.clock import ClockEra
from recorder.errors import SessionDamaged, SessionError
from recorder.schema import StreamInfo
from recorder.session.files import make_folder, sync_folder
from recorder.session.footers import footer_of, read_footer
from recorder.session.header import SESSION_FILE, SessionCard, SessionHeader, read_card, refuse_erased
from recorder.session.journal import (
    JOURNAL_FILE,
    MARK_FILE,
    TABLES,
    JournalSnapshot,
    open_to_read,
    snapshot_of_tables,
)
from recorder.session.manifest import (
    EVENTS,
    SEGMENT_FOLDER,
    Manifest,
    SegmentRow,
    read_manifest,
    write_manifest,
)
from recorder.session.segments import decode_events, describe

ASIDE_FOLDER = "damaged"


@dataclass(frozen=True)
class FoundSegments:
    """Segment files judged by nothing but their own bytes."""

    whole: tuple[SegmentRow, ...]
    broken: tuple[tuple[str, str], ...]


def set_aside(folder: Path, path: Path, *, copy: bool = False) -> str:
    """Move (or copy) a damaged file into ``damaged/``; nothing there is ever overwritten or deleted."""
    place = folder / ASIDE_FOLDER
    make_folder(place)
    number = 1
    while (target := place / f"{path.name}.{number}").exists():
        number += 1
    if copy:
        shutil.copy2(path, target)
    else:
        path.replace(target)
    sync_folder(place)
    return f"{ASIDE_FOLDER}/{target.name}"


def journal_files(folder: Path) -> list[Path]:
    """The files of the journal that exist."""
    names = (JOURNAL_FILE, JOURNAL_FILE + "-wal", JOURNAL_FILE + "-shm", MARK_FILE)
    return [folder / name for name in names if (folder / name).is_file()]


def salvage_journal(folder: Path) -> JournalSnapshot | None:
    """Every row of a damaged journal that can still be read and passes its CRC; None if there is none."""
    path = folder / JOURNAL_FILE
    if not path.is_file():
        return None
    try:
        with open_to_read(path) as db:
            return snapshot_of_tables({table: _rows_left(db, table) for table in TABLES})
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError):
        return None


def _rows_left(db: sqlite3.Connection, table: str) -> list[Any]:
    """Rows up to the damage from either end, once each."""
    found: dict[Any, Any] = {}
    for order in ("ASC", "DESC"):
        with contextlib.suppress(sqlite3.DatabaseError):
            for row in db.execute(f"SELECT * FROM {table} ORDER BY 1 {order}"):
                found.setdefault(row[0], row)
    return [found[key] for key in sorted(found, key=lambda k: (str(type(k)), k))]


def look_at_segments(folder: Path) -> FoundSegments:
    """Read every ``*.parquet`` in full and keep those whose pages and footers are whole."""
    whole, broken = [], []
    for path in sorted((folder / SEGMENT_FOLDER).glob("*.parquet")):
        try:
            whole.append(describe(path.name, path.read_bytes()))
        except SessionDamaged as error:
            broken.append((f"{SEGMENT_FOLDER}/{path.name}", str(error)))
    return FoundSegments(tuple(whole), tuple(broken))


def finish_renames(folder: Path) -> None:
    """Give whole ``.tmp`` segments their name where no file has it: their journal rows are lost."""
    for tmp in sorted((folder / SEGMENT_FOLDER).glob("*.parquet.tmp")):
        final = tmp.with_suffix("")
        with contextlib.suppress(SessionDamaged):
            describe(final.name, tmp.read_bytes())
            if not final.exists():
                tmp.replace(final)


def rebuild_manifest(path: Path | str) -> Manifest:
    """Write ``manifest.json`` anew from the segments' own footers; a damaged one is set aside.

    Files that are not whole are left out, and left where they are.

    Raises:
        SessionError: no session here, or it was erased; no segment tells whose session it is.
        StorageError: the folder is not writable.
    """
    folder = Path(path)
    session_id = card_from_anywhere(folder, None).header.session_id
    rows = look_at_segments(folder).whole
    state, reason = _state_and_reason(folder)
    manifest = Manifest(session_id, state, rows, reason)
    write_manifest(folder, manifest)
    return manifest


def _state_and_reason(folder: Path) -> tuple[Any, str]:
    if (folder / JOURNAL_FILE).is_file():
        return "open", ""
    try:
        found = read_manifest(folder)
    except SessionDamaged:
        return "sealed", "manifest rebuilt"
    return found.state, found.reason


def card_from_anywhere(folder: Path, journal: JournalSnapshot | None) -> SessionCard:
    """The session card from session.json, else the journal's copy, else what the segments' footers tell.

    Raises:
        SessionError: nothing tells what the session is.
        SessionFormatUnknown: written by a newer HemoView.
    """
    refuse_erased(folder)
    if (folder / SESSION_FILE).is_file():
        with contextlib.suppress(SessionDamaged):
            return read_card(folder)
    elif not (folder / SEGMENT_FOLDER).is_dir():
        raise SessionError(f"{folder}: no {SESSION_FILE} here; choose the folder of a session")
    if journal is not None and journal.card is not None:
        return journal.card
    return _card_from_footers(folder)


def _card_from_footers(folder: Path) -> SessionCard:
    streams: dict[str, StreamInfo] = {}
    eras: dict[int, ClockEra] = {}
    session_id = ""
    for about in _abouts(folder):
        session_id = about["session_id"]
        if about["kind"] == "samples":
            streams[about["stream_id"]] = StreamInfo.from_json(about["stream"])
            eras[about["era"]["number"]] = ClockEra.from_json(about["era"])
    if not session_id or 0 not in eras or sorted(eras) != list(range(len(eras))):
        raise SessionError(
            f"{folder}: neither session.json nor journal nor segments tell what this session is"
        )
    header = SessionHeader(
        session_id,
        "",
        eras[0].wall_ns,
        simulated=any(s.origin in ("simulated", "replayed") for s in streams.values()),
        speed=eras[0].speed,
        notes="Header lost; rebuilt from the segments' footers.",
    )
    return SessionCard(header, tuple(streams.values()), tuple(eras[n] for n in sorted(eras)))


def _abouts(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / SEGMENT_FOLDER).glob("*.parquet")):
        with contextlib.suppress(SessionDamaged, KeyError):
            yield read_footer(footer_of(path.read_bytes())).about


def sealed_event_ids(folder: Path, rows: tuple[SegmentRow, ...]) -> dict[str, int]:
    """Ids of the events in sealed segments."""
    ids: dict[str, int] = {}
    for row in rows:
        if row.stream_id == EVENTS:
            with contextlib.suppress(SessionDamaged, FileNotFoundError):
                content = (folder / SEGMENT_FOLDER / row.name).read_bytes()
                ids |= {event.event_id: number for number, event in decode_events(content)}
    return ids
