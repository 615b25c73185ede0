"""The Review button for markers of a finished session: asks what, who and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from hemoview.ui.review.change_desk import ChangeDesk
from hemoview.ui.review.markers_dialog import MarkersDialog
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.marker_form import may_change
from hemoview.viewmodel.review.model import ReviewView
from hemoview.viewmodel.window_settings import last_operator
from recorder import session as store
from recorder.clock import Clock


class MarkersDesk(ChangeDesk):
    """Markers of the session on the page; see :class:`ChangeDesk`."""

    def __init__(self, page: QWidget, view: Callable[[], ReviewView]) -> None:
        super().__init__(page, view, button="markers-button", tip="markers-tip", title="markers-title")
        self.dialog: MarkersDialog | None = None
        self.button.setAccessibleName(text("markers-title"))
        self.button.clicked.connect(self.ask)

    def show_view(self, view: ReviewView) -> None:
        """Only for a session that has ended."""
        self.button.setVisible(may_change(view.facts))

    def ask(self) -> None:
        """What, who and why."""
        view = self.view()
        if view.facts is None or not may_change(view.facts):
            return
        path, t_s = Path(view.facts.path), view.wish.cursor_s
        dialog = self.dialog = MarkersDialog(view.facts, t_s, last_operator(path), self.page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.placed.connect(
            lambda label, why, who: self.change(path, lambda folder: _placed(folder, label, t_s, who, why))
        )
        dialog.taken_back.connect(
            lambda event_id, why, who: self.change(
                path, lambda folder: _taken_back(folder, event_id, who, why)
            )
        )
        dialog.open()


def _placed(folder: Path, label: str, t_s: float, who: str, why: str) -> Message:
    store.place_marker(folder, label, t_s, who=who, why=why, wall_ns=Clock.from_environment().wall_ns())
    return say("markers-placed", name=folder.name)


def _taken_back(folder: Path, event_id: str, who: str, why: str) -> Message:
    store.take_marker_back(folder, event_id, who=who, why=why, wall_ns=Clock.from_environment().wall_ns())
    return say("markers-taken-back", name=folder.name)
