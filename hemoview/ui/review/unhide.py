"""The Review button that shows what a finished session's template hid, with a reason that is recorded (rule 13)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from hemoview.ui.review.change_desk import ChangeDesk
from hemoview.ui.sessions.reason_dialog import ReasonDialog
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.model import ReviewView
from hemoview.viewmodel.window_settings import last_operator
from recorder import session as store
from recorder.clock import Clock


class UnhideDesk(ChangeDesk):
    """Asks who and why; see :class:`ChangeDesk`."""

    def __init__(self, page: QWidget, view: Callable[[], ReviewView]) -> None:
        super().__init__(page, view, button="unhide-button", tip="unhide-text", title="unhide-title")
        self.dialog: ReasonDialog | None = None
        self.button.clicked.connect(self.ask)

    def show_view(self, view: ReviewView) -> None:
        """Only where there is something to show; a session that is recorded is shown on the Record page."""
        facts = view.facts
        self.button.setVisible(facts is not None and facts.estimates_hidden and not facts.live)

    def ask(self) -> None:
        """Who, and why."""
        facts = self.view().facts
        if facts is None or not facts.estimates_hidden:
            return
        path = Path(facts.path)
        dialog = self.dialog = ReasonDialog(
            "unhide-title", text("unhide-text"), "unhide-now", last_operator(path), self.page
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.given.connect(lambda request: self.change(path, lambda folder: _unhidden(folder, request)))
        dialog.open()


def _unhidden(folder: Path, request: dict[str, Any]) -> Message:
    wall_ns = Clock.from_environment().wall_ns()
    store.unhide(folder, who=request["operator"], why=request["why"], wall_ns=wall_ns)
    return say("unhide-done", name=folder.name)
