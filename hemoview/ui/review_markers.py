"""The Review button for markers: asks, writes beside the session in a thread of its own; ``done()`` follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from hemoview.ui.catalogue import text, words
from hemoview.ui.markers_dialog import MarkersDialog
from hemoview.ui.review_bridge import Bell, end_with
from hemoview.viewmodel.marker_form import may_change
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review_jobs import Finished, SessionJobs
from hemoview.viewmodel.review_model import ReviewView
from hemoview.viewmodel.window_settings import last_operator
from recorder import session as store
from recorder.clock import Clock


class MarkersDesk(QObject):
    """Markers of the session on the page.

    Args:
        page: whose session.
        view: what it shows now.
    """

    done = Signal()

    def __init__(self, page: QWidget, view: Callable[[], ReviewView]) -> None:
        super().__init__(page)
        self._page, self._view = page, view
        self._jobs: SessionJobs | None = None
        self.dialog: MarkersDialog | None = None
        self.button = QPushButton(text("markers-button"))
        self.button.setToolTip(text("markers-tip"))
        self.button.setAccessibleName(text("markers-title"))
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.button.clicked.connect(self.ask)
        self.button.hide()

    def show_view(self, view: ReviewView) -> None:
        """Only for a session that has ended."""
        self.button.setVisible(may_change(view.facts))

    def ask(self) -> None:
        """What, who and why."""
        view = self._view()
        if view.facts is None or not may_change(view.facts):
            return
        path, t_s = Path(view.facts.path), view.wish.cursor_s
        dialog = self.dialog = MarkersDialog(view.facts, t_s, last_operator(path), self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.placed.connect(
            lambda label, why, who: self._do(path, lambda folder: _placed(folder, label, t_s, who, why))
        )
        dialog.taken_back.connect(
            lambda event_id, why, who: self._do(path, lambda folder: _taken_back(folder, event_id, who, why))
        )
        dialog.open()

    def _do(self, path: Path, work: Callable[[Path], Message]) -> None:
        if self._jobs is None:
            self._jobs = SessionJobs(Bell(self._on_report).ring)
            end_with(self, self._jobs.close)
        self._jobs.change(path, work)

    def _on_report(self) -> None:
        for report in self._jobs.drain() if self._jobs is not None else ():
            if isinstance(report, Finished) and not report.ok:
                box = QMessageBox(QMessageBox.Icon.Warning, text("markers-title"), words(report.message))
                box.setParent(self._page, box.windowFlags())
                box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
                box.open()
            self.done.emit()


def _placed(folder: Path, label: str, t_s: float, who: str, why: str) -> Message:
    store.place_marker(folder, label, t_s, who=who, why=why, wall_ns=Clock.from_environment().wall_ns())
    return say("markers-placed", name=folder.name)


def _taken_back(folder: Path, event_id: str, who: str, why: str) -> Message:
    store.take_marker_back(folder, event_id, who=who, why=why, wall_ns=Clock.from_environment().wall_ns())
    return say("markers-taken-back", name=folder.name)
