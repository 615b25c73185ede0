"""The room of jobs: no routes; its worker runs while the service does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter

from hemoview.cloud.jobs.in_process import InProcess
from hemoview.cloud.jobs.queue import JobQueue
from hemoview.cloud.service import Service

router = APIRouter()


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """The queue, and its worker; a job that is interrupted is done again at the next start."""
    queue = service.parts[JobQueue] = InProcess(service)
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(queue.keep_working(), name="jobs")
        yield
        working.cancel()
