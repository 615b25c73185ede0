"""A word that something was done, for a moment, in nobody's way."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QWidget

from hemoview.ui.parts import theme

NOTICE_MS = 5000


class Notice(QLabel):
    """A line at the foot of the window that goes by itself."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("panel")
        self.setWordWrap(True)
        self.setMargin(12)
        self.setStyleSheet(f"background: {theme.RAISED}; border: 1px solid {theme.LINE}; border-radius: 6px;")
        self._ending = QTimer(self, interval=NOTICE_MS, singleShot=True)
        self._ending.timeout.connect(self.hide)
        self.hide()

    def say(self, words: str) -> None:
        """Show these words for a while."""
        window = self._window
        self.setText(words)
        self.setAccessibleName(words)
        width = min(window.width() - 40, 620)
        self.setGeometry(0, 0, width, self.heightForWidth(width))
        self.move((window.width() - width) // 2, window.height() - self.height() - 70)
        self.show()
        self.raise_()
        self._ending.start()
