"""Suggestions of a session, found in a thread of their own: from where somebody looks outwards, a piece at a time.

Two Python threads slow each other down, so this one stands still while the picture moves (as the reader of tiles does,
decision 0013); what it has found is told after every ten minutes of signal.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hemoview.labels.raters.proposal import Proposal
from hemoview.labels.raters.suggest import STRETCH_S, in_order
from hemoview.labels.raters.suggester import Suggester
from hemoview.viewmodel.answers import taken
from recorder import session as store
from recorder.errors import RecorderError
from recorder.session import Session
from recorder.session.files import why_of

HOLD_S: Final = 0.25
"""Nothing is computed for so long after the picture moved."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """How far it has come.

    Args:
        done, total: stretches.
        proposals: those of the stretches done since the last answer.
        why: what failed, empty where nothing did.
    """

    question: int
    done: int
    total: int
    proposals: tuple[Proposal, ...] = ()
    why: str = ""


class SuggestionReader:
    """Looks for suggestions in one session at a time; asked again, it drops what it did.

    Args:
        notify: called from the thread when an answer waits; must return at once.
        open_store: opens a session folder.
    """

    def __init__(self, notify: Callable[[], None], open_store: Callable[[str], Session] = store.open) -> None:
        self._notify = notify
        self._open = open_store
        self._answers: queue.SimpleQueue[Found] = queue.SimpleQueue()
        self._question = 0
        self._held_until_s = 0.0

    def start(self, path: str, from_s: float) -> None:
        """Look through a session, the stretch around a moment first."""
        self._question += 1
        threading.Thread(
            target=self._run, args=(self._question, path, from_s), name="suggestions", daemon=True
        ).start()

    def stop(self) -> None:
        """Nothing more is wanted; what is told by now counts no more."""
        self._question += 1

    def hold(self) -> None:
        """The picture moves: let it."""
        self._held_until_s = time.monotonic() + HOLD_S

    def drain(self) -> list[Found]:
        """Answers to the last question."""
        return [one for one in taken(self._answers) if one.question == self._question]

    # Everything below runs in the thread.

    def _run(self, question: int, path: str, from_s: float) -> None:
        try:
            with self._open(path) as session:
                self._look(question, Suggester(session), from_s)
        except Exception as error:  # noqa: BLE001 -- the panel would count for ever
            if not isinstance(error, RecorderError | OSError):
                _log.exception("suggestions of a session could not be made")
            self._tell(Found(question, 0, 0, why=why_of(error)))

    def _look(self, question: int, suggester: Suggester, from_s: float) -> None:
        total = len(suggester.stretches)
        self._tell(Found(question, 0, total))
        first = min(int(from_s // STRETCH_S), max(total - 1, 0))
        for done, place in enumerate(in_order(total, first), 1):
            found = suggester.of(place, lambda: self._wait(question))
            if found is None:
                return
            self._tell(Found(question, done, total, tuple(found)))

    def _wait(self, question: int) -> bool:
        while question == self._question and (left_s := self._held_until_s - time.monotonic()) > 0:
            time.sleep(left_s)
        return question == self._question

    def _tell(self, found: Found) -> None:
        if found.question == self._question:
            self._answers.put(found)
            self._notify()
