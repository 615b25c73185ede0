"""Where rooms put work, and what they do with it: the port of every queue of jobs.

A job's work leaves no trace by itself; what it comes to is an *effect*, written in the same transaction that says the
job is done. So whatever a crash interrupts is done again, and nothing happens twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.service import Service

AGAIN_S: Final = (5.0, 30.0, 120.0, 600.0)
"""Seconds after each failure; one more is the last."""

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
    """Where a room puts work. Its contract: ``tests/contracts/test_job_queue.py``."""

    def serve(self, kind: str, handler: Handler) -> None:
        """From now on this handler does that kind."""
        ...

    async def put(self, conn: AsyncConnection, kind: str, body: dict[str, Any]) -> str:
        """Within the caller's transaction; the id of the job."""
        ...

    async def keep_working(self) -> None:
        """Until cancelled. A database that refuses is no end: the service would go with its worker."""
        ...


def queue_of(service: Service) -> JobQueue:
    """The one that runs."""
    found: JobQueue = service.parts[JobQueue]
    return found
