"""Where many files are made that must appear whole or not at all: a hidden folder beside what they become.

A process that is killed leaves its hidden folder behind, with samples of people in it. It is told from one in use by a
lock that the system gives back, and taken away by whoever works there next.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from recorder.errors import RecorderError, StorageError
from recorder.private_folder import FOLDER_MODE
from recorder.session.files import storage_errors
from recorder.session.lock import FolderLock

MADE: Final = "made"
_LOCK: Final = "in-use.lock"
_SUFFIX: Final = ".part"
_TRIES: Final = 3


@contextlib.contextmanager
def workplace(beside: Path, doing: str) -> Iterator[Path]:
    """An empty owner-only folder in the folder of ``beside``, gone in the end whatever happens.

    Args:
        beside: what will be made; what was left of an earlier try at anything beside it is taken away.
        doing: for the error, as in "exporting".

    Raises:
        StorageError: the disk refuses.
    """
    with storage_errors(beside.parent, doing, whole=True):
        if beside.parent.exists() and not beside.parent.is_dir():
            raise StorageError(f"{beside.parent}: is a file and no folder; name another place")
        beside.parent.mkdir(parents=True, exist_ok=True)
        _sweep(beside.parent)
        place, lock = _locked(beside)
        made = place / MADE
        made.mkdir(mode=FOLDER_MODE)
    try:
        yield made
    finally:
        if lock is not None:
            lock.release()
        shutil.rmtree(place, ignore_errors=True)


def is_left(path: Path) -> bool:
    """Whether something in a folder is a workplace, in use or left behind."""
    return path.name.startswith(".") and path.name.endswith(_SUFFIX) and path.is_dir()


def _locked(beside: Path) -> tuple[Path, FolderLock | None]:
    """A workplace that is ours. Somebody who sweeps may have taken it for a left one before it was locked: another."""
    for _ in range(_TRIES):
        place = beside.parent / f".{beside.name[:80]}-{uuid.uuid4().hex[:8]}{_SUFFIX}"
        place.mkdir(mode=FOLDER_MODE)
        try:
            lock = FolderLock(place, _LOCK)
        except RecorderError:
            if place.exists():  # a disk without locks, such as some shares: nobody else gets one either
                return place, None
            continue
        if (place / _LOCK).exists():
            return place, lock
        lock.release()
    place.mkdir(mode=FOLDER_MODE, exist_ok=True)
    return place, None


def _sweep(folder: Path) -> None:
    """Take away what killed processes left; what is in use, or cannot be told, stays."""
    for left in folder.glob(f".*{_SUFFIX}"):
        if not (left / _LOCK).is_file():
            continue
        with contextlib.suppress(RecorderError, OSError), FolderLock(left, _LOCK, wait_s=0.0):
            shutil.rmtree(left, ignore_errors=True)
