"""What the buttons of Review that change a stored session share: a thread that writes, a box if it could not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from hemoview.ui.parts.bell import Bell, end_with
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.review.jobs import Finished, SessionJobs, Work
from hemoview.viewmodel.review.model import ReviewView


class ChangeDesk(QObject):
    """Writes beside a session in a thread of its own; ``done()`` follows, however it ended.

    Args:
        page: whose session.
        view: what it shows now.
        button, tip, title: ids of the catalogue; ``title`` is that of the box that says what went wrong.
    """

    done = Signal()

    def __init__(
        self, page: QWidget, view: Callable[[], ReviewView], *, button: str, tip: str, title: str
    ) -> None:
        super().__init__(page)
        self.page, self.view = page, view
        self._title = title
        self._jobs: SessionJobs | None = None
        self.button = QPushButton(text(button))
        self.button.setToolTip(text(tip))
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.button.hide()

    def change(self, path: Path, work: Work) -> None:
        """Do it; one at a time."""
        if self._jobs is None:
            self._jobs = SessionJobs(Bell(self._on_report).ring)
            end_with(self, self._jobs.close)
        self._jobs.change(path, work)

    def _on_report(self) -> None:
        for report in self._jobs.drain() if self._jobs is not None else ():
            if isinstance(report, Finished) and not report.ok:
                box = QMessageBox(QMessageBox.Icon.Warning, text(self._title), words(report.message))
                box.setParent(self.page, box.windowFlags())
                box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
                box.open()
            self.done.emit()
