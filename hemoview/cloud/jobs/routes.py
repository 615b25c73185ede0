"""The room of jobs: no routes; its worker runs while the service does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter

from hemoview.cloud.ending import ended
from hemoview.cloud.jobs.in_process import InProcess
from hemoview.cloud.jobs.procrastinate_queue import Procrastinate
from hemoview.cloud.jobs.queue import JobQueue
from hemoview.cloud.service import Service
from hemoview.cloud.settings import PROCRASTINATE

router = APIRouter()


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """The queue, and its worker; a job that is interrupted is done again, here or by another of these services.

    Raises:
        ConfigError: the queue in the database is of a newer version, or somebody else's.
    """
    queue = service.parts[JobQueue] = await _open(service)
    working = asyncio.create_task(queue.keep_working(), name="jobs")
    try:
        yield
    finally:
        await ended(working)


async def _open(service: Service) -> JobQueue:
    if service.settings.jobs != PROCRASTINATE:
        return InProcess(service)
    queue = Procrastinate(service)
    await queue.prepare()
    return queue
