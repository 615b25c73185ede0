"""The queue of a service that is alone on its database: one worker in its own process, which looks into the table."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.jobs.life import QUEUED, RUNNING, Life
from hemoview.cloud.jobs.queue import AGAIN_S, Handler
from hemoview.cloud.service import Service
from hemoview.cloud.tables import job

IDLE_S: Final = 30.0
"""The worker looks for jobs at least so often; a new one wakes it."""
FAULT_S: Final = 5.0
"""The worker rests so long when the database refuses it, as on a full disk."""

log = logging.getLogger(__name__)


class InProcess:
    """A :class:`~hemoview.cloud.jobs.queue.JobQueue`, and its one worker.

    Args:
        service: whose; no other process works on its database.
        again_s: as :data:`~hemoview.cloud.jobs.queue.AGAIN_S`.
    """

    def __init__(self, service: Service, again_s: tuple[float, ...] = AGAIN_S) -> None:
        self._service, self._life = service, Life(service, again_s)
        self._new = asyncio.Event()

    def serve(self, kind: str, handler: Handler) -> None:
        """As the port says."""
        self._life.handlers[kind] = handler
        self._new.set()

    async def put(self, conn: AsyncConnection, kind: str, body: dict[str, Any]) -> str:
        """As the port says."""
        job_id = await self._life.write(conn, kind, body)
        self._new.set()
        return job_id

    async def keep_working(self) -> None:
        """As the port says."""
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
            waiting = (job.c.state == QUEUED, job.c.kind.in_(self._life.handlers))
            taken = await self._life.take(*waiting, job.c.run_after_us <= self._service.now_us())
            if taken is not None:
                await self._life.do(taken)
                continue
            async with self._service.db.read() as conn:
                due_us = (await conn.execute(select(func.min(job.c.run_after_us)).where(*waiting))).scalar()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds_until(due_us)):
                    await self._new.wait()

    def _seconds_until(self, due_us: int | None) -> float:
        if due_us is None:
            return IDLE_S
        return float(min(IDLE_S, max(0.01, (due_us - self._service.now_us()) / 1e6)))
