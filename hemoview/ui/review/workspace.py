"""The Review workspace: the session browser, and the page of the session that was opened from it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QStackedWidget, QWidget

from hemoview.ui.parts.figure import Figure
from hemoview.ui.parts.savable import Wanted
from hemoview.ui.review.browser import SessionBrowser
from hemoview.ui.review.page import ReviewPage


class ReviewWorkspace(QStackedWidget):
    """Browser first; a session opened from it takes the whole place until the user goes back.

    Args:
        folder: of session folders; the user's own where None.
    """

    def __init__(self, folder: Path | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.browser = SessionBrowser(folder)
        self.page = ReviewPage()
        self.addWidget(self.browser)
        self.addWidget(self.page)
        self.browser.open_requested.connect(self.open_session)
        self.page.browse_requested.connect(self.browse)

    def open_session(self, path: str) -> None:
        """Show a session."""
        self.setCurrentWidget(self.page)
        self.page.open_session(path)

    def figure(self) -> Figure | None:
        """Of the page, while it is in front."""
        return self.page.figure() if self.currentWidget() is self.page else None

    def wanted(self) -> Wanted | None:
        """Of the page, while it is in front."""
        return self.page.wanted() if self.currentWidget() is self.page else None

    def use_pressure_unit(self, unit: str) -> None:
        """``mmHg`` or ``kPa`` from now on."""
        self.page.use_pressure_unit(unit)

    def browse(self) -> None:
        """Back to the list; what was open stays open."""
        self.setCurrentWidget(self.browser)
