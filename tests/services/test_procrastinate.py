"""procrastinate on a real PostgreSQL: woken, killed, upgraded, stalled; replicas that make reports."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from hemoview.cloud.database import Database
from hemoview.cloud.jobs import procrastinate_schema
from hemoview.cloud.jobs.in_process import InProcess
from hemoview.cloud.jobs.life import DONE
from hemoview.cloud.jobs.procrastinate_queue import Pace, Procrastinate
from hemoview.cloud.jobs.queue import AGAIN_S, Effect
from hemoview.cloud.service import Service, open_service
from hemoview.cloud.settings import PROCRASTINATE, Settings
from hemoview.cloud.tables import fact
from recorder.errors import ConfigError
from tests.cloud import report_rig
from tests.cloud.cloud_rig import Clock, running
from tests.contracts.job_rig import (
    PACE,
    Counting,
    effects,
    put,
    states,
    until,
    until_over,
    working,
)
from tests.services.postgres_rig import Server, own_server

pytestmark = pytest.mark.services
BACK_S = 10.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with own_server() as server:
        yield server


def settings(folder: Path, url: str, **more: Any) -> Settings:
    keys = folder.parent / "keys"
    return Settings(folder=folder, database_url=url, keys_folder=keys, jobs=PROCRASTINATE, **more)


async def opened(folder: Path, url: str, pace: Pace | None = None) -> tuple[Service, Procrastinate]:
    service = await open_service(settings(folder, url))
    queue = Procrastinate(service, pace=pace)
    await queue.prepare()
    return service, queue


async def deliveries(db: Database) -> int:
    async with db.read() as conn:
        return int((await conn.exec_driver_sql("SELECT count(*) FROM procrastinate_jobs")).scalar_one())


def test_a_put_wakes_the_worker_and_what_is_over_leaves_no_delivery(server: Server, tmp_path: Path) -> None:
    async def run(url: str) -> None:
        service, queue = await opened(tmp_path / "service", url, Pace(poll_s=60.0))
        handler = Counting()
        queue.serve("count", handler)
        await put(service, queue, 0)
        async with working(queue):
            await until_over(service)
            for n in range(1, 4):
                await put(service, queue, n)
                await until_over(service, within_s=5)
            await until(lambda: _none_left(service.db))
        assert await effects(service) == [0, 1, 2, 3]
        await service.close()

    asyncio.run(run(server.fresh("woken")))


class Released(Counting):
    """Each ends when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = asyncio.Event()

    async def work(self, service: Service, body: dict[str, Any]) -> Effect:
        effect = await super().work(service, body)
        await self.may_end.wait()
        return effect


def test_a_server_that_is_killed_and_comes_back_finds_jobs_and_worker_at_work(
    server: Server, tmp_path: Path
) -> None:
    """At the pace of the product. What ends while it is away is done again, what does not end meanwhile goes on."""

    async def run(url: str) -> None:
        service, queue = await opened(tmp_path / "service", url)
        handler = Released()
        queue.serve("count", handler)
        async with working(queue):
            await put(service, queue, 1)
            await until(handler.has_begun)
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(6.0)  # its heart would have stopped
            await asyncio.to_thread(server.start)
            handler.may_end.set()
            await put(service, queue, 2)
            await until_over(service, within_s=BACK_S)
            handler.may_end.clear()
            await put(service, queue, 3)
            await until(lambda: _true(handler.tries == 3))
            await asyncio.to_thread(server.kill)
            handler.may_end.set()
            await asyncio.sleep(1.0)
            await asyncio.to_thread(server.start)
            await put(service, queue, 4)
            await until_over(service, within_s=BACK_S)
        assert await effects(service) == [1, 2, 3, 4]
        assert await states(service) == [(DONE, 1), (DONE, 1), (DONE, 2), (DONE, 1)]
        await service.close()

    asyncio.run(run(server.fresh("killed")))


def test_a_server_that_comes_back_is_listened_to_again(server: Server, tmp_path: Path) -> None:
    async def run(url: str) -> None:
        service, queue = await opened(tmp_path / "service", url, Pace(poll_s=60.0))
        queue.serve("count", Counting())
        async with working(queue):
            await put(service, queue, 1)
            await until_over(service)
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(1.0)
            await asyncio.to_thread(server.start)
            await asyncio.sleep(3.0)
            await put(service, queue, 2)
            await until_over(service, within_s=5)
        assert await effects(service) == [1, 2]
        await service.close()

    asyncio.run(run(server.fresh("heard")))


def test_a_worker_says_that_it_lives_while_it_works(server: Server, tmp_path: Path) -> None:
    """Also where procrastinate itself does so no more: nobody takes its job away."""

    async def run(url: str) -> None:
        service, queue = await opened(tmp_path / "service", url, Pace(beat_s=600.0, dead_s=1.0, mend_s=0.2))
        handler = Released()
        queue.serve("count", handler)
        await put(service, queue, 1)
        async with working(queue):
            await until(handler.has_begun)
            await asyncio.sleep(2.0)
            handler.may_end.set()
            await until_over(service)
        assert await effects(service) == [1] and await states(service) == [(DONE, 1)]
        await service.close()

    asyncio.run(run(server.fresh("heart")))


def test_jobs_that_another_kind_of_queue_put_are_delivered(server: Server, tmp_path: Path) -> None:
    """And the other way round: who changes the setting loses nothing."""

    async def run(url: str) -> None:
        service, queue = await opened(tmp_path / "service", url, PACE)
        before = InProcess(service, AGAIN_S)
        await put(service, before, 1)
        await put(service, queue, 2)
        queue.serve("count", Counting())
        async with working(queue):
            await until_over(service)
        await put(service, queue, 3)
        before.serve("count", Counting())
        async with working(before):
            await until_over(service)
        async with working(queue):
            await until(lambda: _none_left(service.db))
        assert await effects(service) == [1, 2, 3]
        await service.close()

    asyncio.run(run(server.fresh("changed")))


def test_an_older_queue_is_brought_up_and_a_newer_or_a_strange_one_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = procrastinate_schema.migrations()
    older = next(name for name in names if name.startswith("03.00.00_50"))

    async def made(db: Database, *upto: str) -> None:
        folder = Path(procrastinate_schema.SchemaManager.get_migrations_path())
        for name in upto:
            async with db.begin() as conn:
                plain = await conn.execution_options(no_parameters=True)
                await plain.exec_driver_sql((folder / name).read_text("utf-8"))

    async def is_named(service: Service, name: str) -> None:
        async with service.db.begin() as conn:
            await conn.execute(update(fact).where(fact.c.name == "procrastinate").values(value=name))

    async def run(url: str) -> None:
        service = await open_service(settings(tmp_path / "service", url))
        await made(service.db, *(name for name in names if name <= older))
        queue = Procrastinate(service, pace=PACE)
        with pytest.raises(ConfigError, match="of its own"):
            await queue.prepare()
        async with service.db.begin() as conn:
            await conn.execute(fact.insert().values(name="procrastinate", value=older))
        for _ in range(2):
            await queue.prepare()
        async with service.db.read() as conn:
            known = select(fact.c.value).where(fact.c.name == "procrastinate")
            assert (await conn.execute(known)).scalar() == names[-1]
        queue.serve("count", Counting(ValueError("x")))
        queue._life._again_s = (0.1,)
        await put(service, queue, 1)
        async with working(queue):
            await until_over(service)
        assert await states(service) == [(DONE, 2)]
        await is_named(service, "99.00.00_01_later.sql")
        with pytest.raises(ConfigError, match="newer procrastinate"):
            await queue.prepare()
        await service.close()

    asyncio.run(run(server.fresh("older")))


def test_a_service_makes_its_reports_by_it(server: Server, tmp_path: Path) -> None:
    url = server.fresh("reports")
    with running(settings(tmp_path / "service", url), Clock()) as rig:
        ward = rig.ward("A")
        sender = report_rig.handed_over(rig, tmp_path / "S-1")
        clinician = rig.person("c", ("clinician", ward))
        assert report_rig.made(rig, clinician, sender.session_id)["state"] == "draft"


async def _true(is_so: bool) -> bool:
    return is_so


async def _none_left(db: Database) -> bool:
    return await deliveries(db) == 0
