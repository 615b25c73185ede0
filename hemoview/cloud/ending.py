"""Tasks that are to end, and do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

AGAIN_S: Final = 5.0
"""What lets go of a database that is away may take as long."""


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel, until they have ended.

    A cancellation can get lost: ``asyncio.wait_for`` of Python 3.11 forgets it where what it waits for ends at that
    moment, and pools of connections wait by it.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)


def faults_of(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Of tasks that have ended.

    Raises:
        Exception: the first fault that one of them ended by; a cancellation is none.
    """
    for task in tasks:
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            raise error


def heed() -> None:
    """Of a cancellation of this task that got lost.

    Raises:
        asyncio.CancelledError: there was one.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
