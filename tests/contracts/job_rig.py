"""Every queue of jobs, and services that have one."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.ending import ended
from hemoview.cloud.jobs.in_process import InProcess
from hemoview.cloud.jobs.life import DONE, FAILED
from hemoview.cloud.jobs.procrastinate_queue import Pace, Procrastinate
from hemoview.cloud.jobs.queue import Effect, JobQueue
from hemoview.cloud.service import Service, open_service
from hemoview.cloud.settings import Settings
from hemoview.cloud.tables import fact, job
from tests.cloud import databases

AGAIN_S = (0.01, 0.01)
WITHIN_S = 20.0
PACE = Pace(poll_s=0.1, beat_s=0.5, dead_s=2.0, mend_s=0.5)


@dataclass(frozen=True)
class Kind:
    """A queue.

    Args:
        url: makes an empty database for it; empty = SQLite in the service's folder.
        open: makes the queue of a service, with these waiting times.
    """

    url: Callable[[], str]
    open: Callable[[Service, tuple[float, ...]], Awaitable[JobQueue]]

    def settings(self, folder: Path, url: str) -> Settings:
        url = url or f"sqlite+aiosqlite:///{folder / 'service.sqlite'}"  # else it is one of the server
        return Settings(folder=folder, database_url=url, keys_folder=folder.parent / "keys")

    async def queue(self, service: Service, again_s: tuple[float, ...] = AGAIN_S) -> JobQueue:
        return await self.open(service, again_s)


async def in_process(service: Service, again_s: tuple[float, ...]) -> JobQueue:
    return InProcess(service, again_s)


async def procrastinate(service: Service, again_s: tuple[float, ...]) -> JobQueue:
    queue = Procrastinate(service, again_s, PACE)
    await queue.prepare()
    return queue


def on_server() -> str:
    return databases.fresh(f"jobs_{secrets.token_hex(4)}")


KINDS = {"in-process": Kind(lambda: "", in_process)}
"""One a line."""
if databases.SERVER:
    KINDS["in-process on PostgreSQL"] = Kind(on_server, in_process)
    KINDS["procrastinate"] = Kind(on_server, procrastinate)


@dataclass(frozen=True)
class Bench:
    """A database and the services on it."""

    kind: str
    folder: Path
    url: str

    @asynccontextmanager
    async def service(self, name: str = "service") -> AsyncIterator[Service]:
        service = await open_service(KINDS[self.kind].settings(self.folder / name, self.url))
        try:
            yield service
        finally:
            await service.close()

    async def queue(self, service: Service, again_s: tuple[float, ...] = AGAIN_S) -> JobQueue:
        return await KINDS[self.kind].queue(service, again_s)

    def beside(self) -> str:
        """Folder of a second service on the same database: SQLite has it in the first one's."""
        return "other" if self.url else "service"


class Counting:
    """Writes a row for every effect; fails as it is told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures, self.began, self.given_up = list(failures), [(0, 0.0)][:0], [""][:0]

    async def has_begun(self) -> bool:
        return self.tries > 0

    @property
    def tries(self) -> int:
        return len(self.began)

    async def work(self, service: Service, body: dict[str, Any]) -> Effect:
        self.began.append((body["n"], time.monotonic()))
        if self.failures:
            raise self.failures.pop(0)
        return effect_of(body["n"])

    async def give_up(self, conn: AsyncConnection, body: dict[str, Any], why: str) -> None:
        self.given_up.append(why)


class Hanging(Counting):
    """Never comes to its end."""

    async def work(self, service: Service, body: dict[str, Any]) -> Effect:
        await super().work(service, body)
        await asyncio.Event().wait()
        raise AssertionError


def effect_of(n: int) -> Effect:
    """Once more: another row."""
    name = f"effect-{n}-{secrets.token_hex(4)}"

    async def effect(conn: AsyncConnection) -> None:
        await conn.execute(insert(fact).values(name=name, value="x"))

    return effect


async def put(service: Service, queue: JobQueue, *numbers: int, kind: str = "count") -> None:
    async with service.db.begin() as conn:
        for n in numbers:
            await queue.put(conn, kind, {"n": n})


@asynccontextmanager
async def working(*queues: JobQueue) -> AsyncIterator[None]:
    """Their workers; each still works at the end, and lets go then."""
    tasks = [asyncio.create_task(queue.keep_working()) for queue in queues]
    try:
        yield
        assert not any(task.done() for task in tasks)
    finally:
        async with asyncio.timeout(WITHIN_S):
            await ended(*tasks)


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.02)


async def until_over(service: Service, within_s: float = WITHIN_S) -> None:
    """Every job has come to an end."""

    async def over() -> bool:
        return all(state in (DONE, FAILED) for state, _ in await states(service))

    await until(over, within_s)


async def states(service: Service) -> list[tuple[str, int]]:
    """And attempts, in the order of their making."""
    async with service.db.read() as conn:
        rows = await conn.execute(select(job).order_by(job.c.created_us, job.c.body))
        return [(row.state, row.attempts) for row in rows]


async def effects(service: Service) -> list[int]:
    """Of which numbers."""
    async with service.db.read() as conn:
        names = (await conn.execute(select(fact.c.name))).scalars().all()
    return sorted(int(name.split("-")[1]) for name in names if name.startswith("effect-"))
