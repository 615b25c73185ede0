"""The contract of every queue of jobs: nothing lost, no effect twice, in order, tried again and given up as told."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.database import Database
from hemoview.cloud.jobs import in_process, procrastinate_queue
from hemoview.cloud.jobs.life import DONE, FAILED, QUEUED, RUNNING
from hemoview.cloud.jobs.queue import Effect, Hopeless
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service
from tests.cloud import databases
from tests.contracts.job_rig import (
    KINDS,
    Bench,
    Counting,
    Hanging,
    effect_of,
    effects,
    put,
    states,
    until,
    until_over,
    working,
)


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for adapter in (in_process, procrastinate_queue):
        monkeypatch.setattr(adapter, "FAULT_S", 0.05)
    with databases.dropped_afterwards():
        yield Bench(request.param, tmp_path, KINDS[request.param].url())


def run(bench: Bench, work: Callable[[Service], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with bench.service() as service:
            await work(service)

    asyncio.run(whole())


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
    bench: Bench, failures: tuple[Exception, ...], state: str, attempts: int, said: str
) -> None:
    async def work(service: Service) -> None:
        queue, handler = await bench.queue(service), Counting(*failures)
        queue.serve("count", handler)
        await put(service, queue, 1)
        async with working(queue):
            await until_over(service)
        assert await states(service) == [(state, attempts)]
        assert len(await effects(service)) == (state == DONE)
        assert len(handler.given_up) == (state == FAILED)
        assert not said or said in handler.given_up[0]

    run(bench, work)


def test_what_is_put_in_a_transaction_that_fails_was_never_there(bench: Bench) -> None:
    async def work(service: Service) -> None:
        queue, handler = await bench.queue(service), Counting()
        queue.serve("count", handler)
        async with working(queue):
            with pytest.raises(ZeroDivisionError):
                async with service.db.begin() as conn:
                    await queue.put(conn, "count", {"n": 1})
                    raise ZeroDivisionError
            await put(service, queue, 2)
            await until_over(service)
        assert await effects(service) == [2]
        assert await states(service) == [(DONE, 1)]

    run(bench, work)


def test_a_job_waits_as_long_as_it_was_told_between_tries(bench: Bench) -> None:
    async def work(service: Service) -> None:
        again_s = (0.2, 0.5)
        queue, handler = await bench.queue(service, again_s), Counting(ValueError("x"), ValueError("y"))
        queue.serve("count", handler)
        await put(service, queue, 1)
        async with working(queue):
            await until_over(service)
        waited = [later - before for (_, before), (_, later) in pairwise(handler.began)]
        assert all(wait >= told - 0.01 for wait, told in zip(waited, again_s, strict=True))

    run(bench, work)


def test_an_effect_that_fails_leaves_nothing(bench: Bench) -> None:
    class Clashing(Counting):
        async def work(self, service: Service, body: dict[str, Any]) -> Effect:
            whole = await super().work(service, body)
            clash = self.tries < 2

            async def effect(conn: AsyncConnection) -> None:
                await whole(conn)
                if clash:
                    raise RuntimeError("the disk is full")

            return effect

    async def work(service: Service) -> None:
        queue = await bench.queue(service)
        queue.serve("count", Clashing())
        await put(service, queue, 1)
        async with working(queue):
            await until_over(service)
        assert await states(service) == [(DONE, 2)] and await effects(service) == [1]

    run(bench, work)


def test_jobs_begin_in_the_order_they_were_put_and_one_that_fails_keeps_nobody_waiting(bench: Bench) -> None:
    async def work(service: Service) -> None:
        queue, handler = await bench.queue(service, (2.0,)), Counting(ValueError("x"))
        queue.serve("count", handler)
        for n in range(6):
            await put(service, queue, n)
        async with working(queue):
            await until_over(service)
        assert [n for n, _ in handler.began] == [0, 1, 2, 3, 4, 5, 0]

    run(bench, work)


def test_a_job_that_nobody_does_waits_until_somebody_does(bench: Bench) -> None:
    async def work(service: Service) -> None:
        queue, known, new = await bench.queue(service), Counting(), Counting()
        queue.serve("count", known)
        await put(service, queue, 1, kind="new")
        await put(service, queue, 2)
        async with working(queue):
            await until(lambda: _has(service, [2]))
            assert sorted(await states(service)) == [(DONE, 1), (QUEUED, 0)]
            queue.serve("new", new)
            await until_over(service)
        assert (known.tries, new.tries) == (1, 1)

    run(bench, work)


def test_a_worker_that_has_nothing_to_do_is_woken(bench: Bench) -> None:
    async def work(service: Service) -> None:
        queue, handler = await bench.queue(service), Counting()
        queue.serve("count", handler)
        async with working(queue):
            for n in range(3):
                await put(service, queue, n)
                await until_over(service, within_s=10)
        assert await effects(service) == [0, 1, 2]

    run(bench, work)


def test_a_worker_that_is_stopped_in_the_middle_leaves_the_job_to_the_next(bench: Bench) -> None:
    async def work(service: Service) -> None:
        queue, handler = await bench.queue(service), Hanging()
        queue.serve("count", handler)
        await put(service, queue, 1)
        async with working(queue):
            await until(handler.has_begun)
        assert await effects(service) == []
        queue, handler = await bench.queue(service), Counting()
        queue.serve("count", handler)
        async with working(queue):
            await until_over(service)
        assert await effects(service) == [1] and handler.tries == 1
        assert await states(service) == [(DONE, 2)]

    run(bench, work)


def test_a_worker_that_is_killed_leaves_the_job_to_the_next(bench: Bench) -> None:
    async def work(service: Service) -> None:
        queue = await bench.queue(service)
        await put(service, queue, 1)
        words = [bench.kind, str(bench.folder / bench.beside()), bench.url]
        with subprocess.Popen(
            [sys.executable, "-m", "tests.contracts.job_worker", *words], stdout=subprocess.PIPE
        ) as worker:
            assert worker.stdout is not None
            told = await asyncio.to_thread(worker.stdout.readline)
            assert told == b"taken\n"
            assert await states(service) == [(RUNNING, 1)]
            worker.send_signal(signal.SIGKILL)
        handler = Counting()
        queue.serve("count", handler)
        async with working(queue):
            await until_over(service)
        assert await effects(service) == [1] and handler.tries == 1
        assert await states(service) == [(DONE, 2)]

    run(bench, work)


def test_two_workers_on_one_database_have_each_effect_once(bench: Bench) -> None:
    class Slow(Counting):
        async def work(self, service: Service, body: dict[str, Any]) -> Effect:
            await super().work(service, body)
            await asyncio.sleep(0.02)
            return effect_of(body["n"])

    async def work(service: Service) -> None:
        async with bench.service(bench.beside()) as other:
            queues = [await bench.queue(service), await bench.queue(other)]
            handlers = [Slow(), Slow()]
            for queue, handler in zip(queues, handlers, strict=True):
                queue.serve("count", handler)
            async with working(*queues):
                await put(service, queues[0], *range(20))
                await put(other, queues[1], *range(20, 40))
                await until_over(service)
            assert await effects(service) == list(range(40))

    run(bench, work)


def test_a_database_that_refuses_for_a_while_ends_no_worker(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(service: Service) -> None:
        begin, refused = Database.begin, [0]

        @contextlib.asynccontextmanager
        async def refusing(_: Database) -> AsyncIterator[AsyncConnection]:
            refused[0] += 1
            raise OperationalError("x", {}, Exception("away"))
            yield

        queue, handler = await bench.queue(service), Counting()
        queue.serve("count", handler)
        await put(service, queue, 1)
        monkeypatch.setattr(Database, "begin", refusing)
        async with working(queue):
            await until(lambda: _true(refused[0] >= 2))
            monkeypatch.setattr(Database, "begin", begin)
            await put(service, queue, 2)
            await until_over(service)
        assert await effects(service) == [1, 2]

    run(bench, work)


async def _true(is_so: bool) -> bool:
    return is_so


async def _has(service: Service, numbers: list[int]) -> bool:
    return await effects(service) == numbers
