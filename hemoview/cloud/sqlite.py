"""What SQLite needs that PostgreSQL does not: its pragmas, and transactions that begin when we say so."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, event
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_WRITES: Final = "hemoview_writes"
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a receipt is a promise: its commit is on the disk before the reply
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
)
_AUDIT_GUARDS: Final = tuple(
    f"CREATE TRIGGER IF NOT EXISTS audit_no_{what} BEFORE {what} ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
    for what in ("update", "delete")
)


class _Connection(sqlite3.Connection):
    """One whose transaction ends with it.

    SQLite keeps a transaction of a closed connection, and its locks, for as long as one of its statements lives; that
    of a cancelled write lives in the traceback of the cancellation. Meanwhile nobody else could write.
    """

    def close(self) -> None:
        """What was not committed is rolled back."""
        with suppress(sqlite3.Error):  # never opened, or closed before
            self.rollback()
        super().close()


class Sqlite:
    """A database in a file.

    Args:
        url: ``sqlite+aiosqlite:///FILE``.
    """

    writer_lock = ""  # ``BEGIN IMMEDIATE``
    places = None  # the lock of its folder
    to_upgrade: tuple[str, ...] = ()
    audit_guards: tuple[str, ...] = _AUDIT_GUARDS

    def __init__(self, url: URL) -> None:
        self.url = url

    def engine_options(self) -> dict[str, Any]:
        """Whose connections it makes."""
        return {"connect_args": {"factory": _Connection}}

    def prepare(self, engine: AsyncEngine) -> None:
        """Transactions begin when we say so; the driver would begin them at the first change, too late to queue."""

        @event.listens_for(engine.sync_engine, "connect")
        def connect(raw: Any, _: Any) -> None:
            raw.isolation_level = None
            cursor = raw.cursor()
            for pragma in _PRAGMAS:
                cursor.execute(pragma)
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def begin(conn: Connection) -> None:
            writes = conn.get_execution_options().get(_WRITES, False)
            conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    async def to_write(self, conn: AsyncConnection) -> AsyncConnection:
        """Its transaction begins as the one that writes."""
        return await conn.execution_options(**{_WRITES: True})

    async def to_read(self, conn: AsyncConnection) -> AsyncConnection:
        """A snapshot from its first statement on, by itself."""
        return conn

    def before_connecting(self) -> None:
        """The file is its owner's alone."""
        if self.url.database not in {None, "", ":memory:"}:
            file = Path(str(self.url.database))
            file.touch(mode=0o600)
            file.chmod(0o600)  # SQLite gives its own files beside it the same rights

    def check(self, conn: Connection) -> None:
        """The pragmas saw to it."""
