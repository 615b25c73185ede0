"""Erase a session: no sample is left, and a tombstone says what, when and why."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recorder.clock import Clock
from recorder.errors import ConfigError, SessionDamaged, SessionError
from recorder.session.files import read_json, sign_json, storage_errors, sync_folder, write_whole
from recorder.session.header import FORMAT, TOMBSTONE_FILE
from recorder.session.lock import SEALER_LOCK, WRITER_LOCK, FolderLock, sealer_lock
from recorder.session.salvage import card_from_anywhere, salvage_journal
from recorder.session.stored import read_stored

_LOCKS = (WRITER_LOCK, SEALER_LOCK)


@dataclass(frozen=True)
class Tombstone:
    """What is left of an erased session: no samples, no events, nothing about the subject.

    Args:
        session_id: which session.
        erased_wall_ns: when, UTC ns since 1970.
        why: reason given by the person who erased it.
        streams: rows per stream that were erased.
        files, bytes: how much.
    """

    session_id: str
    erased_wall_ns: int
    why: str
    streams: dict[str, int]
    files: int
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def erase(path: Path | str, *, why: str, still: Callable[[], bool] = lambda: True) -> Tombstone:
    """Erase a session. The tombstone is written first: an erasure that was interrupted goes on when called again.

    Args:
        why: stays in the tombstone.
        still: asked once nobody else can write it any more; False: it is left as it is.

    Raises:
        ConfigError: no reason given.
        SessionError: it is not ``still`` so, no session here, a recorder is writing it, or the sealer of a killed one
            does not end.
        StorageError: the folder is not writable.
    """
    folder = Path(path)
    if not why.strip():
        raise ConfigError(f"{folder.name}: say why it is erased; the reason stays in its tombstone")
    stone = _earlier(folder) or _describe(folder, why.strip())
    with FolderLock(folder), sealer_lock(folder), storage_errors(folder, "erasing"):
        if not still():
            raise SessionError(f"{folder.name}: was changed in this very moment, so it was not erased")
        stone = _earlier(folder) or stone  # who was erasing it at the same moment gave the reason
        write_whole(folder / TOMBSTONE_FILE, sign_json({"format": FORMAT, **stone.to_json()}))
        _remove_all(folder)
    with storage_errors(folder, "erasing"):
        for name in _LOCKS:
            (folder / name).unlink(missing_ok=True)
        sync_folder(folder)
    return stone


def _earlier(folder: Path) -> Tombstone | None:
    path = folder / TOMBSTONE_FILE
    if not path.is_file():
        return None
    value = read_json(path)
    return Tombstone(**{k: value[k] for k in Tombstone.__dataclass_fields__})


def _describe(folder: Path, why: str) -> Tombstone:
    files = [p for p in folder.rglob("*") if p.is_file()]
    size = sum(p.stat().st_size for p in files)
    card = card_from_anywhere(folder, salvage_journal(folder))
    rows = {info.stream_id: 0 for info in card.streams}
    try:
        for row in read_stored(folder).segments:
            if row.stream_id in rows:
                rows[row.stream_id] += row.rows
    except SessionDamaged:
        rows = {}
    wall_ns = Clock.from_environment().wall_ns()
    return Tombstone(card.header.session_id, wall_ns, why, rows, len(files), size)


def _remove_all(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in (TOMBSTONE_FILE, *_LOCKS):
            path.unlink()
    sync_folder(folder)
