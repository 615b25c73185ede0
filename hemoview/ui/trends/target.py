"""Time in target as bars: below, inside, above, and without a number. A description, never an alarm."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from hemoview.ui.picture.paint import fill_hatched, hatch
from hemoview.ui.picture.palette import colour, faded, font
from hemoview.ui.words.catalogue import clauses, text
from hemoview.viewmodel import formats
from hemoview.viewmodel.trends.model import TrendPage
from hemoview.viewmodel.trends.tables import Shares, TargetRow

_ROW_PX, _BAR_PX, _HEAD_PX = 106, 22, 58


class TargetView(QWidget):
    """Paints the targets of a :class:`TrendPage`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page: TrendPage | None = None
        self.setAccessibleName(text("trends.tab-target"))

    def show_page(self, page: TrendPage) -> None:
        """Show these shares."""
        self._page = page
        self.setAccessibleDescription(clauses(_spoken(row) for row in page.target))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A note, then two bars a parameter."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour("panel"))
        page = self._page
        if page is not None and page.review.facts is not None:
            painter.setPen(colour("dim"))
            painter.setFont(font(12))
            words = text("trends.target-note" if page.target else "trends.target-none")
            place = QRectF(12, 8, self.width() - 24, _HEAD_PX if page.target else 90)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap), words)
            for i, row in enumerate(page.target):
                self._row(painter, row, page.review.pressure_unit, _HEAD_PX + i * _ROW_PX)
        painter.end()

    def _row(self, painter: QPainter, row: TargetRow, pressure_unit: str, y: int) -> None:
        unit = pressure_unit if row.unit == "mmHg" else row.unit
        factor, places = formats.pressure_factor(unit), formats.decimals(row.parameter, unit)
        low, high = (formats.number(end * factor, places) for end in row.target)
        painter.setFont(font(14, bold=True))
        painter.setPen(colour("text"))
        painter.drawText(QRectF(12, y, self.width() - 24, 20), Qt.AlignmentFlag.AlignLeft, row.parameter)
        painter.setFont(font(12))
        painter.setPen(colour("dim"))
        words = text("trends.target-range", low=low, high=high, unit=unit)
        painter.drawText(QRectF(12, y + 2, self.width() - 24, 20), Qt.AlignmentFlag.AlignRight, words)
        sources = (
            ("estimate", row.estimate),
            ("hr" if row.parameter == "HR" else "reference", row.reference),
        )
        for i, (key, shares) in enumerate(sources):
            self._bar(painter, shares, key, y + 24 + i * (_BAR_PX + 16))

    def _bar(self, painter: QPainter, shares: Shares | None, key: str, y: int) -> None:
        name = text("review.estimate" if key == "estimate" else "review.reference")
        painter.setFont(font(10, bold=True))
        painter.setPen(colour(key))
        painter.drawText(QRectF(12, y, 90, _BAR_PX), Qt.AlignmentFlag.AlignVCenter, name)
        box = QRectF(104, y, self.width() - 116, _BAR_PX)
        if shares is None:
            painter.setPen(colour("dim"))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, formats.DASH)
            return
        x = box.x()
        parts = ((shares.below, 60, "▼"), (shares.inside, 230, ""), (shares.above, 120, "▲"))
        for share, alpha, sign in parts:
            part = QRectF(x, y, share * box.width(), _BAR_PX)
            painter.fillRect(part, faded(key, alpha))
            if sign and part.width() > 16:
                painter.setPen(colour("text"))
                painter.drawText(part, Qt.AlignmentFlag.AlignCenter, sign)
            x += part.width()
        if box.right() - x > 0.5:
            rest = x, box.right()
            fill_hatched(
                painter, (rest,), (y, _BAR_PX), hatch(colour("gap").rgb(), 30, 130), faded("gap", 90)
            )
        painter.setFont(font(10))
        painter.setPen(colour("dim"))
        painter.drawText(
            QRectF(104, y + _BAR_PX, box.width(), 14), Qt.AlignmentFlag.AlignLeft, _words(shares)
        )


def _words(shares: Shares) -> str:
    return text(
        "trends.target-shares",
        below=f"{shares.below:.0%}",
        inside=f"{shares.inside:.0%}",
        above=f"{shares.above:.0%}",
        nothing=f"{shares.nothing:.0%}",
    )


def _spoken(row: TargetRow) -> str:
    return f"{row.parameter} {_words(row.estimate) if row.estimate else formats.DASH}"
