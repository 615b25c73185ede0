"""The database: one engine, transactions that write one at a time, and its upgrade."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hemoview.cloud.postgres import Places, Postgres, in_words, url_of
from hemoview.cloud.sqlite import Sqlite
from recorder.errors import ConfigError

CLOSED_WITHIN_S: Final = 12.0
"""A statement of SQLite waits 10 s for a lock at most. The driver waits for ever where a connection that it was told to
stop meanwhile is closed (aiosqlite 0.22); all that was committed is on the disk by then."""
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_given_up: Final[set[asyncio.Task[Any]]] = set()
T = TypeVar("T")

log = logging.getLogger(__name__)


class Kind(Protocol):
    """What differs between databases."""

    url: URL
    writer_lock: str
    """First statement of a transaction that may write: it waits until nobody else writes. Empty: it begins so."""
    to_upgrade: tuple[str, ...]
    """First statements of an upgrade: nobody else writes meanwhile, and it may take its time."""
    audit_guards: tuple[str, ...]
    """Statements that make it refuse changes to the audit log."""

    @property
    def places(self) -> Places | None:
        """Locks by which services on one database find their places. None: something else keeps others away."""

    def engine_options(self) -> dict[str, Any]:
        """Arguments of ``create_async_engine``."""

    def prepare(self, engine: AsyncEngine) -> None:
        """What its connections are told."""

    def before_connecting(self) -> None:
        """Before the first connection of an upgrade."""

    async def to_write(self, conn: AsyncConnection) -> AsyncConnection:
        """A connection whose transaction may write."""

    async def to_read(self, conn: AsyncConnection) -> AsyncConnection:
        """A connection whose transaction sees one state."""

    def check(self, conn: Connection) -> None:
        """Raises ConfigError where it cannot keep a promise."""


class Database:
    """Transactions over one engine.

    Args:
        url: ``sqlite+aiosqlite:///FILE`` or ``postgresql://USER@HOST/DATABASE``.

    Raises:
        ConfigError: it is neither, or unsafe.
    """

    def __init__(self, url: str) -> None:
        self._kind: Kind = Sqlite(make_url(url)) if url.startswith("sqlite+") else Postgres(url_of(url))
        self.engine: AsyncEngine = create_async_engine(
            self._kind.url,
            pool_size=8,
            max_overflow=8,
            hide_parameters=True,  # a traceback in the log holds no pseudonym and no hash
            **self._kind.engine_options(),
        )
        self._one_writer = asyncio.Lock()
        self._lease: AsyncConnection | None = None
        self._kind.prepare(self.engine)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write; committed at the end, rolled back by an exception.

        One writes at a time: they queue here, in order. At SQLite's busy handler some would starve; at PostgreSQL's
        lock those that wait would take every connection from those that read.
        """
        async with self._one_writer, self.engine.connect() as plain:
            conn = await self._kind.to_write(plain)
            async with conn.begin():
                if self._kind.writer_lock:
                    await conn.exec_driver_sql(self._kind.writer_lock)
                yield conn

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent look; nothing is written."""
        async with self.engine.connect() as plain:
            yield await self._kind.to_read(plain)

    async def upgrade(self) -> None:
        """Bring the tables to this version's form.

        Raises:
            ConfigError: it cannot be reached, or does not keep its promises.
        """
        self._kind.before_connecting()
        try:
            async with self.engine.connect() as plain:
                conn = await self._kind.to_write(plain)
                await conn.run_sync(self._kind.check)
                await conn.rollback()
                await conn.run_sync(self._upgrade)
                await conn.commit()
        except DBAPIError as error:
            raise ConfigError(
                f"the database cannot be used: {in_words(error)}; check database_url"
            ) from error

    def _upgrade(self, conn: Connection) -> None:
        for statement in self._kind.to_upgrade:
            conn.exec_driver_sql(statement)
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = conn
        known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
        if set(MigrationContext.configure(conn).get_current_heads()) - known:
            raise ConfigError("the service's database was written by a newer HemoView; update this one")
        command.upgrade(config, "head")
        for statement in self._kind.audit_guards:
            conn.exec_driver_sql(statement)

    @property
    def libpq(self) -> dict[str, Any]:
        """Arguments of ``psycopg.connect``, for a library with connections of its own to the same server."""
        options: dict[str, Any] = self._kind.engine_options().get("connect_args", {})
        return {**self.engine.dialect.create_connect_args(self.engine.url)[1], **options}

    @property
    def places(self) -> Places | None:
        """See :class:`Kind`."""
        return self._kind.places

    async def hold(self, lock: str) -> bool:
        """Take one of :attr:`places` where it is free, until :meth:`let_go`; who has it may take it again."""
        if self._lease is None:
            self._lease = await (await self.engine.connect()).execution_options(isolation_level="AUTOCOMMIT")
            if self.places is not None:
                await self._lease.exec_driver_sql(self.places.begin)
        return bool((await self._lease.exec_driver_sql(lock)).scalar_one())

    async def let_go(self) -> None:
        """Of all places."""
        if self._lease is not None:
            left, self._lease = self._lease, None
            # the locks go with the connection, so it must not go back to the pool
            with suppress(DBAPIError, OSError):
                await left.invalidate()
                await left.close()

    async def close(self) -> None:
        """Let go of every connection; one that does not close is left to the end of the process."""
        await self.let_go()
        try:
            await answered_within(CLOSED_WITHIN_S, self.engine.dispose())
        except TimeoutError:
            log.warning("a connection to the database did not close; it ends with the process")


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


def insert_or(conn: AsyncConnection, table: Table, row: Mapping[str, Any], changes: Mapping[str, Any]) -> Any:
    """Statement that inserts a row, or makes ``changes`` to the one with its primary key."""
    keys = [column.name for column in table.primary_key]
    return _insert(conn, table).values(**row).on_conflict_do_update(index_elements=keys, set_=dict(changes))


def _insert(conn: AsyncConnection, table: Table) -> Any:
    """SQLite and PostgreSQL have the same clause for a key that is there, SQL has none."""
    return (sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert)(table)


async def answered_within(seconds: float, question: Coroutine[Any, Any, T]) -> T:
    """What ``question`` gives. ``asyncio.timeout`` is not enough for one to the database: a server that hangs does not
    answer to a cancellation either, so that is not waited for.

    Raises:
        TimeoutError: nothing came; what ``question`` holds it lets go when the server goes on.
    """
    asking = asyncio.ensure_future(question)
    try:
        done, _ = await asyncio.wait({asking}, timeout=seconds)
        if done:
            return asking.result()
        raise TimeoutError
    finally:
        if not asking.done():
            asking.cancel()
            _given_up.add(asking)
            asking.add_done_callback(_forget)


def _forget(asked: asyncio.Task[Any]) -> None:
    _given_up.discard(asked)
    if not asked.cancelled():
        asked.exception()  # nobody is left who would want to know
