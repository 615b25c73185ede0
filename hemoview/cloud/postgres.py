"""What PostgreSQL needs that SQLite does not: how it is reached, what it must promise, and who may write when.

Everything that writes queues at one lock of the database, as it queues in SQLite: the audit chain, one-time codes and
the ledger stay as simple as they are, and a second service on the same database cannot come between. What that costs is
in decision 0052.
"""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import URL, event, make_url
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from recorder.errors import ConfigError
from recorder.transports.tcp import is_loopback

OLDEST: Final = 150000
"""``server_version_num`` of 15.0, the oldest that the tests run on."""
_WRITER: Final = 0x48454D4F
"""Key of the lock of whoever writes: "HEMO"; any number would do that nobody else in the database takes."""
_PLACE: Final = _WRITER + 1
_LEAD: Final = _WRITER + 2
CONNECT_S: Final = 5
"""A server that does not answer is said to be away after so long."""
SILENT_S: Final = 15
"""A server whose machine or network is gone is given up after so long; the system itself waits 15 min."""
LEASE_S: Final = 20
"""A process that hangs and has not looked for its place for so long loses it. Its system would keep the connection
for it for ever, and nobody else could lead."""
WRITES_S: Final = 12
"""A process that is stopped while it holds the lock of whoever writes loses it after so long. The longest that one
honestly asks nothing of the database meanwhile is the ledger's look into the store of blobs, 5 s at most
(``ledger.LOOK_S``). Who waits for the lock waits longer (``lock_timeout``): nobody's writing fails for it (0067)."""
_VERIFYING: Final = frozenset({"verify-ca", "verify-full"})
_SESSION: Final = (
    "-c timezone=UTC -c synchronous_commit=on -c lock_timeout=20s -c statement_timeout=60s "
    "-c idle_in_transaction_session_timeout=60s "
    f"-c tcp_keepalives_idle={SILENT_S // 3} -c tcp_keepalives_interval={SILENT_S // 3} -c tcp_keepalives_count=2"
)
"""A receipt is a promise: its commit is on the disk before the reply. A connection that hangs lets go of its locks, and
one whose machine is gone too: the lead is not held by the dead.
"""

_AUDIT_GUARDS: Final = (
    "CREATE OR REPLACE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = '23000'; END $$",
    "CREATE OR REPLACE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
)

DISK_FULL: Final = "53100"
"""SQLSTATE; PostgreSQL 15 manual, appendix A."""


def url_of(text: str) -> URL:
    """The address as SQLAlchemy wants it, for psycopg.

    Args:
        text: ``postgresql://USER@HOST/DATABASE``; parameters of libpq behind ``?``.

    Raises:
        ConfigError: it is none, or would carry people's data over a network unprotected.
    """
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigError("database_url is no address; postgresql://USER@HOST/DATABASE is wanted") from error
    if url.drivername not in {"postgresql", "postgresql+psycopg"}:
        raise ConfigError(
            f"database_url begins with {url.drivername}://; postgresql:// is wanted, or nothing for SQLite"
        )
    if not _is_local(url) and url.query.get("sslmode") not in _VERIFYING:
        raise ConfigError(
            f"database_url: {url.host} is another machine; add ?sslmode=verify-full&sslrootcert=FILE, so that people's "
            "data goes to it encrypted and to no other"
        )
    return url.set(drivername="postgresql+psycopg")


def _is_local(url: URL) -> bool:
    hosts = [url.host or "", *_several(url.query.get("host", ()))]
    return all(not host or host.startswith("/") or is_loopback(host) for host in hosts)


def _several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Places:
    """Statements that take a lock for as long as the connection lasts, and say whether they could.

    Args:
        alone: of a service that suffers no other.
        beside: of one that suffers others of its kind.
        lead: of the one among these that leads.
        begin: comes before them: who then says nothing for :data:`LEASE_S` loses all of them.
    """

    alone: str
    beside: str
    lead: str
    begin: str


class Postgres:
    """A database on a server.

    Args:
        url: as of :func:`url_of`.
    """

    writer_lock = (
        f"SET LOCAL idle_in_transaction_session_timeout = '{WRITES_S}s'; "
        f"SELECT pg_advisory_xact_lock({_WRITER})"
    )
    to_upgrade: tuple[str, ...] = ("SET LOCAL statement_timeout = 0", writer_lock)
    places = Places(
        alone=f"SELECT pg_try_advisory_lock({_PLACE})",
        beside=f"SELECT pg_try_advisory_lock_shared({_PLACE})",
        lead=f"SELECT pg_try_advisory_lock({_LEAD})",
        begin=f"SET idle_session_timeout = '{LEASE_S}s'",
    )
    audit_guards: tuple[str, ...] = _AUDIT_GUARDS

    def __init__(self, url: URL) -> None:
        self.url = url

    def engine_options(self) -> dict[str, Any]:
        """A connection that died with the server is replaced before it is used."""
        more = _several(self.url.query.get("options", ()))
        told = {
            "options": " ".join([*more, _SESSION]),
            "application_name": "hemoview",
            "connect_timeout": CONNECT_S,
            "keepalives_idle": SILENT_S // 3,
            "keepalives_interval": SILENT_S // 3,
            "keepalives_count": 2,
            "tcp_user_timeout": SILENT_S * 1000,
        }
        return {"connect_args": told, "pool_pre_ping": True, "pool_timeout": CONNECT_S}

    def prepare(self, engine: AsyncEngine) -> None:
        """What becomes of errors."""

        @event.listens_for(engine.sync_engine, "handle_error")
        def shorten(context: ExceptionContext) -> None:
            """The first line of what the server says is kept: those behind it quote what was to be stored."""
            for error in (context.original_exception, context.sqlalchemy_exception):
                if error is not None and error.args:  # a cancelled wait has none
                    error.args = (str(error.args[0]).partition("\n")[0], *error.args[1:])

        @event.listens_for(engine.sync_engine, "handle_error")
        def stay_cancelled(context: ExceptionContext) -> BaseException | None:
            """A cancellation as the driver begins to send several rows comes out as its failed assertion (psycopg
            3.3.9), and would leave a connection to the next one that holds back what it is told."""
            error = context.original_exception
            if not (isinstance(error, AssertionError) and isinstance(error.__context__, CancelledError)):
                return None
            context.is_disconnect, context.invalidate_pool_on_disconnect = True, False
            return CancelledError(*error.__context__.args)

    async def to_write(self, conn: AsyncConnection) -> AsyncConnection:
        """Every statement sees what was committed before it: behind the lock that is everything."""
        return await conn.execution_options(isolation_level="READ COMMITTED")

    async def to_read(self, conn: AsyncConnection) -> AsyncConnection:
        """One snapshot from its first statement on."""
        return await conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def before_connecting(self) -> None:
        """Nothing: whose the database is, its server says."""

    def check(self, conn: Connection) -> None:
        """Whether this server keeps what it promises.

        Raises:
            ConfigError: what is wrong with it and what to do.
        """
        version = int(conn.exec_driver_sql("SHOW server_version_num").scalar_one())
        if version < OLDEST:
            raise ConfigError(f"PostgreSQL {version // 10000} is too old; 15 or newer is wanted")
        if (encoding := conn.exec_driver_sql("SHOW server_encoding").scalar_one()) != "UTF8":
            raise ConfigError(f"the database stores text as {encoding}; make one with ENCODING 'UTF8'")
        for name in ("fsync", "full_page_writes"):
            if conn.exec_driver_sql(f"SHOW {name}").scalar_one() != "on":
                raise ConfigError(
                    f"PostgreSQL runs with {name} = off: what it confirms can be lost with the power; set {name} = on"
                )


def in_words(error: DBAPIError) -> str:
    """What the server or its client library says, on one line; neither repeats a password."""
    return " ".join(str(error.orig).split())
