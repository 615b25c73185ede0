"""The Trends workspace: the running session at once, or one chosen from the browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from hemoview.ui.parts.figure import Figure
from hemoview.ui.parts.savable import Wanted
from hemoview.ui.review.browser import SessionBrowser
from hemoview.ui.trends.page import TrendsPage

LOOK_MS = 2000


class TrendsWorkspace(QStackedWidget):
    """Opens with what is being recorded; without a recording, with the list of sessions.

    Args:
        folder: of session folders; the user's own where None.
        running: folder of the session being recorded now, None where nothing is.
    """

    def __init__(
        self,
        folder: Path | None = None,
        running: Callable[[], Path | None] = lambda: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._running = running
        self._followed: Path | None = None
        self.browser, self.page = SessionBrowser(folder), TrendsPage()
        self.addWidget(self.browser)
        self.addWidget(self.page)
        self.browser.open_requested.connect(self.open_session)
        self.page.browse_requested.connect(self.browse)
        self.page.running_requested.connect(self.open_running)
        self._looking = QTimer(self, interval=LOOK_MS)
        self._looking.timeout.connect(self._look)

    def open_session(self, path: str) -> None:
        """Show a session."""
        self._followed = self._running() if Path(path) == self._running() else None
        self.setCurrentWidget(self.page)
        self.page.open_session(path)
        self._look()

    def open_running(self) -> None:
        """Show what is being recorded now, and whatever is recorded after it."""
        now = self._running()
        if now is not None:
            self.open_session(str(now))

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

    def showEvent(self, event: QShowEvent) -> None:
        """With nothing open yet, the running session."""
        super().showEvent(event)
        self._looking.start()
        if self.page.model.view().phase == "empty":
            self.open_running()
        self._look()

    def hideEvent(self, event: QHideEvent) -> None:
        """Hidden: nothing runs."""
        super().hideEvent(event)
        self._looking.stop()

    def _look(self) -> None:
        """The next subject's session takes the place of one that was followed, never of one that was chosen."""
        now, facts = self._running(), self.page.model.facts
        if now is not None and self._followed is not None and now != self._followed:
            self.open_session(str(now))
            return
        shown = facts is not None and now is not None and Path(facts.path) == now
        self.page.show_running(can=now is not None and not shown)
