"""All banners, over a window that is too low to hold them and its numbers. Shows and emits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QDialog, QFrame, QPushButton, QScrollArea, QScroller, QVBoxLayout, QWidget

from hemoview.ui.parts import on_screen, theme
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.record_view import Banner


class BannersDialog(QDialog):
    """Follows what is wrong while it is open, and ends when nothing is.

    Args:
        row: makes the line of one banner.
        parent: it is as wide as that.
    """

    asked = Signal(str)

    def __init__(self, row: Callable[[Banner], Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("banners-title"))
        self._row = row
        self.rows: list[Any] = []
        inside = QWidget()
        self._lines = QVBoxLayout(inside)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(1)
        self._lines.addStretch()
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setAccessibleName(text("banners-title"))
        QScroller.grabGesture(area.viewport(), QScroller.ScrollerGestureType.TouchGesture)
        self.close_button = QPushButton(text("banners-close"))
        self.close_button.setMinimumHeight(theme.touch_px())
        self.close_button.clicked.connect(self.accept)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 6)
        column.addWidget(area, 1)
        column.addWidget(self.close_button)
        self.close_button.setFocus()
        if parent is not None:
            self.resize(QSize(parent.width(), max(240, parent.height() - on_screen.TITLE_PX)))

    def show_banners(self, banners: tuple[Banner, ...]) -> None:
        """All of them, the worst first."""
        if not banners:
            self.accept()
            return
        if [(b.key, b.level) for b in banners] != [(row.key, row.level) for row in self.rows]:
            for row in self.rows:
                self._lines.removeWidget(row)
                row.deleteLater()
            self.rows = [self._row(banner) for banner in banners]
            for place, row in enumerate(self.rows):
                row.asked.connect(self._ask)
                self._lines.insertWidget(place, row)
        for row, banner in zip(self.rows, banners, strict=True):
            row.show_banner(banner)

    def _ask(self, action: str) -> None:
        self.accept()
        self.asked.emit(action)
