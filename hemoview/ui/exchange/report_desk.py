"""The Report button of Review and of Trends, and what it opens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QPushButton, QWidget

from hemoview.ui.exchange.report_dialog import ReportDialog
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.facts import SessionFacts
from recorder.session.header import SESSION_FILE


class ReportDesk(QObject):
    """Opens the dialog on what a page shows.

    Args:
        page: whose session.
        facts: of what it shows now.
        home: folder for reports; the user's own where None.
    """

    def __init__(
        self, page: QWidget, facts: Callable[[], SessionFacts | None], home: Path | None = None
    ) -> None:
        super().__init__(page)
        self._page, self._facts, self.home = page, facts, home
        self.dialog: ReportDialog | None = None
        self.button = QPushButton(text("browser.report"))
        self.button.setToolTip(text("report.key"))
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.button.clicked.connect(self.ask)
        QShortcut(
            QKeySequence("Ctrl+R"), page, self.ask, context=Qt.ShortcutContext.WidgetWithChildrenShortcut
        )

    def show_facts(self, facts: SessionFacts | None) -> None:
        """Nothing to report, nothing to press."""
        self.button.setEnabled(_folder(facts) is not None)

    def ask(self) -> None:
        """Open the dialog."""
        folder = _folder(self._facts())
        if folder is None:
            return
        self.dialog = ReportDialog(folder, self.home, parent=self._page)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.finished.connect(lambda _: setattr(self, "dialog", None))
        self.dialog.open()


def _folder(facts: SessionFacts | None) -> Path | None:
    """Of the session; a file that was saved from one is none."""
    if facts is None or not (Path(facts.path) / SESSION_FILE).is_file():
        return None
    return Path(facts.path)
