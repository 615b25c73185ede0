"""Which way the live path goes: over the site's broker where the service offers one, else to the service itself.

A broker that cannot be had must not blind a ward: when it fails the service itself is spoken to at once. The broker is
tried again later, between two messages, for less time than the queue holds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, Protocol

from recorder.schema.sync_status import LiveTrouble
from recorder.sync.uplink.transport import LinkEnded, Transport

AGAIN_S: Final = 60.0
"""After this the broker is tried again; each time it fails twice as long, up to :data:`LONGEST_S`."""
LONGEST_S: Final = 900.0


class OfferedTransport(Transport, Protocol):
    """One that a service may have, or not."""

    def offered(self) -> bool:
        """It has it now."""
        ...


class Ways:
    """Of one bedside to one service. One thread.

    Args:
        service: the way that is always there.
        broker: the better one; None: never.
    """

    def __init__(
        self,
        service: Transport,
        broker: OfferedTransport | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        luck: Callable[[], float] = random.random,
    ) -> None:
        self._service, self._broker = service, broker
        self._clock, self._luck = clock, luck
        self._failures, self._due_s = 0, 0.0
        self.trouble: LiveTrouble = ""
        """Why the better way is not gone; empty while it is, or there is none."""
        self.why = ""
        """The same in words."""

    def choose(self) -> Transport:
        """The way of the next connection."""
        if self._broker is None or not self._broker.offered():
            self._failures, self.trouble, self.why = 0, "", ""
            return self._service
        return self._broker if self._clock() >= self._due_s else self._service

    def holds_s(self, transport: Transport) -> float:
        """A connection of this way need not hold any longer: there is a better one to be tried again."""
        is_second = transport is self._service and self._failures > 0
        return max(0.0, self._due_s - self._clock()) if is_second else float("inf")

    def opened(self, transport: Transport) -> None:
        """It was there."""
        if transport is self._broker:
            self.trouble, self.why = "", ""

    def ended(self, transport: Transport, why: LinkEnded | None, *, held: bool) -> bool:
        """A connection is over.

        Args:
            why: None: only to be made anew.
            held: it was a good one.

        Returns:
            Whether another way is to be tried at once.
        """
        if transport is not self._broker:
            return False
        if held:
            self._failures = 0
        if why is None or why.told:
            return False
        wait_s = min(LONGEST_S, AGAIN_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._due_s = self._clock() + wait_s * (0.5 + 0.5 * self._luck())
        self.trouble, self.why = why.trouble, why.why
        return True
