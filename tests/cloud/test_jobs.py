"""The queue: nothing lost over a kill, nothing twice, failures tried again and in the end given up in words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.jobs.queue import DONE, FAILED, RUNNING, Effect, Hopeless, InProcess
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service, open_service
from hemoview.cloud.settings import Settings
from hemoview.cloud.tables import fact, job


class Counting:
    """Writes a row for every effect; fails as it is told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures, self.tries, self.given_up = list(failures), 0, [""][:0]

    async def work(self, service: Service, body: dict[str, Any]) -> Effect:
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        name = f"effect-{body['n']}-{self.tries}"

        async def effect(conn: AsyncConnection) -> None:
            await conn.execute(insert(fact).values(name=name, value="x"))

        return effect

    async def give_up(self, conn: AsyncConnection, body: dict[str, Any], why: str) -> None:
        self.given_up.append(why)


async def states(service: Service) -> list[tuple[str, int]]:
    async with service.db.read() as conn:
        return [
            (row.state, row.attempts) for row in await conn.execute(select(job).order_by(job.c.created_us))
        ]


async def effects(service: Service) -> int:
    async with service.db.read() as conn:
        names = (await conn.execute(select(fact.c.name))).scalars().all()
    return sum(name.startswith("effect-") for name in names)


async def until_still(service: Service, handler: Counting, *, first: bool = True) -> None:
    queue = InProcess(service, again_s=(0.01, 0.01))
    queue.serve("count", handler)
    if first:
        async with service.db.begin() as conn:
            await queue.put(conn, "count", {"n": 1})
    task = asyncio.create_task(queue.keep_working())
    for _ in range(500):
        await asyncio.sleep(0.01)
        if all(state in (DONE, FAILED) for state, _ in await states(service)):
            break
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("failures", "state", "attempts", "said"),
    [
        ((), DONE, 1, ""),
        ((ValueError("x"), Problem(503, "damaged here")), DONE, 3, ""),
        ((ValueError("x"),) * 3, FAILED, 3, "ValueError"),
        ((Problem(503, "damaged here"),) * 3, FAILED, 3, "damaged here"),
        ((Hopeless("it is gone"),), FAILED, 1, "it is gone"),
        ((Problem(410, "erased"),), FAILED, 1, "erased"),
    ],
)
def test_a_job_is_done_once_or_given_up(
    tmp_path: Path, failures: tuple[Exception, ...], state: str, attempts: int, said: str
) -> None:
    async def run() -> None:
        service = await open_service(Settings(folder=tmp_path / "service"))
        handler = Counting(*failures)
        await until_still(service, handler)
        assert await states(service) == [(state, attempts)]
        assert await effects(service) == (state == DONE)
        assert len(handler.given_up) == (state == FAILED)
        assert not said or said in handler.given_up[0]
        await service.close()

    asyncio.run(run())


def test_what_a_kill_interrupted_is_done_at_the_next_start_and_no_effect_twice(tmp_path: Path) -> None:
    async def run() -> None:
        service = await open_service(Settings(folder=tmp_path / "service"))
        await until_still(service, Counting())
        async with service.db.begin() as conn:  # killed between taking a second one and its effect
            await InProcess(service).put(conn, "count", {"n": 2})
            await conn.execute(update(job).where(job.c.state != DONE).values(state=RUNNING, attempts=1))
        await service.close()
        service = await open_service(Settings(folder=tmp_path / "service"))
        again = Counting()
        await until_still(service, again, first=False)
        assert again.tries == 1 and await effects(service) == 2
        assert await states(service) == [(DONE, 1), (DONE, 2)]
        await service.close()

    asyncio.run(run())


def test_an_effect_that_fails_leaves_nothing(tmp_path: Path) -> None:
    class Clashing(Counting):
        async def work(self, service: Service, body: dict[str, Any]) -> Effect:
            whole = await super().work(service, body)
            clash = self.tries < 2

            async def effect(conn: AsyncConnection) -> None:
                await whole(conn)
                if clash:
                    raise RuntimeError("the disk is full")

            return effect

    async def run() -> None:
        service = await open_service(Settings(folder=tmp_path / "service"))
        await until_still(service, Clashing())
        assert await states(service) == [(DONE, 2)] and await effects(service) == 1
        await service.close()

    asyncio.run(run())
