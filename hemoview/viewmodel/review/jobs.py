"""Long work of the session browser in a thread of its own: listing, verifying, recovering. One job at a time."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hemoview.viewmodel.answers import taken
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.sessions import SessionRow, read_row, session_folders
from hemoview.viewmodel.review.written import being_written
from recorder import session as store
from recorder.errors import RecorderError
from recorder.session.files import why_of
from recorder.session.verify import VerifyReport

_log = logging.getLogger(__name__)
_BATCH = 24
_MOST_PARTS = 3

JobKind = Literal["list", "verify", "recover", "change"]
Work = Callable[[Path], Message]
"""Changes a session – corrects, discards, restores it – and says in one line what came of it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Some rows of a listing; ``first``: forget those of the listing before. ``done``/``total`` count folders."""

    rows: tuple[SessionRow, ...]
    first: bool
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A session was verified or recovered: what came of it, and its row as it is now."""

    kind: JobKind
    row: SessionRow
    message: Message
    ok: bool


Report = Listed | Finished


class SessionJobs:
    """Runs jobs in order; reports are drained by the window.

    Args:
        notify: called from the thread whenever a report waits; must return at once.
    """

    def __init__(self, notify: Callable[[], None]) -> None:
        self._notify = notify
        self._jobs: queue.Queue[tuple[JobKind, Path, Work | None] | None] = queue.Queue()
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._listing = 0
        self._thread = threading.Thread(target=self._run, name="session-jobs", daemon=True)
        self._thread.start()

    def list(self, folder: Path) -> None:
        """Read every session of a folder; an older listing under way is given up."""
        self._listing += 1
        self._jobs.put(("list", folder, None))

    def verify(self, folder: Path) -> None:
        """Prove a session whole, or name what is damaged."""
        self._jobs.put(("verify", folder, None))

    def recover(self, folder: Path) -> None:
        """Make a killed or damaged session whole, as far as that goes."""
        self._jobs.put(("recover", folder, None))

    def change(self, folder: Path, work: Work) -> None:
        """Correct, discard or restore a session."""
        self._jobs.put(("change", folder, work))

    def drain(self) -> tuple[Report, ...]:
        """Everything reported since the last call."""
        return tuple(taken(self._reports))

    def close(self) -> None:
        """End after the job under way; a verify or recover is never cut in two."""
        self._listing += 1
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            kind, folder, work = job
            if kind == "list":
                self._list(folder, self._listing)
            else:
                self._tell(finish_job(kind, folder, work))

    def _list(self, folder: Path, listing: int) -> None:
        try:
            folders = session_folders(folder)
        except OSError:
            folders = []
        rows: tuple[SessionRow, ...] = ()
        first = True
        for done, path in enumerate(folders, start=1):
            if listing != self._listing:
                return
            rows = (*rows, read_row(path))
            if len(rows) == _BATCH or done == len(folders):
                self._tell(Listed(rows, first, done, len(folders)))
                rows, first = (), False
        if not folders:
            self._tell(Listed((), first=True, done=0, total=0))

    def _tell(self, report: Report) -> None:
        self._reports.put(report)
        self._notify()


def finish_job(kind: JobKind, folder: Path, work: Work | None = None) -> Finished:
    """Verify, recover or change a session, and say in one line what came of it."""
    name, proved_damaged = folder.name, kind == "verify"
    try:
        if kind == "recover" and being_written(folder):
            ok, message = False, say("browser.recover-live", name=name)
        elif work is not None:
            ok, message = True, work(folder)
        else:
            ok, message = (_verified if kind == "verify" else _recovered)(folder)
            proved_damaged = not ok
    except (RecorderError, OSError) as error:
        ok, message = False, say("browser.job-failed", name=name, why=why_of(error))
    except Exception as error:  # noqa: BLE001 -- the browser must hear of it, whatever it was
        _log.exception("%s failed", kind)
        ok, message = False, say("browser.job-failed", name=name, why=f"{type(error).__name__}: {error}")
    row = read_row(folder)
    if proved_damaged and not ok and row.openable:
        row = replace(row, state="damaged", note=message)
    return Finished(kind, row, message, ok)


def _verified(folder: Path) -> tuple[bool, Message]:
    report = store.verify(folder)
    if report.ok:
        return True, say("browser.verified-ok", name=folder.name, segments=report.segments)
    return False, _damage(
        "browser.verified-damaged" if report.mendable else "browser.verified-lost", folder, report
    )


def _recovered(folder: Path) -> tuple[bool, Message]:
    report = store.recover(folder)
    if report.after is not None and not report.after.ok:
        return False, _damage("browser.recovered-partly", folder, report.after)
    counts = {"sealed": len(report.sealed) + len(report.adopted), "aside": len(report.set_aside)}
    if report.lost:
        return True, say("browser.recovered-less", name=folder.name, parts=_parts(report.lost), **counts)
    return True, say("browser.recovered", name=folder.name, **counts)


def _damage(message_id: str, folder: Path, report: VerifyReport) -> Message:
    """Which files are damaged and what that costs."""
    parts = _parts([(d.file, d.why) for d in report.damaged])
    return say(message_id, name=folder.name, parts=parts, seconds=report.seconds_lost)


def _parts(damaged: list[tuple[str, str]]) -> str:
    shown = "; ".join(f"{file}: {why}" for file, why in damaged[:_MOST_PARTS])
    return f"{shown}; …" if len(damaged) > _MOST_PARTS else shown
