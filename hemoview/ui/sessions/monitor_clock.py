"""Entering what the monitor's clock shows; the moment of the last key is the moment it showed that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.parts.enter_key import ok_and_cancel
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel import formats
from recorder.acquire.monitor_clock import ahead_s, second_of_day


class ClockLine(QWidget):
    """One field and how far the clock is off. Empty is an answer too: nobody looked.

    Args:
        wall_ns: this computer's clock.
    """

    changed = Signal()

    def __init__(self, wall_ns: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wall_ns, self._at_ns = wall_ns, 0
        self.line, self.said = QLineEdit(), Words(14)
        self.line.setPlaceholderText("14:05:30")
        self.line.setAccessibleName(text("clock-shows"))
        self.line.setFixedWidth(theme.touch_px() * 3)
        self.line.textChanged.connect(self._typed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch()
        row.addWidget(QLabel(text("clock-shows")))
        row.addWidget(self.line)
        row.addWidget(self.said)
        row.addStretch()

    @property
    def request(self) -> dict[str, Any] | None:
        """Arguments of ``monitor_clock``; None while there is no time in the field."""
        shown = self.line.text().strip()
        return {"shown": shown, "at_wall_ns": self._at_ns} if second_of_day(shown) is not None else None

    def _typed(self) -> None:
        self._at_ns = self._wall_ns()
        shown_s = second_of_day(self.line.text())
        if shown_s is None:
            self.said.show_text(text("clock-form") if self.line.text().strip() else "", "warn")
        else:
            now = datetime.fromtimestamp(self._at_ns / 1e9).astimezone()
            ahead = ahead_s(shown_s, now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6)
            far = formats.age(abs(ahead))
            self.said.show_text(text("clock-ahead" if ahead >= 0 else "clock-behind", far=far), "quiet")
        self.changed.emit()


class ClockDialog(QDialog):
    """The same while a session runs. Emits ``entered(request)``."""

    entered = Signal(dict)

    def __init__(self, wall_ns: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("menu-clock"))
        self.clock = ClockLine(wall_ns)
        self.ok, buttons = ok_and_cancel(self, self._enter)
        self.ok.setEnabled(False)
        self.clock.changed.connect(lambda: self.ok.setEnabled(self.clock.request is not None))
        explained = QLabel(text("clock-explained"))
        explained.setWordWrap(True)
        column = QVBoxLayout(self)
        column.addWidget(explained)
        column.addWidget(self.clock)
        column.addLayout(buttons)
        self.setMinimumWidth(560)
        self.clock.line.setFocus()

    def _enter(self) -> None:
        request = self.clock.request
        if request is not None:
            self.entered.emit(request)
            self.accept()
