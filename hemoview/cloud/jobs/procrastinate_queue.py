"""The queue of services that share a database: procrastinate delivers, whoever of them is free works.

The row of ``job`` stays the truth. A *delivery*, a row of procrastinate, only says that somebody should look at it now:
it is made in the transaction that puts the job, comes to one worker, comes again when that one dies, and is gone when
the job is over. A delivery too many finds nothing to do; a row that lost its delivery gets another.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Status
from procrastinate.manager import JobManager
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.ending import ended, faults_of, heed
from hemoview.cloud.jobs.courier import AWAY, FAULT_S, Telling, app_on
from hemoview.cloud.jobs.deliveries import LOST, OPEN, TASK, Again, AsTold, deliver
from hemoview.cloud.jobs.life import Life
from hemoview.cloud.jobs.procrastinate_schema import bring_up
from hemoview.cloud.jobs.queue import AGAIN_S, Handler
from hemoview.cloud.service import Service
from hemoview.cloud.tables import job

AT_ONCE: Final = 1
"""Jobs that one service does at the same time: a report takes a core and some 300 MB."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what is done.

    Args:
        poll_s: a worker looks for deliveries that are due; a new one wakes it.
        beat_s: a worker says that it lives.
        dead_s: one that has not said so for this long is dead, and others get what was delivered to it.
        mend_s: between looks for the dead and the lost.
    """

    poll_s: float = 2.0
    beat_s: float = 5.0
    dead_s: float = 20.0
    mend_s: float = 5.0


class Procrastinate:
    """A :class:`~hemoview.cloud.jobs.queue.JobQueue`, and the worker of this process.

    Args:
        service: on PostgreSQL; :meth:`prepare` comes first.
        again_s: as :data:`~hemoview.cloud.jobs.queue.AGAIN_S`.
        pace: of the worker; all services on the database have the same.
    """

    def __init__(
        self, service: Service, again_s: tuple[float, ...] = AGAIN_S, pace: Pace | None = None
    ) -> None:
        self._service, self._life, self._pace = service, Life(service, again_s), pace or Pace()
        self._served = asyncio.Event()
        self._worker: int | None = None
        """Its number at procrastinate, once something was delivered to it."""

    async def prepare(self) -> None:
        """Tables and functions.

        Raises:
            ConfigError: see :func:`~hemoview.cloud.jobs.procrastinate_schema.bring_up`.
        """
        await bring_up(self._service.db)

    def serve(self, kind: str, handler: Handler) -> None:
        """As the port says."""
        self._life.handlers[kind] = handler
        self._served.set()

    async def put(self, conn: AsyncConnection, kind: str, body: dict[str, Any]) -> str:
        """As the port says."""
        job_id = await self._life.write(conn, kind, body)
        await deliver(conn, kind, job_id)
        return job_id

    async def keep_working(self) -> None:
        """As the port says."""
        while True:
            try:
                await self._work()
            except AWAY:
                log.warning("jobs wait: the database refuses the worker")
            except Exception:
                log.exception("the worker rests: it cannot read or write its jobs")
            heed()
            await asyncio.sleep(FAULT_S)

    async def _work(self) -> None:
        """One worker's life: until it fails, or has to begin anew to do one kind more."""
        if not self._life.handlers:
            await self._served.wait()
        while True:
            self._served.clear()
            async with self._service.db.read() as conn:  # before a pool is made, which would wait ever longer
                await conn.execute(select(1))
            app, telling = app_on(self._service.db.libpq)
            app.task(name=TASK, pass_context=True, retry=AsTold())(self._do)
            try:  # its own context would leave a pool that could not be filled
                await app.open_async()
                deliveries = JobManager(app.connector)
                await self._bury(deliveries)
                await self._mend(deliveries)
                heed()
                await self._run_worker(app, telling, deliveries)
            finally:
                await app.close_async()

    async def _run_worker(self, app: App, telling: Telling, deliveries: JobManager) -> None:
        """Until it fails, has to begin anew, or one of those beside it says so."""
        pace = self._pace
        working = app.run_worker_async(
            queues=list(self._life.handlers),
            concurrency=AT_ONCE,
            fetch_job_polling_interval=pace.poll_s,
            update_heartbeat_interval=pace.beat_s,
            stalled_worker_timeout=pace.dead_s,
            delete_jobs=DeleteJobCondition.ALWAYS,
            shutdown_graceful_timeout=0,  # what is let go in the middle is done again
            install_signal_handlers=False,
        )
        beside = (self._keep_mending(deliveries), self._served.wait(), telling.unsaid.wait())
        tasks = [asyncio.create_task(each) for each in (working, *beside)]
        try:  # no TaskGroup: in Python 3.11 one that ends as its child fails leaves a cancellation behind
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await ended(*tasks)
        faults_of(tasks)

    async def _do(self, context: JobContext, job_id: str) -> None:
        """What procrastinate calls for a delivery. Nobody else who lives has it: a job that runs is taken over."""
        self._worker = context.job.worker_id
        await self._beat(JobManager(context.app.connector))
        taken = await self._life.take(job.c.id == job_id, job.c.state.in_(OPEN))
        seconds = None if taken is None else await self._life.do(taken)
        if seconds is not None:
            raise Again(seconds)

    async def _beat(self, deliveries: JobManager) -> None:
        """Say that the worker lives. procrastinate does so too, until the server is away once when it wants to."""
        if self._worker is not None:
            await deliveries.update_heartbeat(self._worker)

    async def _bury(self, deliveries: JobManager) -> None:
        """The worker that this process had before: what was delivered to it does not wait until it counts as dead."""
        if self._worker is not None:
            await deliveries.unregister_worker(self._worker)
            self._worker = None

    async def _keep_mending(self, deliveries: JobManager) -> None:
        """A server that is away is waited for: who works meanwhile goes on."""
        while True:
            await asyncio.sleep(self._pace.mend_s)
            with suppress(*AWAY):
                await self._beat(deliveries)
                await self._mend(deliveries)

    async def _mend(self, deliveries: JobManager) -> None:
        """Every open job has a delivery, and none is with the dead.

        One that is with the dead is made anew rather than let go again: were its worker alive after all, it would end
        under the hands of whoever has it next.
        """
        dead_s = self._pace.dead_s
        stalled = await deliveries.get_stalled_jobs(task_name=TASK, seconds_since_heartbeat=dead_s)
        for delivery in stalled:
            with suppress(ConnectorException):  # another service was quicker
                await deliveries.finish_job(delivery, Status.FAILED, delete_job=True)
        async with self._service.db.read() as conn:
            is_whole = (await conn.execute(LOST.limit(1))).first() is None
        if is_whole:
            return
        async with self._service.db.begin() as conn:
            for row in (await conn.execute(LOST.order_by(job.c.run_after_us, job.c.created_us))).all():
                log.warning("job %s (%s) is delivered again", row.id, row.kind)
                await deliver(conn, row.kind, row.id, row.run_after_us)
