"""One writer a session: a lock every system has, given back by the system when its process dies.

SQLite's own exclusive file lock on an otherwise empty database: the same code on Linux, Windows and macOS.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Self

from recorder.errors import SessionError
from recorder.session.files import FILE_MODE, storage_errors

WRITER_LOCK = "writer.lock"
"""Held while a session is recorded, recovered or erased."""
SEALER_LOCK = "sealer.lock"
"""Held by the process that seals; one that outlived its recorder is waited for."""
SEALER_WAIT_S = 60.0


class FolderLock:
    """A lock file of a session folder, held from construction to :meth:`release`.

    Raises:
        SessionError: another process holds it.
        StorageError: the folder is not writable.
    """

    def __init__(self, folder: Path, name: str = WRITER_LOCK, *, wait_s: float = 0.2) -> None:
        path = folder / name
        with storage_errors(folder, f"taking {name}"):
            _make(path)
            self._db = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
            try:
                self._db.execute("PRAGMA journal_mode=MEMORY")  # no file beside the lock
                self._db.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                self._db.close()
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                raise _in_use(folder, name, wait_s) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give it back; safe to call twice."""
        self._db.close()


def sealer_lock(folder: Path) -> FolderLock:
    """The right to seal, close or take away what the journal of ``folder`` holds.

    Raises:
        SessionError: a sealer, perhaps of a recorder that was killed, did not end within :data:`SEALER_WAIT_S`.
        StorageError: the folder is not writable.
    """
    return FolderLock(folder, SEALER_LOCK, wait_s=SEALER_WAIT_S)


def _make(path: Path) -> None:
    """Only where it is missing: POSIX takes all locks of a process on a file away when any descriptor of it closes,
    so a second look at a lock held by this very process would give it to others.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE))


def _in_use(folder: Path, name: str, wait_s: float) -> SessionError:
    if name == SEALER_LOCK:
        return SessionError(
            f"{folder.name}: its sealer is still at work after {wait_s:g} s; see whether the disk answers, try again",
            advice="session-in-use",
        )
    return SessionError(
        f"{folder.name}: being written by another process; stop that recording first", advice="session-in-use"
    )
