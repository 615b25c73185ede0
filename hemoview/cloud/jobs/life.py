"""A job from the row it is written as to its effect, whoever delivers it; the table ``job`` is the truth.

Whoever takes a job counts its attempts up. What comes of an attempt is written only while that count stands and the job
still runs: a worker that was given up for dead and was not finds its attempt over, and its effect is dropped.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.jobs.queue import AGAIN_S, Handler, Hopeless
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service
from hemoview.cloud.tables import job
from recorder.errors import RecorderError

QUEUED: Final = "queued"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """A job in the hands of one worker, for the ``attempts``-th time."""

    id: str
    kind: str
    body: dict[str, Any]
    attempts: int


class Life:
    """What becomes of jobs.

    Args:
        service: whose.
        again_s: as :data:`~hemoview.cloud.jobs.queue.AGAIN_S`.
    """

    def __init__(self, service: Service, again_s: tuple[float, ...] = AGAIN_S) -> None:
        self._service, self._again_s = service, again_s
        self.handlers: dict[str, Handler] = {}

    async def write(self, conn: AsyncConnection, kind: str, body: dict[str, Any]) -> str:
        """A new job; its id."""
        job_id, now_us = str(uuid4()), self._service.now_us()
        row = {"id": job_id, "kind": kind, "body": json.dumps(body), "state": QUEUED, "attempts": 0}
        await conn.execute(insert(job).values(**row, run_after_us=now_us, created_us=now_us))
        return job_id

    async def take(self, *which: ColumnElement[bool]) -> Taken | None:
        """The first of those, for one more attempt."""
        first = select(job).where(*which).order_by(job.c.run_after_us, job.c.created_us).limit(1)
        async with self._service.db.begin() as conn:
            row = (await conn.execute(first)).first()
            if row is None:
                return None
            mine = update(job).where(job.c.id == row.id)
            told = {"state": RUNNING, "locked_us": self._service.now_us(), "attempts": row.attempts + 1}
            await conn.execute(mine.values(told))
        return Taken(row.id, row.kind, json.loads(row.body), row.attempts + 1)

    async def do(self, taken: Taken) -> float | None:
        """Work, and write what came of it.

        Returns:
            Seconds after which it is to be tried again; None: it is over.
        """
        handler = self.handlers[taken.kind]
        if taken.attempts > len(self._again_s) + 1:  # each time without a word: it takes the service with it
            await self._give_up(handler, taken, "the service ended each time this was tried")
            return None
        try:
            effect = await handler.work(self._service, taken.body)
            async with self._service.db.begin() as conn:
                if await self._end(conn, taken, DONE, None):
                    await effect(conn)
        except (Hopeless, RecorderError) as error:
            await self._give_up(handler, taken, str(error))
        except Problem as error:
            if error.status >= 500:  # damaged, no room: may be better later
                return await self._again(handler, taken, error.detail)
            await self._give_up(handler, taken, error.detail)
        except Exception as error:
            log.exception("job %s (%s) failed", taken.id, taken.kind)
            return await self._again(handler, taken, f"{type(error).__name__}: a fault of the service")
        return None

    async def _again(self, handler: Handler, taken: Taken, why: str) -> float | None:
        if taken.attempts > len(self._again_s):
            await self._give_up(handler, taken, why)
            return None
        seconds = self._again_s[taken.attempts - 1]
        later_us = self._service.now_us() + round(seconds * 1e6)
        async with self._service.db.begin() as conn:
            is_mine = await self._let_go(conn, taken, state=QUEUED, run_after_us=later_us, error=why)
        return seconds if is_mine else None

    async def _give_up(self, handler: Handler, taken: Taken, why: str) -> None:
        async with self._service.db.begin() as conn:
            if await self._end(conn, taken, FAILED, why):
                await handler.give_up(conn, taken.body, why)

    async def _end(self, conn: AsyncConnection, taken: Taken, state: str, why: str | None) -> bool:
        return await self._let_go(conn, taken, state=state, error=why, done_us=self._service.now_us())

    async def _let_go(self, conn: AsyncConnection, taken: Taken, **values: Any) -> bool:
        """False, and nothing written, where somebody else has taken it meanwhile."""
        mine = (job.c.id == taken.id, job.c.state == RUNNING, job.c.attempts == taken.attempts)
        told = await conn.execute(update(job).where(*mine).values(locked_us=None, **values))
        if not told.rowcount:
            log.warning("job %s (%s) was taken by another worker meanwhile", taken.id, taken.kind)
        return bool(told.rowcount)
