"""The one thread on which Bluetooth runs: bleak speaks asyncio, devices have a thread each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from recorder.errors import LinkLost

T = TypeVar("T")


class Attempt:
    """Something under way that another thread may end: a search must not hold up the closing of a station."""

    def __init__(self) -> None:
        self._future: Future[Any] | None = None
        self._interrupted = False

    def holds(self, future: Future[Any]) -> None:
        """This is under way now."""
        self._future = future
        if self._interrupted:
            future.cancel()

    def interrupt(self) -> None:
        """End it, and whatever would begin after it."""
        self._interrupted = True
        if self._future is not None:
            self._future.cancel()


class LoopThread:
    """An event loop in a daemon thread of its own, started when first wanted.

    A fresh thread also keeps bleak away from a window's single-threaded apartment on Windows.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()

    def run(
        self, work: Coroutine[Any, Any, T], timeout_s: float, what: str, attempt: Attempt | None = None
    ) -> T:
        """Do ``work`` on the loop and wait for it; ``what`` names it where it does not come back.

        Raises:
            LinkLost: it took longer than ``timeout_s`` (real seconds) and was given up, or was interrupted.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        if attempt is not None:
            attempt.holds(future)
        try:
            return future.result(timeout_s)
        except CancelledError:
            raise LinkLost(f"{what}: the search was ended") from None
        except TimeoutError:
            if future.done():  # the work's own
                raise
            future.cancel()
            raise LinkLost(
                f"{what}: Bluetooth did not answer within {timeout_s:g} s: switch Bluetooth off and on again"
            ) from None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="bluetooth", daemon=True).start()
            return self._loop


LOOP = LoopThread()
"""Shared by every radio device of this process."""

FINDING = asyncio.Lock()
"""Scanning and connecting one device at a time: BlueZ answers "InProgress" to a second search of one program
(bleak's own example for two devices does the same)."""
