"""Keeps the station alive: starts recorder and edge, notices when the recorder has died, starts it again with back-off.

Free of Qt. Its calls block, so they run in a thread of the bridge; only :meth:`StationKeeper.due` is asked each picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FIRST_RETRY_S = 1.0
"""A dead recorder is started again after 1 s (architecture.md)."""

LONGEST_RETRY_S = 15.0
SILENT_S = 1.5
"""The recorder speaks twice a second; after this long without a word it is looked after."""


@dataclass(slots=True)
class StationKeeper:
    """Decides when to look after the recorder. All times are real seconds of one monotonic clock.

    Args:
        ensure: starts what is not running; returns when it is there, raises if it cannot be.
        now_s: the clock.
    """

    ensure: Callable[[], None]
    now_s: Callable[[], float]
    busy: bool = False
    failures: int = 0
    error: str = ""
    _not_before_s: float = 0.0

    def due(self, silent_s: float) -> bool:
        """Whether :meth:`look_after` should run now; the recorder has been silent for ``silent_s``."""
        return not self.busy and silent_s > SILENT_S and self.now_s() >= self._not_before_s

    def begin(self) -> None:
        """A look is under way."""
        self.busy = True

    def succeeded(self) -> None:
        """It runs. Give it a moment to speak before the next look."""
        self.busy, self.failures, self.error = False, 0, ""
        self._not_before_s = self.now_s() + 2 * SILENT_S

    def failed(self, error: Exception) -> None:
        """It could not be started; wait longer each time."""
        self.busy, self.error = False, str(error)
        self._not_before_s = self.now_s() + min(FIRST_RETRY_S * 2**self.failures, LONGEST_RETRY_S)
        self.failures += 1
