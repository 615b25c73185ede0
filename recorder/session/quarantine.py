"""Discarded sessions: 30 days in ``quarantine/`` beside the others, restorable, then erased with a tombstone.

The note beside the folder, ``quarantine/<folder>.json``, says when, by whom and why. It is written before the folder is
moved and taken away after it is back, so that a power cut leaves the session in one place and never without its note.
Who discarded and who restored it also goes into its amendments.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from recorder.errors import ConfigError, RecorderError, SessionDamaged, SessionError
from recorder.schema import Amendment
from recorder.session import amendments
from recorder.session.erase import Tombstone, erase
from recorder.session.files import (
    make_folder,
    read_json,
    sign_json,
    storage_errors,
    sync_folder,
    write_whole,
)
from recorder.session.header import TOMBSTONE_FILE, read_card, refuse_erased
from recorder.session.lock import FolderLock, sealer_lock

QUARANTINE_FOLDER: Final = "quarantine"
KEPT_DAYS: Final = 30
_LOCK: Final = "quarantine.lock"
_WAIT_S: Final = 30.0
"""Longer than a day's recording takes to be erased."""
DAY_NS: Final = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A discarded session that can still be restored.

    Args:
        path: where it lies now.
        discarded_wall_ns: when, UTC ns since 1970; None where nothing says so: it is never erased by itself.
        why, who: reason and operator code.
    """

    path: Path
    discarded_wall_ns: int | None
    why: str = ""
    who: str = ""

    @property
    def due_wall_ns(self) -> int | None:
        """From when it may be erased."""
        return None if self.discarded_wall_ns is None else self.discarded_wall_ns + KEPT_DAYS * DAY_NS

    def is_due(self, wall_ns: int) -> bool:
        """Its 30 days are over."""
        return self.due_wall_ns is not None and wall_ns >= self.due_wall_ns

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; times as ISO text."""
        return {
            "name": self.path.name,
            "folder": str(self.path),
            "discarded": _iso(self.discarded_wall_ns),
            "erased_from": _iso(self.due_wall_ns),
            "why": self.why,
            "who": self.who,
        }


def discard(path: Path | str, *, why: str, who: str, wall_ns: int) -> Quarantined:
    """Move a session that is not being recorded into quarantine.

    Args:
        path: session folder.
        why: reason.
        who: operator code.
        wall_ns: now, UTC ns since 1970.

    Raises:
        ConfigError: no reason or nobody who signs it.
        SessionError: no session here, a recorder is writing it, or one of that name is in quarantine already.
        StorageError: the folder is not writable.
    """
    folder = Path(path)
    if not why.strip():
        raise ConfigError(f"{folder.name}: no reason; say why it is discarded")
    if not who.strip():
        raise ConfigError(f"{folder.name}: no operator code; say who discards it")
    with storage_errors(folder, "discarding"), contextlib.suppress(SessionDamaged):
        read_card(folder)  # what is damaged may be discarded all the same
    place = folder.parent / QUARANTINE_FOLDER
    found = Quarantined(place / folder.name, wall_ns, why.strip(), who.strip())
    with _moves(folder.parent):
        if found.path.exists():
            raise SessionError(
                f"{folder.name}: one of that name is in quarantine already; restore or purge it first"
            )
        with FolderLock(folder), sealer_lock(folder), storage_errors(folder, "discarding"):
            refuse_erased(folder)
            _told(folder, "discarded", found.why, found.who, wall_ns)
            make_folder(place)
            note = {**asdict(found), "path": folder.name}
            write_whole(_note(found.path), sign_json(note))
        with storage_errors(folder, "discarding"):  # with the locks given back: Windows moves no open file
            folder.rename(found.path)
            sync_folder(place)
            sync_folder(folder.parent)
    return found


def quarantined(sessions_folder: Path) -> list[Quarantined]:
    """Discarded sessions of a folder that can still be restored, oldest first."""
    place = sessions_folder / QUARANTINE_FOLDER
    if not place.is_dir():
        return []
    folders = [p for p in place.iterdir() if p.is_dir() and not (p / TOMBSTONE_FILE).is_file()]
    return sorted((_found(p) for p in folders), key=lambda q: (q.discarded_wall_ns or 0, q.path.name))


def restore(sessions_folder: Path, name: str, *, who: str, why: str, wall_ns: int) -> Path:
    """Take a session out of quarantine; returns where it lies.

    Raises:
        ConfigError: nobody signs it.
        SessionError: none of that name is in quarantine, or one lies where it would go.
        StorageError: the folder is not writable.
    """
    _named(sessions_folder, name)
    target = sessions_folder / name
    if not who.strip():
        raise ConfigError(f"{name}: no operator code; say who restores it")
    with _moves(sessions_folder):
        found = _named(sessions_folder, name)
        if target.exists():
            raise SessionError(f"{name}: another of that name lies in {sessions_folder}; move that one first")
        with FolderLock(found.path), storage_errors(found.path, "restoring"):
            refuse_erased(found.path)
            _told(found.path, "restored", why.strip() or "restored", who.strip(), wall_ns)
        with storage_errors(found.path, "restoring"):
            found.path.rename(target)
            sync_folder(target.parent)
            _note(found.path).unlink(missing_ok=True)
            sync_folder(found.path.parent)
    return target


def purge(sessions_folder: Path, wall_ns: int, *, name: str | None = None) -> list[Tombstone]:
    """Erase what was discarded 30 days ago or longer, or the one named at once; each leaves a tombstone.

    Raises:
        SessionError: none of that name is in quarantine.
        StorageError: the folder is not writable.
    """

    def wanted() -> list[Quarantined]:
        if name is not None:
            return [_named(sessions_folder, name)]
        return [q for q in quarantined(sessions_folder) if q.is_due(wall_ns)]

    if not wanted():
        return []
    with _moves(sessions_folder):
        return [_erase(q) for q in wanted()]


def _moves(sessions_folder: Path) -> FolderLock:
    """The right to move sessions into quarantine, out of it, and to erase them there: one at a time."""
    try:
        return FolderLock(sessions_folder, _LOCK, wait_s=_WAIT_S)
    except SessionError as error:
        raise SessionError(
            f"{QUARANTINE_FOLDER}: another window or command is at work in it; try again in a minute",
            advice=error.advice,
        ) from None


def _erase(found: Quarantined) -> Tombstone:
    stone = erase(found.path, why=f"discarded: {found.why or 'no reason kept'}")
    _note(found.path).unlink(missing_ok=True)
    return stone


def _named(sessions_folder: Path, name: str) -> Quarantined:
    for found in quarantined(sessions_folder):
        if found.path.name == name:
            return found
    known = ", ".join(q.path.name for q in quarantined(sessions_folder)) or "none"
    raise SessionError(f"{name}: is not in quarantine; recorder quarantine list shows what is ({known})")


def _found(folder: Path) -> Quarantined:
    try:
        note = read_json(_note(folder))
        return Quarantined(folder, int(note["discarded_wall_ns"]), str(note["why"]), str(note["who"]))
    except (RecorderError, OSError, KeyError, TypeError, ValueError):
        return Quarantined(folder, None)


def _note(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def _told(folder: Path, what: str, why: str, who: str, wall_ns: int) -> None:
    amendments.append(folder, Amendment("quarantine", None, what, who, why, wall_ns))


def _iso(wall_ns: int | None) -> str | None:
    return (
        None if wall_ns is None else datetime.fromtimestamp(wall_ns / 1e9, UTC).isoformat(timespec="seconds")
    )
