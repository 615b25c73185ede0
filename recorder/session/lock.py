"""One writer a session: a lock every system has, given back by the system when its process dies.

SQLite's own exclusive file lock on an otherwise empty database: the same code on Linux, Windows and macOS.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from recorder.errors import SessionError
from recorder.session.files import FILE_MODE, storage_errors

WRITER_LOCK = "writer.lock"
"""Held while a session is recorded, recovered or erased."""
SEALER_LOCK = "sealer.lock"
"""Held by the process that seals; one that outlived its recorder is waited for."""


class FolderLock:
    """A lock file of a session folder, held from construction to :meth:`release`.

    Raises:
        SessionError: another process holds it.
        StorageError: the folder is not writable.
    """

    def __init__(self, folder: Path, name: str = WRITER_LOCK, *, wait_s: float = 0.2) -> None:
        path = folder / name
        with storage_errors(folder, f"taking {name}"):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
            self._db = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
            try:
                self._db.execute("PRAGMA journal_mode=MEMORY")  # no file beside the lock
                self._db.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                self._db.close()
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                raise SessionError(
                    f"{folder.name}: being written by another process; stop that recording first",
                    advice="session-in-use",
                ) from error

    def release(self) -> None:
        """Give it back; safe to call twice."""
        self._db.close()
