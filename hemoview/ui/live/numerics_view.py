"""A row of numbers: estimate hatched and tagged, interval beside it, reference in its own colour."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Fitted, Hatched, Words, Wrapped
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.record_view import Cell, NumericRow

BIG = ("SBP", "MAP", "DBP", "HR")
DOWN, ALONG = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
LOW_ROW_PX, LOW_CELL_PX = 48, 50
"""Below this height a row or cell has room for one line of words: banners and the strip that guides took the rest."""


class BigRow(QFrame):
    """SBP, MAP, DBP or HR: name, estimate with interval, reference."""

    def __init__(self, parameter: str) -> None:
        super().__init__()
        self.setObjectName("panel")
        right = Qt.AlignmentFlag.AlignRight
        self.name = Words(20, bold=True)
        self.unit = Words(13)
        self.value = Fitted(46, bold=True, align=right)
        self.interval = Fitted(19)
        self.note = Wrapped(12)
        self.reference = Fitted(46, bold=True, align=right)
        self.reference_note = Wrapped(12, align=right)
        self.estimate = Hatched()
        self._arrange()
        self.setAccessibleName(parameter)

    def _arrange(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addStretch()
        names.addWidget(self.name)
        names.addWidget(self.unit)
        names.addStretch()
        beside = QVBoxLayout()
        beside.setSpacing(1)
        beside.addStretch()
        beside.addWidget(self.interval)
        beside.addWidget(self.note)
        beside.addStretch()
        inner = QHBoxLayout(self.estimate)
        inner.setContentsMargins(6, 0, 6, 0)
        inner.setSpacing(8)
        inner.addWidget(self.value, 5)
        inner.addLayout(beside, 5)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 3, 12, 3)
        row.setSpacing(8)
        row.addLayout(names, 3)
        row.addWidget(self.estimate, 11)
        row.addWidget(self.reference_note, 4)
        row.addWidget(self.reference, 5)
        for widget in (self.name, self.unit, self.note, self.estimate, self.reference_note):
            widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Digits as large as the row allows."""
        least = min(28, max(20, self.height() - 10))
        pixels = max(least, min(int(self.height() * 0.56), int(self.width() * 0.1)))
        self.value.set_pixels(pixels)
        self.reference.set_pixels(pixels)
        self.interval.set_pixels(int(pixels * 0.42))
        self.name.setFont(theme.font(int(pixels * 0.42), bold=True))
        low = self.height() < LOW_ROW_PX
        self.unit.setFont(theme.font(max(10, min(13, (self.height() - 8) // 3))))
        self.note.set_one_line(low)
        self.reference_note.set_one_line(low)
        super().resizeEvent(event)

    def show_row(self, row: NumericRow) -> None:
        """Set the words; decide nothing."""
        role = "estimate" if row.colour == "pressure" else row.colour
        _tell_claim(self, row)
        self.name.show_text(row.parameter, "text")
        self.unit.show_text(row.unit, "quiet")
        self.estimate.set_role(role)
        _show_estimate(row.estimate, self.value, self.interval, self.note, role)
        own = row.reference
        colour = "hr" if row.colour == "hr" else "reference"
        self.reference.show_text(own.text if own else "", "muted" if own and own.muted else colour)
        self.reference_note.show_text(words(own.reason) if own else "", "muted")


class SmallCell(QFrame):
    """One of CO … SVRI: name and unit above, value and interval or the reason below."""

    def __init__(self, parameter: str) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.name = Words(14, bold=True)
        self.unit = Words(11, align=Qt.AlignmentFlag.AlignRight)
        self.value = Fitted(20, bold=True)
        self.interval = Fitted(11)
        self.note = Fitted(10)
        self.estimate = Hatched()
        beside = QHBoxLayout()
        beside.setSpacing(4)
        beside.addWidget(self.value, 4)
        beside.addWidget(self.interval, 5)
        self._inner = inner = QBoxLayout(DOWN, self.estimate)
        inner.setContentsMargins(4, 0, 2, 2)
        inner.setSpacing(0)
        inner.addLayout(beside, 1)
        inner.addWidget(self.note, 0)
        self._head = head = QBoxLayout(ALONG)
        head.setSpacing(1)
        head.addWidget(self.name)
        head.addWidget(self.unit)
        self._whole = whole = QBoxLayout(DOWN, self)
        whole.setContentsMargins(7, 3, 6, 4)
        whole.setSpacing(1)
        whole.addLayout(head)
        whole.addWidget(self.estimate, 1)
        self.setAccessibleName(parameter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """One line of words where there is no room for three."""
        self._lay_out()
        super().resizeEvent(event)

    def _lay_out(self) -> None:
        low, number = self.height() < LOW_CELL_PX, self.interval.isVisibleTo(self)
        self._inner.setDirection(ALONG if low else DOWN)
        self._inner.setStretch(0, 3 if number else 1)
        self._inner.setStretch(1, (1 if number else 3) if low else 0)
        self._whole.setDirection(ALONG if low else DOWN)
        self._whole.setContentsMargins(7, 1 if low else 3, 6, 1 if low else 4)
        self._head.setDirection(DOWN if low else ALONG)
        self.unit.setVisible(number or not low)  # a dash has no unit

    def show_row(self, row: NumericRow) -> None:
        """Set the words; decide nothing."""
        self.name.show_text(row.parameter, "text")
        _tell_claim(self, row)
        self.unit.show_text(row.unit, "quiet")
        self.estimate.set_role(row.colour)
        _show_estimate(row.estimate, self.value, self.interval, self.note, row.colour)
        self._lay_out()


def _tell_claim(widget: QWidget, row: NumericRow) -> None:
    """Who stands behind a number, for whoever points at it or has it read out."""
    told = words(row.claim)
    if told != widget.toolTip():
        widget.setToolTip(told)
        widget.setAccessibleDescription(told)


def _show_estimate(cell: Cell, value: Words, interval: Words, note: Words, role: str) -> None:
    value.show_text(cell.text, role if cell.interval else "muted")
    interval.show_text(f"[{cell.interval}]" if cell.interval else "", role)
    interval.setVisible(bool(cell.interval))
    tag = text(cell.tag) if cell.tag else ""
    note.show_text(
        " · ".join(part for part in (tag, words(cell.reason)) if part), "muted" if not tag else role
    )
