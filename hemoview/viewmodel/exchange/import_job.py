"""Reading what is to be imported, and importing it, in a thread of its own; the dialog drains what it reports."""

from __future__ import annotations

import logging
import queue
import threading
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from hemoview.viewmodel.answers import taken
from recorder.clock import Clock
from recorder.errors import RecorderError
from recorder.exchange.imports import importing
from recorder.exchange.imports.importing import Order, Plan
from recorder.session.software import software_versions

_log = logging.getLogger(__name__)


class ImportGivenUp(Exception):
    """Somebody pressed Cancel; nothing was left behind."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the sources hold, or why they cannot be read. ``order`` is what was asked."""

    order: Order
    plan: Plan | None
    failure: Exception | None


@dataclass(frozen=True, slots=True)
class Written:
    """So many rows of the session are on disk."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The import is over: the session's folder, or why there is none."""

    folder: Path | None
    failure: Exception | None


Report = Looked | Written | Ended


class ImportJob:
    """One thing at a time; of several looks only the latest is done.

    Args:
        sessions: folder the session is made in.
        notify: called from the thread whenever a report waits; must return at once.
    """

    def __init__(self, sessions: Path, notify: Callable[[], None]) -> None:
        self._sessions, self._notify = sessions, notify
        self._clock = Clock.from_environment()
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._looks = 0
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="import", daemon=True)
        self._thread.start()

    def look(self, order: Order) -> None:
        """Read the sources of an order; an older look that waits is passed over."""
        self._looks += 1
        number = self._looks
        self._work.put(lambda: self._look(order, number))

    def write(self, plan: Plan, accepted: Collection[str]) -> None:
        """Make the session of a plan."""
        self._given_up.clear()
        self._work.put(lambda: self._write(plan, frozenset(accepted)))

    def give_up(self) -> None:
        """End the import under way; no half session is left."""
        self._given_up.set()

    def drain(self) -> list[Report]:
        """Everything reported since the last call."""
        return taken(self._reports)

    def close(self) -> None:
        """End the thread; an import under way is given up."""
        self._looks += 1
        self.give_up()
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _look(self, order: Order, number: int) -> None:
        if number != self._looks:
            return
        plan, failure = None, None
        try:
            plan = importing.look(order, self._sessions, self._clock.wall_ns())
        except Exception as error:  # noqa: BLE001 -- the dialog must hear of it, whatever it was
            if not _expected(error):
                _log.exception("reading sources failed")
            failure = error
        self._tell(Looked(order, plan, failure))

    def _write(self, plan: Plan, accepted: frozenset[str]) -> None:
        session_id = uuid.uuid4().hex
        out = self._sessions / importing.folder_name(plan, session_id)
        folder, failure = None, None
        try:
            folder = importing.carry_out(
                plan,
                out,
                session_id=session_id,
                accepted=accepted,
                software=software_versions(),
                now_wall_ns=self._clock.wall_ns(),
                told=self._written,
            )
        except Exception as error:  # noqa: BLE001 -- as above
            if not _expected(error):
                _log.exception("import failed")
            failure = error
        self._tell(Ended(folder, failure))

    def _written(self, done: int, total: int) -> None:
        if self._given_up.is_set():
            raise ImportGivenUp
        self._tell(Written(done, total))

    def _tell(self, report: Report) -> None:
        self._reports.put(report)
        self._notify()


def _expected(error: Exception) -> bool:
    return isinstance(error, RecorderError | ImportGivenUp | OSError)
