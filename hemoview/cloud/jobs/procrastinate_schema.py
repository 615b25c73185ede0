"""The tables and functions that procrastinate has in the service's database, of the version that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from procrastinate.schema import SchemaManager
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.database import Database, upsert
from hemoview.cloud.tables import fact
from recorder.errors import ConfigError

FACT: Final = "procrastinate"
"""Row of ``fact`` with the last of its migrations that the database has: it keeps no record of them itself."""
_THERE: Final = "SELECT to_regclass('procrastinate_jobs') IS NOT NULL"


def migrations() -> list[str]:
    """Names of all that the installed version knows, in the order in which they are applied."""
    return sorted(path.name for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))


async def bring_up(db: Database) -> None:
    """Make them, or bring them to the installed version; nobody else writes meanwhile.

    Each step is a transaction with its record: PostgreSQL lets nobody use a new value of an enumeration before that.

    Raises:
        ConfigError: they are of a newer version, or were not made by a service.
    """
    is_whole = False
    while not is_whole:
        async with db.begin() as conn:
            is_whole = await _step(conn)


async def _step(conn: AsyncConnection) -> bool:
    """One of those that are lacking; True: none is."""
    await conn.exec_driver_sql("SET LOCAL statement_timeout = 0")
    has = (await conn.execute(select(fact.c.value).where(fact.c.name == FACT))).scalar()
    names = migrations()
    if has == names[-1]:
        return True
    if has is None:
        await _refuse_strangers(conn)
        script, comes_to = SchemaManager.get_schema(), names[-1]
    elif has in names:
        comes_to = names[names.index(has) + 1]
        script = (Path(SchemaManager.get_migrations_path()) / comes_to).read_text("utf-8")
    else:
        raise ConfigError(
            "the queue of jobs in the service's database was written by a newer procrastinate; update this service"
        )
    plain = await conn.execution_options(
        no_parameters=True
    )  # several statements; % is a letter like any other
    await plain.exec_driver_sql(script)
    await upsert(conn, fact, [{"name": FACT, "value": comes_to}])
    return False


async def _refuse_strangers(conn: AsyncConnection) -> None:
    if (await conn.exec_driver_sql(_THERE)).scalar_one():
        raise ConfigError(
            "database_url: holds a queue of procrastinate that is not this service's; give the service a database of "
            "its own"
        )
