"""What the threads of a screen have answered, taken without waiting."""

from __future__ import annotations

import contextlib
import queue
from typing import TypeVar

T = TypeVar("T")


def taken(waiting: queue.SimpleQueue[T]) -> list[T]:
    """Everything that waits, in order."""
    found: list[T] = []
    with contextlib.suppress(queue.Empty):
        while True:
            found.append(waiting.get_nowait())
    return found
