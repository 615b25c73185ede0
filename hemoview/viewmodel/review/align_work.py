"""The thread behind the alignment panel: reads beats in stretches, aligns, keeps versions. One job at a time.

A job for a session that is no longer open is given up at its next stretch; its answer, should it come, carries an older
generation and is dropped by whoever drains.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hemoview.viewmodel.answers import taken
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.align_deeds import Beats, Deeds, Known
from recorder.errors import RecorderError
from recorder.session.files import why_of

_log = logging.getLogger(__name__)

Kind = Literal["look", "beats", "align", "keep"]
Tell = Callable[[float], None]
"""Hears the share that is done, 0 to 1; raises :class:`GivenUp` where nobody wants the rest."""


class GivenUp(Exception):
    """The user cancelled, or the session is no longer open."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A job is under way, so far."""

    generation: int
    kind: Kind
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Ended:
    """A job ended: what is known now, beats where they were read, and a line to say.

    ``failed``: nothing came of it; ``note`` says why.
    """

    generation: int
    kind: Kind
    known: Known | None = None
    beats: Beats | None = None
    note: Message | None = None
    failed: bool = False


Report = Begun | Ended


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do with a session folder."""

    kind: Kind
    generation: int
    path: Path
    do: Callable[[Tell], Ended]


class AlignWork:
    """Runs jobs in order in a thread of its own; reports are drained by the window.

    Args:
        deeds: what can be done with a session.
        notify: called from the thread whenever a report waits; must return at once.
    """

    def __init__(self, deeds: Deeds, notify: Callable[[], None]) -> None:
        self._deeds = deeds
        self._notify = notify
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._generation = 0
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="review-align", daemon=True)
        self._thread.start()

    def session(self) -> int:
        """Another session is open, or none: what is under way is given up. Returns the generation of its answers."""
        self._generation += 1
        return self._generation

    def look(self, path: Path) -> None:
        """Read the versions; quick."""
        generation = self._generation
        self._put("look", path, lambda _tell: Ended(generation, "look", self._deeds.known(path)))

    def beats(self, path: Path) -> None:
        """Read the beats of both devices."""
        generation = self._generation
        self._put("beats", path, lambda tell: Ended(generation, "beats", beats=self._deeds.beats(path, tell)))

    def align(self, path: Path, who: str) -> None:
        """Compute an alignment and keep it, refusals too."""
        generation = self._generation

        def do(tell: Tell) -> Ended:
            return Ended(generation, "align", self._deeds.align(path, who, tell))

        self._put("align", path, do)

    def keep(self, path: Path, deed: Callable[[Path], Known]) -> None:
        """Append a version: a nudge, a lock, an undo."""
        generation = self._generation
        self._put("keep", path, lambda _tell: Ended(generation, "keep", deed(path)))

    def cancel(self) -> None:
        """Give up the job under way; what was kept before stays."""
        self._cancelled.set()

    def drain(self) -> list[Report]:
        """Everything reported since the last call."""
        return taken(self._reports)

    def close(self) -> None:
        """End after the job under way, which is given up unless it is writing."""
        self._generation += 1
        self._jobs.put(None)

    def _put(self, kind: Kind, path: Path, do: Callable[[Tell], Ended]) -> None:
        self._jobs.put(Job(kind, self._generation, path, do))

    # Everything below runs in the thread.

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.generation != self._generation and job.kind != "keep":
                continue
            self._cancelled.clear()
            self._tell(self._done(job))

    def _done(self, job: Job) -> Ended:
        def tell(share: float) -> None:
            if self._cancelled.is_set() or job.generation != self._generation:
                raise GivenUp
            self._tell(Begun(job.generation, job.kind, share))

        try:
            return job.do(tell)
        except GivenUp:
            return self._failed(job, say("align-cancelled"))
        except (RecorderError, OSError) as error:
            return self._failed(job, say("align-failed", why=why_of(error)))
        except Exception as error:  # noqa: BLE001 -- the panel must hear of it, whatever it was
            _log.exception("alignment: %s failed", job.kind)
            return self._failed(job, say("align-failed", why=f"{type(error).__name__}: {error}"))

    def _failed(self, job: Job, note: Message) -> Ended:
        return Ended(job.generation, job.kind, note=note, failed=True)

    def _tell(self, report: Report) -> None:
        self._reports.put(report)
        self._notify()
