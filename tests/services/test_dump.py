"""A database of PostgreSQL into a file and back; a try that has to be taken back leaves room for the next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from hemoview.cloud.custody import dump
from hemoview.cloud.database import Database
from hemoview.cloud.tables import fact
from recorder.errors import ConfigError, StorageError
from tests.services.postgres_rig import Server, own_server

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with own_server() as server:
        yield server


async def _with_a_fact(url: str) -> None:
    db = Database(url)
    await db.upgrade()
    async with db.begin() as conn:
        await conn.execute(insert(fact).values(name="a", value="1"))
    await db.close()


async def _facts(url: str) -> list[str]:
    db = Database(url)
    async with db.read() as conn:
        found = list((await conn.execute(select(fact.c.name))).scalars())
    await db.close()
    return found


def test_what_was_taken_back_can_be_put_back_again(server: Server, tmp_path: Path) -> None:
    source, target = server.fresh("source"), server.fresh("target")
    asyncio.run(_with_a_fact(source))
    facts, blobs = dump.dump(
        source,
        tmp_path / "d",
        {"a": "SELECT value FROM fact WHERE name = 'a'"},
        "SELECT sha256, bytes FROM blob",
    )
    assert (facts, blobs) == ({"a": "1"}, {})
    for _ in range(2):
        dump.put_back(target, tmp_path / "d")
        assert asyncio.run(_facts(target)) == ["a"]
        with pytest.raises(ConfigError, match="empty database"):
            dump.put_back(target, tmp_path / "d")
        dump.empty(target)


def test_a_file_that_is_no_dump_changes_nothing(server: Server, tmp_path: Path) -> None:
    target = server.fresh("untouched")
    (tmp_path / "d").write_bytes(b"no dump")
    with pytest.raises(StorageError, match="pg_restore failed"):
        dump.put_back(target, tmp_path / "d")
    asyncio.run(_with_a_fact(target))
