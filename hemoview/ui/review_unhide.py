"""The Review button that shows what a finished session's template hid, with a reason that is recorded (rule 13)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from hemoview.ui.catalogue import text, words
from hemoview.ui.reason_dialog import ReasonDialog
from hemoview.ui.review_bridge import Bell, end_with
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review_jobs import Finished, SessionJobs
from hemoview.viewmodel.review_model import ReviewView
from hemoview.viewmodel.window_settings import last_operator
from recorder import session as store
from recorder.clock import Clock


class UnhideDesk(QObject):
    """Asks who and why, writes it beside the session in a thread of its own; ``done()`` follows.

    Args:
        page: whose session.
        view: what it shows now.
    """

    done = Signal()

    def __init__(self, page: QWidget, view: Callable[[], ReviewView]) -> None:
        super().__init__(page)
        self._page, self._view = page, view
        self._jobs: SessionJobs | None = None
        self.dialog: ReasonDialog | None = None
        self.button = QPushButton(text("unhide-button"))
        self.button.setToolTip(text("unhide-text"))
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.button.clicked.connect(self.ask)
        self.button.hide()

    def show_view(self, view: ReviewView) -> None:
        """Only where there is something to show; a session that is recorded is shown on the Record page."""
        facts = view.facts
        self.button.setVisible(facts is not None and facts.estimates_hidden and not facts.live)

    def ask(self) -> None:
        """Who, and why."""
        facts = self._view().facts
        if facts is None or not facts.estimates_hidden:
            return
        path = Path(facts.path)
        dialog = self.dialog = ReasonDialog(
            "unhide-title", text("unhide-text"), "unhide-now", last_operator(path), self._page
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.given.connect(lambda request: self._unhide(path, request))
        dialog.open()

    def _unhide(self, path: Path, request: dict[str, Any]) -> None:
        if self._jobs is None:
            self._jobs = SessionJobs(Bell(self._on_report).ring)
            end_with(self, self._jobs.close)
        self._jobs.change(path, lambda folder: _unhidden(folder, request))

    def _on_report(self) -> None:
        for report in self._jobs.drain() if self._jobs is not None else ():
            if isinstance(report, Finished) and not report.ok:
                box = QMessageBox(QMessageBox.Icon.Warning, text("unhide-title"), words(report.message))
                box.setParent(self._page, box.windowFlags())
                box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
                box.open()
            self.done.emit()


def _unhidden(folder: Path, request: dict[str, Any]) -> Message:
    wall_ns = Clock.from_environment().wall_ns()
    store.unhide(folder, who=request["operator"], why=request["why"], wall_ns=wall_ns)
    return say("unhide-done", name=folder.name)
