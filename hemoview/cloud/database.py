"""The database: one engine, transactions that write one at a time where the database wants that, and its upgrade."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from recorder.errors import ConfigError

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_WRITES: Final = "hemoview_writes"
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a receipt is a promise: its commit is on the disk before the reply
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
)

_APPEND_ONLY: Final = tuple(
    f"CREATE TRIGGER IF NOT EXISTS audit_no_{what} BEFORE {what} ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
    for what in ("update", "delete")
)
"""PostgreSQL says this by the rights of the service's role."""


class Database:
    """Transactions over one engine.

    Args:
        url: of SQLAlchemy, an asyncio driver.
    """

    def __init__(self, url: str) -> None:
        self._lite = url.startswith("sqlite")
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=8,
            max_overflow=8,
            hide_parameters=True,  # a traceback in the log holds no pseudonym and no hash
        )
        self._one_writer = asyncio.Lock()
        if self._lite:
            _prepare_sqlite(self.engine)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write; committed at the end, rolled back by an exception.

        SQLite takes one writer: they queue here, in order, rather than at its busy handler, which starves some.
        """
        if not self._lite:
            async with self.engine.begin() as conn:
                yield conn
            return
        async with self._one_writer, self.engine.connect() as plain:
            conn = await plain.execution_options(**{_WRITES: True})
            async with conn.begin():
                yield conn

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent look; nothing is written."""
        async with self.engine.connect() as conn:
            yield conn

    async def upgrade(self) -> None:
        """Bring the tables to this version's form; a file of SQLite is its owner's alone."""
        if self._lite and self.engine.url.database not in {None, "", ":memory:"}:
            file = Path(str(self.engine.url.database))
            file.touch(mode=0o600)
            file.chmod(0o600)  # SQLite gives its own files beside it the same rights
        async with self.engine.connect() as conn:
            await conn.run_sync(_upgrade)
            for statement in _APPEND_ONLY if self._lite else ():
                await conn.exec_driver_sql(statement)
            await conn.commit()

    async def close(self) -> None:
        """Let go of every connection."""
        await self.engine.dispose()


async def insert_new(conn: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose key is not there yet; the others are left as they are."""
    if rows:
        await conn.execute(_insert(conn, table).on_conflict_do_nothing(), rows)


async def upsert(conn: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or change those whose primary key is there already. All of them name the same columns."""
    if rows:
        made = _insert(conn, table)
        keys = [column.name for column in table.primary_key]
        changed = {name: made.excluded[name] for name in rows[0] if name not in keys}
        await conn.execute(made.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def _insert(conn: AsyncConnection, table: Table) -> Any:
    """SQLite and PostgreSQL have the same clause for a key that is there, SQL has none."""
    return (sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert)(table)


def _upgrade(conn: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = conn
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if set(MigrationContext.configure(conn).get_current_heads()) - known:
        raise ConfigError("the service's database was written by a newer HemoView; update this one")
    command.upgrade(config, "head")


def _prepare_sqlite(engine: AsyncEngine) -> None:
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
