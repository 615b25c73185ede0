"""Looking at sessions and building a dataset, in a thread of its own; the windows are cut in further processes."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemoview import dataset_build
from hemoview.dataset_build import Order
from hemoview.labels.datasets import build, build_check
from hemoview.labels.datasets.build_check import Candidate
from hemoview.labels.datasets.build_options import BuildOptions
from hemoview.viewmodel.answers import taken
from hemoview.viewmodel.review.sessions import session_folders
from recorder.errors import RecorderError
from recorder.host import withdrawals

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """Every session of a folder as it stands under the options asked for; ``turn`` counts the askings."""

    candidates: tuple[Candidate, ...]
    turn: int


@dataclass(frozen=True, slots=True)
class Went:
    """A session's windows came."""

    hours_done: float
    hours: float
    name: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The build is over: what it says, or why not; ``stopped``: somebody stopped it."""

    told: dict[str, Any] | None = None
    problem: str = ""
    stopped: bool = False


Report = Looked | Went | Ended
Pool = Callable[[int], Executor]


class DatasetJobs:
    """One job at a time; reports are drained by the dialog.

    Args:
        home: folder that remembers datasets and withdrawals.
        notify: called from the thread whenever a report waits; must return at once.
        pool: makes the executor of so many workers.
    """

    def __init__(self, home: Path, notify: Callable[[], None], pool: Pool = build.processes) -> None:
        self._home, self._notify, self._pool = home, notify, pool
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._turn = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dataset-jobs", daemon=True)
        self._thread.start()

    def look(self, folder: Path, options: BuildOptions) -> int:
        """Look at every session of a folder; an older asking is given up. Returns the turn."""
        self._turn += 1
        turn = self._turn
        self._jobs.put(lambda: self._look(folder, options, turn))
        return turn

    def build(self, order: Order) -> None:
        """Build; :class:`Ended` follows."""
        self._stop.clear()
        self._jobs.put(lambda: self._build(order))

    def stop(self) -> None:
        """Give the build up; nothing is written."""
        self._stop.set()

    def close(self) -> None:
        """End the thread after what it is doing; a build is given up."""
        self._turn += 1
        self._stop.set()
        self._jobs.put(None)

    def drain(self) -> list[Report]:
        """Everything reported since the last call."""
        return taken(self._reports)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except (RecorderError, OSError) as error:
                self._tell(Ended(problem=str(error)))
            except Exception as error:  # noqa: BLE001 – the dialog must hear of it, whatever it was
                _log.exception("dataset dialog")
                self._tell(Ended(problem=f"{type(error).__name__}: {error}"))

    def _look(self, folder: Path, options: BuildOptions, turn: int) -> None:
        gone = withdrawals.read(self._home)
        folders: Sequence[Path] = session_folders(folder)
        found: list[Candidate] = []
        for path in folders:
            if turn != self._turn:
                return
            found.append(build_check.look(path, options, gone))
        self._tell(Looked(tuple(found), turn))

    def _build(self, order: Order) -> None:
        began = time.perf_counter()
        try:
            ready = dataset_build.prepare(order)
            workers = max(1, min(os.cpu_count() or 1, len(ready.jobs)))
            with self._pool(workers) as executor:
                done = dataset_build.carry_out(
                    ready,
                    executor,
                    lambda hours, name: self._tell(Went(hours, ready.hours, name)),
                    self._stop.is_set,
                )
            self._tell(Ended(done.told(time.perf_counter() - began)))
        except build.Cancelled:
            self._tell(Ended(stopped=True))

    def _tell(self, report: Report) -> None:
        self._reports.put(report)
        self._notify()
