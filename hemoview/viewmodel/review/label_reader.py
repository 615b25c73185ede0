"""Reading a label set in a thread: ten thousand lines take longer than a picture may."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from hemoview.labels.raters.book import LabelBook
from hemoview.viewmodel.answers import taken
from recorder.errors import RecorderError

_log = logging.getLogger(__name__)

Outcome = LabelBook | Exception


class LabelReader:
    """Opens label sets in the background; the answer to the last question is the only one that counts.

    Args:
        notify: called from the thread when an answer waits; must return at once.
    """

    def __init__(self, notify: Callable[[], None]) -> None:
        self._notify = notify
        self._answers: queue.SimpleQueue[tuple[int, Outcome]] = queue.SimpleQueue()
        self._asked = 0

    def open(self, folder: Path, name: str) -> None:
        """Read a label set; :meth:`drain` has it later."""
        self._asked += 1
        threading.Thread(
            target=self._read, args=(self._asked, folder, name), name="label-reader", daemon=True
        ).start()

    def forget(self) -> None:
        """What is being read is not wanted any more."""
        self._asked += 1

    def drain(self) -> Outcome | None:
        """The answer to the last question, once it is here."""
        found = None
        for asked, outcome in taken(self._answers):
            if asked == self._asked:
                found = outcome
        return found

    def _read(self, asked: int, folder: Path, name: str) -> None:
        try:
            outcome: Outcome = LabelBook(folder, name)
        except Exception as error:  # noqa: BLE001 -- the page would wait for ever
            if not isinstance(error, RecorderError | OSError):
                _log.exception("labels of a session could not be read")
            outcome = error
        self._answers.put((asked, outcome))
        self._notify()
