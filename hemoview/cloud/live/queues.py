"""What waits for browsers. Nobody who shows something ever waits for somebody who reads it: every reader has a bounded
queue (:class:`Queue`), which lets go of waves first, then of what a newer state of the same key has replaced, and never
of the newest state of a key.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

WAVES_HELD: Final = 2
"""Parcels of a key that may keep their waves while they wait: more would be drawn late and all at once."""
STATES_HELD: Final = 8
"""Parcels of a key that may wait; of a reader that is further behind the oldest are passed over."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Text for browsers, made once for all of them.

    Args:
        key: whose state it is (a bed, or ``ward``, ``tick``): a newer parcel of a key replaces an older one.
        text: all of it.
        bare: the same without waves; None where it has none.
    """

    key: str
    text: str
    bare: str | None = None


@dataclass(slots=True)
class Dropped:
    """What readers did not get because they were slow."""

    waves: int = 0
    states: int = 0


class Queue:
    """What waits for one reader. Not thread-safe: everything happens in one event loop.

    Args:
        dropped: counts are added here.
    """

    def __init__(self, dropped: Dropped) -> None:
        self._dropped = dropped
        self._held: dict[str, deque[Parcel]] = {}
        self._turns: deque[str] = deque()
        """A key for every parcel that waits: who is behind by one bed is not made to wait for it."""
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._turns)

    def put(self, parcel: Parcel) -> None:
        """Add the newest of its key; never waits."""
        held = self._held.setdefault(parcel.key, deque())
        if len(held) >= STATES_HELD:
            held.popleft()
            self._dropped.states += 1
        else:
            self._turns.append(parcel.key)
        held.append(parcel)
        with_waves = [i for i, one in enumerate(held) if one.bare is not None]
        for i in with_waves[:-WAVES_HELD]:
            held[i] = _without_waves(held[i])
            self._dropped.waves += 1
        self._filled.set()

    async def next(self) -> str:
        """The text that has waited longest."""
        while not self._turns:
            self._filled.clear()
            await self._filled.wait()
        key = self._turns.popleft()
        return self._held[key].popleft().text


def _without_waves(parcel: Parcel) -> Parcel:
    assert parcel.bare is not None
    return replace(parcel, text=parcel.bare, bare=None)


class Readers:
    """The browsers of this process, by the ward they watch."""

    def __init__(self) -> None:
        self.dropped = Dropped()
        """Of all of them so far."""
        self._queues: dict[str, list[Queue]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def show(self, ward_id: str, parcel: Parcel) -> None:
        """To everybody who watches the ward now."""
        for queue in self._queues.get(ward_id, ()):
            queue.put(parcel)

    @contextmanager
    def watching(self, ward_id: str) -> Iterator[Queue]:
        """A queue that fills until it is left."""
        queue = Queue(self.dropped)
        self._queues.setdefault(ward_id, []).append(queue)
        try:
            yield queue
        finally:
            left = [q for q in self._queues[ward_id] if q is not queue]
            if left:
                self._queues[ward_id] = left
            else:
                del self._queues[ward_id]
