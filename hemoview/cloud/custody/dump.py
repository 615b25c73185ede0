"""A database on a server into a file and back, by PostgreSQL's own programs, as of one moment."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, MetaData
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.database import Database
from recorder.errors import ConfigError, StorageError
from recorder.session.files import sync_folder

DUMP: Final = "service.pgdump"
_TABLES: Final = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()"
_ROUTINES: Final = (
    "SELECT 'DROP ROUTINE ' || oid::regprocedure || ' CASCADE' FROM pg_proc "
    "WHERE pronamespace = current_schema()::regnamespace AND NOT EXISTS ("
    "SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')"
)
_TYPES: Final = (
    "SELECT 'DROP TYPE ' || oid::regtype FROM pg_type "
    "WHERE typnamespace = current_schema()::regnamespace AND typelem = 0 AND NOT EXISTS ("
    "SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = pg_type.oid AND deptype = 'e')"
)
"""Statements that drop what there is beside tables; not what an extension brought, which an empty database may have."""


def dump(url: str, target: Path, facts: dict[str, str], blobs: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Write the dump; the service may run meanwhile.

    Args:
        url: of the database.
        target: the file.
        facts: name → query of one value.
        blobs: query of ids and sizes.

    Returns:
        Facts and blobs of the very moment that the dump is of.

    Raises:
        ConfigError: ``pg_dump`` is not here.
        StorageError: it failed.
    """
    return asyncio.run(_dump(url, target, facts, blobs))


async def _dump(
    url: str, target: Path, facts: dict[str, str], blobs: str
) -> tuple[dict[str, Any], dict[str, int]]:
    part = target.with_name(target.name + ".part")
    part.touch(mode=0o600)
    db = Database(url)
    try:
        async with db.read() as conn:
            await conn.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            moment = (await conn.exec_driver_sql("SELECT pg_export_snapshot()")).scalar_one()
            found = {name: (await conn.exec_driver_sql(query)).scalar() for name, query in facts.items()}
            there = {row.sha256: row.bytes for row in await conn.exec_driver_sql(blobs)}
            words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={moment}"]
            await asyncio.to_thread(_run, "pg_dump", db.engine.url, [*words, f"--file={part}"])
    finally:
        await db.close()
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)
    sync_folder(target.parent)
    return found, there


def put_back(url: str, source: Path) -> None:
    """Fill an empty database.

    Raises:
        ConfigError: it is not empty, or ``pg_restore`` is not here.
        StorageError: it failed; nothing was changed.
    """
    asyncio.run(_put_back(url, source))


async def _put_back(url: str, source: Path) -> None:
    db = Database(url)
    try:
        async with db.read() as conn:
            if (await conn.exec_driver_sql(_TABLES)).scalar_one():
                raise ConfigError(
                    "database_url: holds a service already, or something else; make an empty database and name that"
                )
        words = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(source)]
        await asyncio.to_thread(_run, "pg_restore", db.engine.url, words)
    finally:
        await db.close()


def empty(url: str) -> None:
    """Take out again what :func:`put_back` put in: all of it, for the database was empty, and may be of a newer version
    whose tables are not known here."""
    asyncio.run(_empty(url))


async def _empty(url: str) -> None:
    db = Database(url)
    try:
        async with db.begin() as conn:
            await _drop(conn, _ROUTINES)  # first: one of them returns rows of a table
            await conn.run_sync(_drop_all)
            await _drop(conn, _TYPES)
    finally:
        await db.close()


async def _drop(conn: AsyncConnection, what: str) -> None:
    for statement in (await conn.exec_driver_sql(what)).scalars().all():
        await conn.exec_driver_sql(statement)


def _drop_all(conn: Connection) -> None:
    there = MetaData()
    there.reflect(conn)
    there.drop_all(conn)


def _run(program: str, url: URL, words: list[str]) -> None:
    found = shutil.which(program)
    if found is None:
        raise ConfigError(f"{program} is not here; on Debian: apt-get install postgresql-client")
    bare = url.set(drivername="postgresql", password=None).render_as_string()
    environment = os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})
    told = subprocess.run(
        [found, f"--dbname={bare}", *words], env=environment, capture_output=True, text=True, check=False
    )
    if told.returncode:
        raise StorageError(f"{program} failed: {' '.join(told.stderr.split())[:400]}")
