"""Deliveries: what procrastinate is told about a job, in its own words."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from procrastinate import BaseRetryStrategy, RetryDecision, sql, types
from procrastinate.jobs import Job as Delivery
from psycopg.types.json import Jsonb
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.jobs.life import QUEUED, RUNNING
from hemoview.cloud.tables import job

TASK: Final = "job"
OPEN: Final = (QUEUED, RUNNING)
FAULT_S: Final = 2.0
"""A delivery that met a fault, such as a database that refuses, comes again after so long."""
LOST: Final = select(job.c.id, job.c.kind, job.c.run_after_us).where(
    job.c.state.in_(OPEN),
    text(
        "NOT EXISTS (SELECT FROM procrastinate_jobs delivery "
        "WHERE delivery.args->>'job_id' = job.id AND delivery.status IN ('todo', 'doing'))"
    ),
)
"""Open jobs without a delivery: put by another kind of queue, restored, or taken from under somebody's hands."""


class Again(Exception):
    """To be delivered again after some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


class AsTold(BaseRetryStrategy):
    """When a delivery that ended with an error comes again."""

    def get_retry_decision(self, *, exception: BaseException, job: Delivery) -> RetryDecision:  # noqa: ARG002
        """Always: what is over ends without an error. What a worker was stopped in, at once."""
        seconds = 0.0 if isinstance(exception, asyncio.CancelledError) else FAULT_S
        if isinstance(exception, Again):
            seconds = exception.seconds
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=seconds))


async def deliver(conn: AsyncConnection, kind: str, job_id: str, at_us: int | None = None) -> None:
    """Make one, in the transaction of ``conn``.

    Args:
        at_us: not before then; None = now.
    """
    told = types.JobToDefer(
        queue_name=kind,
        task_name=TASK,
        priority=0,
        lock=None,
        queueing_lock=None,
        args={"job_id": job_id},
        scheduled_at=None if at_us is None else datetime.fromtimestamp(at_us / 1e6, UTC),
    )
    row = tuple(Jsonb(value) if isinstance(value, dict) else value for value in told)
    await conn.exec_driver_sql(sql.queries["defer_jobs"], {"jobs": [row]})
