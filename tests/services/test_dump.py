"""A database of PostgreSQL into a file and back; a try that has to be taken back leaves room for the next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from hemoview.cloud.custody import dump
from hemoview.cloud.database import Database
from hemoview.cloud.jobs.procrastinate_queue import Procrastinate
from hemoview.cloud.service import open_service
from hemoview.cloud.settings import PROCRASTINATE, Settings
from hemoview.cloud.tables import fact
from recorder.errors import ConfigError, StorageError
from tests.contracts.job_rig import PACE, Counting, Hanging, effects, put, until, until_over, working
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


def test_a_queue_of_jobs_comes_back_with_its_database(server: Server, tmp_path: Path) -> None:
    """Also from the middle of a job; and what was taken back leaves room for the next."""
    source, target = server.fresh("busy"), server.fresh("quiet")

    def settings(url: str) -> Settings:
        return Settings(folder=tmp_path / "service", database_url=url, jobs=PROCRASTINATE)

    async def dump_in_the_middle() -> None:
        service = await open_service(settings(source))
        queue, handler = Procrastinate(service, pace=PACE), Hanging()
        await queue.prepare()
        queue.serve("count", handler)
        await put(service, queue, 1, 2)
        async with working(queue):
            await until(handler.has_begun)
            await asyncio.to_thread(dump.dump, source, tmp_path / "d", {}, "SELECT sha256, bytes FROM blob")
        await service.close()

    async def go_on() -> None:
        service = await open_service(settings(target))
        queue = Procrastinate(service, pace=PACE)
        await queue.prepare()
        queue.serve("count", Counting())
        async with working(queue):
            await until_over(service)
        assert await effects(service) == [1, 2]
        await service.close()

    asyncio.run(dump_in_the_middle())
    dump.put_back(target, tmp_path / "d")
    dump.empty(target)
    dump.put_back(target, tmp_path / "d")
    asyncio.run(go_on())
