"""The queue of jobs and its worker in the service's own process, on the table ``job``.

A job's work leaves no trace by itself; what it comes to is an *effect*, written in the same transaction that says the
job is done. So whatever a crash interrupts is done again, and nothing happens twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service
from hemoview.cloud.tables import job
from recorder.errors import RecorderError

log = logging.getLogger(__name__)

QUEUED: Final = "queued"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"

AGAIN_S: Final = (5.0, 30.0, 120.0, 600.0)
"""Seconds after each failure; one more is the last."""
IDLE_S: Final = 30.0
"""The worker looks for jobs at least so often; a new one wakes it."""
FAULT_S: Final = 5.0
"""The worker rests so long when the database refuses it, as on a full disk."""

Effect = Callable[[AsyncConnection], Awaitable[None]]


class Hopeless(Exception):
    """This job will never succeed; trying again is no use."""


class Handler(Protocol):
    """What a room does with its kind of job."""

    async def work(self, service: Service, body: dict[str, Any]) -> Effect:
        """Do it; what it came to is written by the effect.

        Raises:
            Hopeless: it can never be done.
        """
        ...

    async def give_up(self, conn: AsyncConnection, body: dict[str, Any], why: str) -> None:
        """Write down that it was not done."""
        ...


class JobQueue(Protocol):
    """Where a room puts work. One adapter so far: the service's own process."""

    async def put(self, conn: AsyncConnection, kind: str, body: dict[str, Any]) -> str:
        """Within the caller's transaction; the id of the job."""
        ...


@dataclass(frozen=True, slots=True)
class _Taken:
    id: str
    kind: str
    body: dict[str, Any]
    attempts: int


class InProcess:
    """The queue and its one worker.

    Args:
        service: whose.
        again_s: as :data:`AGAIN_S`.
    """

    def __init__(self, service: Service, again_s: tuple[float, ...] = AGAIN_S) -> None:
        self._service, self._again_s = service, again_s
        self._handlers: dict[str, Handler] = {}
        self._new = asyncio.Event()

    def serve(self, kind: str, handler: Handler) -> None:
        """From now on this handler does that kind."""
        self._handlers[kind] = handler
        self._new.set()

    async def put(self, conn: AsyncConnection, kind: str, body: dict[str, Any]) -> str:
        """As :class:`JobQueue`."""
        job_id, now_us = str(uuid4()), self._service.now_us()
        row = {"id": job_id, "kind": kind, "body": json.dumps(body), "state": QUEUED, "attempts": 0}
        await conn.execute(insert(job).values(**row, run_after_us=now_us, created_us=now_us))
        self._new.set()
        return job_id

    async def keep_working(self) -> None:
        """Until cancelled. A database that refuses is no end: the service would go with its worker."""
        while True:
            try:
                await self._work()
            except Exception:
                log.exception("the worker rests: it cannot read or write its jobs")
            await asyncio.sleep(FAULT_S)

    async def _work(self) -> None:
        """What was left half-done, by an earlier life or a fault, comes first."""
        async with self._service.db.begin() as conn:
            left = update(job).where(job.c.state == RUNNING).values(state=QUEUED, locked_us=None)
            await conn.execute(left)
        while True:
            self._new.clear()
            taken = await self._take()
            if taken is not None:
                await self._do(taken)
                continue
            seconds = await self._until_next()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._new.wait(), seconds)

    async def _until_next(self) -> float:
        async with self._service.db.read() as conn:
            soonest = select(func.min(job.c.run_after_us)).where(
                job.c.state == QUEUED, job.c.kind.in_(self._handlers)
            )
            due_us = (await conn.execute(soonest)).scalar()
        if due_us is None:
            return IDLE_S
        return float(min(IDLE_S, max(0.01, (due_us - self._service.now_us()) / 1e6)))

    async def _take(self) -> _Taken | None:
        now_us = self._service.now_us()
        due = (
            select(job)
            .where(job.c.state == QUEUED, job.c.run_after_us <= now_us, job.c.kind.in_(self._handlers))
            .order_by(job.c.run_after_us, job.c.created_us)
            .limit(1)
        )
        async with self._service.db.begin() as conn:
            row = (await conn.execute(due)).first()
            if row is None:
                return None
            mine = update(job).where(job.c.id == row.id)
            await conn.execute(mine.values(state=RUNNING, locked_us=now_us, attempts=row.attempts + 1))
        return _Taken(row.id, row.kind, json.loads(row.body), row.attempts + 1)

    async def _do(self, taken: _Taken) -> None:
        handler = self._handlers[taken.kind]
        if taken.attempts > len(self._again_s) + 1:  # each time without a word: it takes the service with it
            await self._give_up(handler, taken, "the service ended each time this was tried")
            return
        try:
            effect = await handler.work(self._service, taken.body)
            async with self._service.db.begin() as conn:
                await effect(conn)
                await self._end(conn, taken, DONE, None)
        except (Hopeless, RecorderError) as error:
            await self._give_up(handler, taken, str(error))
        except Problem as error:
            if error.status >= 500:  # damaged, no room: may be better later
                await self._again(handler, taken, error)
            else:
                await self._give_up(handler, taken, error.detail)
        except Exception as error:
            log.exception("job %s (%s) failed", taken.id, taken.kind)
            await self._again(handler, taken, error)

    async def _again(self, handler: Handler, taken: _Taken, error: Exception) -> None:
        why = (
            error.detail if isinstance(error, Problem) else f"{type(error).__name__}: a fault of the service"
        )
        if taken.attempts > len(self._again_s):
            await self._give_up(handler, taken, why)
            return
        later_us = self._service.now_us() + round(self._again_s[taken.attempts - 1] * 1e6)
        async with self._service.db.begin() as conn:
            again = update(job).where(job.c.id == taken.id, job.c.state == RUNNING)
            await conn.execute(again.values(state=QUEUED, locked_us=None, run_after_us=later_us, error=why))

    async def _give_up(self, handler: Handler, taken: _Taken, why: str) -> None:
        async with self._service.db.begin() as conn:
            await handler.give_up(conn, taken.body, why)
            await self._end(conn, taken, FAILED, why)

    async def _end(self, conn: AsyncConnection, taken: _Taken, state: str, why: str | None) -> None:
        over = update(job).where(job.c.id == taken.id)
        await conn.execute(
            over.values(state=state, error=why, locked_us=None, done_us=self._service.now_us())
        )
