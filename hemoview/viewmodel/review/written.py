"""Is a session being recorded now? Looks without taking anything."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from recorder.session.lock import WRITER_LOCK


def being_written(folder: Path) -> bool:
    """Does a process hold the session's writer lock? Looks without taking it."""
    path = folder / WRITER_LOCK
    if not path.is_file():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0)) as lock:
            lock.execute("SELECT 1 FROM sqlite_master").fetchall()
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    except sqlite3.DatabaseError:
        return False
    return False
