"""Restarts a process that died: after 1 s, then with back-off. Which process is the caller's affair."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from recorder.errors import RecorderError

FIRST_S: Final = 1.0
LONGEST_S: Final = 30.0
STEADY_S: Final = 60.0
"""After running for so long a process counts as well again."""
LOOK_S: Final = 0.25

log = logging.getLogger(__name__)


def restart_delay_s(deaths: int) -> float:
    """Wait before restart number ``deaths`` (1 = the first)."""
    return float(min(LONGEST_S, FIRST_S * 2 ** min(max(deaths - 1, 0), 10)))


class Keeper:
    """Watches in its own thread until closed.

    Args:
        name: for logs and the thread.
        wanted: whether the process should run.
        alive: whether it does.
        start: starts it; may raise RecorderError or OSError, then it is tried again.
    """

    def __init__(
        self, name: str, wanted: Callable[[], bool], alive: Callable[[], bool], start: Callable[[], object]
    ) -> None:
        self.restarts = 0
        self._name, self._wanted, self._alive, self._start = name, wanted, alive, start
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"keep-{name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Watch no longer; the process itself is left alone."""
        self._closing.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        deaths, since = 0, time.monotonic()
        while not self._closing.wait(LOOK_S):
            if not self._wanted() or self._alive():
                if time.monotonic() - since > STEADY_S:
                    deaths = 0
                continue
            deaths += 1
            if self._closing.wait(restart_delay_s(deaths)):
                return
            self._restart()
            since = time.monotonic()

    def _restart(self) -> None:
        if not self._wanted() or self._alive():
            return
        log.warning("%s has died; it is started again", self._name)
        try:
            self._start()
            self.restarts += 1
        except (RecorderError, OSError) as error:
            log.error("%s could not be started: %s", self._name, error)
