"""A stored session corrected, discarded or restored: the dialogs, and the work that is done in the browser's thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from hemoview.ui.sessions.amend_dialog import AmendDialog
from hemoview.ui.sessions.reason_dialog import ReasonDialog
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.amended import amended_words
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.jobs import Work
from hemoview.viewmodel.review.sessions import SessionRow
from hemoview.viewmodel.sessions.amend_form import AmendForm
from hemoview.viewmodel.window_settings import last_operator
from recorder import session as store
from recorder.clock import Clock
from recorder.errors import RecorderError
from recorder.session.amended import read_header


class SessionChanges:
    """Asks, then hands over what is to be done with the row's folder.

    Args:
        parent: the browser.
        do: carries out ``work`` on the folder of a row, in a thread of its own.
    """

    def __init__(self, parent: QWidget, do: Callable[[SessionRow, Work], None]) -> None:
        self._parent, self._do = parent, do
        self.dialog: AmendDialog | ReasonDialog | None = None

    def correct(self, row: SessionRow) -> None:
        """What was written about it."""
        folder = Path(row.path)
        try:
            header = read_header(folder)
        except (RecorderError, OSError):
            return  # the row says why; verify names it
        dialog = AmendDialog(AmendForm(header, operator=last_operator(folder)), self._parent)
        dialog.amended.connect(lambda request: self._do(row, lambda path: _amend(path, request)))
        dialog.resize(min(980, self._parent.width()), min(640, self._parent.height()))
        self._open(dialog)

    def discard(self, row: SessionRow) -> None:
        """Into quarantine."""
        explained = text("discard-text", name=row.name)
        dialog = ReasonDialog(
            "discard-title", explained, "button-discard-now", last_operator(Path(row.path)), self._parent
        )
        dialog.given.connect(lambda request: self._do(row, lambda path: _discard(path, request)))
        self._open(dialog)

    def restore(self, row: SessionRow) -> None:
        """Out of quarantine."""
        dialog = ReasonDialog(
            "browser.restore", row.name, "browser.restore", last_operator(Path(row.path).parent), self._parent
        )
        dialog.given.connect(lambda request: self._do(row, lambda path: _restore(path, request)))
        self._open(dialog)

    def _open(self, dialog: AmendDialog | ReasonDialog) -> None:
        self.dialog = dialog
        dialog.open()


def _amend(folder: Path, request: dict[str, Any]) -> Message:
    wall_ns = Clock.from_environment().wall_ns()
    store.amend(folder, request["changes"], who=request["who"], why=request["why"], wall_ns=wall_ns)
    return say("amended-done", name=folder.name, fields=amended_words(tuple(request["changes"])))


def _discard(folder: Path, request: dict[str, Any]) -> Message:
    wall_ns = Clock.from_environment().wall_ns()
    store.discard(folder, why=request["why"], who=request["operator"], wall_ns=wall_ns)
    return say("discarded-done", name=folder.name)


def _restore(folder: Path, request: dict[str, Any]) -> Message:
    wall_ns = Clock.from_environment().wall_ns()
    sessions = folder.parent.parent
    store.restore(sessions, folder.name, who=request["operator"], why=request["why"], wall_ns=wall_ns)
    return say("restored-done", name=folder.name)
