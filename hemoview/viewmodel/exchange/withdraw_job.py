"""Looking for a subject, and withdrawing it, in a thread of its own. No Qt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hemoview.labels.withdrawal import withdrawal
from hemoview.labels.withdrawal.places import look_through
from hemoview.labels.withdrawal.withdrawal import Holding, Places
from hemoview.viewmodel.exchange.withdraw_form import WithdrawForm
from recorder.errors import RecorderError
from recorder.host import places
from recorder.session.files import why_of


@dataclass(frozen=True, slots=True)
class Searched:
    """What holds the subject, and which folders could not be looked through."""

    found: tuple[Holding, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What was done, a line each, and what could not be."""

    erased: tuple[str, ...]
    marked: tuple[str, ...]
    failed: tuple[str, ...]


Outcome = Searched | Withdrawn


class WithdrawJob:
    """Runs from construction on; ``ended`` is called from its thread when ``outcome`` or ``problem`` is there.

    Args:
        work: told how to say how many of the holdings are done.
        ended: heard once; must return at once.
    """

    def __init__(
        self, work: Callable[[Callable[[], None]], Outcome], ended: Callable[[], None], steps: int = 0
    ) -> None:
        self.steps, self.done = steps, 0
        self.outcome: Outcome | None = None
        self.problem = ""
        self._work, self._ended = work, ended
        self._thread = threading.Thread(target=self._run, name="withdraw", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> None:
        """Until it has ended."""
        self._thread.join(timeout_s)

    def _step(self) -> None:
        self.done += 1

    def _run(self) -> None:
        try:
            self.outcome = self._work(self._step)
        except (RecorderError, OSError) as error:
            self.problem = why_of(error)
        self._ended()


def places_of(form: WithdrawForm, home: Path, sessions: Path) -> Places:
    """Where is looked: what this machine knows of, the sessions on screen, and the folders that were named."""
    folders = tuple(dict.fromkeys((places.sessions_dir(home), sessions)))
    return Places(home, folders, (), (places.models_dir(),), form.folders)


def search(form: WithdrawForm, home: Path, sessions: Path) -> Searched:
    """Look for the subject of a form.

    Raises:
        RecorderError: a list that must be read cannot be.
    """
    looked = places_of(form, home, sessions)
    found = tuple(withdrawal.find(form.subject.strip(), looked))
    return Searched(found, tuple(look_through(form.folders).unread))


def carry_out(form: WithdrawForm, looked: Places, step: Callable[[], None]) -> Withdrawn:
    """Do what the form says.

    Raises:
        RecorderError: it cannot be written down; then nothing was deleted.
    """
    done, failed = withdrawal.withdraw(
        form.subject.strip(),
        form.found or (),
        looked,
        why=form.why.strip(),
        who=form.operator.strip(),
        tell=lambda _: step(),
    )
    return Withdrawn(done.erased, done.marked, tuple(failed))
