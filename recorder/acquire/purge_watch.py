"""The end of quarantine: what was discarded 30 days ago is erased, beside the recording."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Final

from recorder import session as store
from recorder.errors import RecorderError

PURGE_EVERY_S: Final = 3600.0

log = logging.getLogger(__name__)


class PurgeWatch:
    """Once an hour, beside the recording: what was discarded 30 days ago is erased.

    Args:
        folder: where sessions go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._due_s = 0.0
        self._thread: threading.Thread | None = None

    def look(self, wall_ns: int) -> None:
        """Returns at once."""
        if time.monotonic() < self._due_s or (self._thread is not None and self._thread.is_alive()):
            return
        self._due_s = time.monotonic() + PURGE_EVERY_S
        self._thread = threading.Thread(target=self._purge, args=(wall_ns,), name="purge", daemon=True)
        self._thread.start()

    def _purge(self, wall_ns: int) -> None:
        try:
            for stone in store.purge(self._folder, wall_ns):
                log.info("erased after quarantine: session %s", stone.session_id)
        except (RecorderError, OSError) as error:  # tried again in an hour
            log.warning("what is due in quarantine was not erased: %s", type(error).__name__)
