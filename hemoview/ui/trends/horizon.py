"""The horizon: how far each number went from its baseline, folded into bands. Up stands, down hangs."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from hemoview.ui.picture.axis_px import GUTTER_PX, RIGHT_PX, TimeAxis
from hemoview.ui.picture.palette import colour, faded, font
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel import formats
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.trends.model import TrendPage
from hemoview.viewmodel.trends.tables import BANDS, HorizonRow

ROW_PX = 34
HEAD_PX = 18
_LEAST_PX = 2.0


class HorizonView(QWidget):
    """Paints the horizon rows of a :class:`TrendPage`; hidden while there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page: TrendPage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text("trends.horizon"))
        self.hide()

    def show_page(self, page: TrendPage) -> None:
        """Show these rows."""
        self._page = page
        self.setVisible(page.choice.horizon)
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        """A row a parameter, at least one to say why there is none."""
        rows = len(self._page.horizon) if self._page else 0
        return QSize(960, HEAD_PX + ROW_PX * max(1, rows))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Head, then one row a parameter."""
        painter = QPainter(self)
        draw_horizon(painter, QRect(0, 0, self.width(), self.height()), self._page)
        painter.end()


def draw_horizon(painter: QPainter, area: QRect, page: TrendPage | None) -> None:
    """The rows within an area whose time axis is that of the strips above."""
    painter.fillRect(area, colour("ground"))
    if page is None or page.review.facts is None:
        return
    painter.setFont(font(11))
    painter.setPen(colour("dim"))
    head = QRect(area.left() + GUTTER_PX, area.top(), area.width() - GUTTER_PX, HEAD_PX)
    start, end = (elapsed_text(t) for t in page.baseline)
    words = text("trends.horizon-head", start=start, end=end)
    painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
    if not page.horizon:
        why = "trends.horizon-none" if page.complete else "trends.horizon-reading"
        words = text("review.estimates-hidden" if page.review.facts.estimates_hidden else why)
        painter.drawText(head.translated(0, HEAD_PX), Qt.AlignmentFlag.AlignLeft, words)
        return
    wish = page.review.wish
    axis = TimeAxis(wish.t0_s, wish.t1_s, area.left() + GUTTER_PX, area.width() - GUTTER_PX - RIGHT_PX)
    for i, row in enumerate(page.horizon):
        box = QRect(int(axis.left), area.top() + HEAD_PX + i * ROW_PX, int(axis.width), ROW_PX - 3)
        _draw_row(painter, box, axis, row)
        _draw_words(painter, box, row, page.review.pressure_unit if row.unit == "mmHg" else row.unit)


def _draw_row(painter: QPainter, box: QRect, axis: TimeAxis, row: HorizonRow) -> None:
    painter.fillRect(box, colour("panel"))
    painter.save()
    painter.setClipRect(box)
    width = max(_LEAST_PX, row.length_s * axis.width / (axis.t1_s - axis.t0_s))
    folded = np.abs(row.deviation) / row.band
    for t_s, deviation, bands in zip(row.t_s.tolist(), row.deviation.tolist(), folded.tolist(), strict=True):
        if np.isfinite(bands):
            _draw_bar(painter, box, (axis.x(t_s) - width / 2, width), bands, up=deviation >= 0)
    painter.restore()


def _draw_bar(painter: QPainter, box: QRect, place: tuple[float, float], bands: float, *, up: bool) -> None:
    """Full bands below lie as ground under the part of the band that is not full; down is hatched too."""
    key = "horizon.up" if up else "horizon.down"
    x, width = place
    full = min(int(bands), BANDS)
    rest = (bands - full) if full < BANDS else 0.0
    for height, alpha in ((1.0, 70 * full), (rest, 70 * (full + 1))):
        if alpha and height > 0:
            tall = height * box.height()
            top = box.bottom() + 1 - tall if up else box.top()
            part = QRectF(x, top, width, tall)
            painter.fillRect(part, faded(key, min(alpha, 235)))
            if not up:
                painter.fillRect(part, QBrush(faded("ground", 110), Qt.BrushStyle.HorPattern))


def _signed(value: float, places: int) -> str:
    """``▲ +12``, ``▼ −3``, ``0``: never a nought with a sign."""
    number = f"{abs(value):.{places}f}"
    if not float(number):
        return number
    return f"▲ +{number}" if value > 0 else f"▼ −{number}"


def _draw_words(painter: QPainter, box: QRect, row: HorizonRow, unit: str) -> None:
    """Name and band at the left; the last deviation at the right, with its sign."""
    factor, places = formats.pressure_factor(unit), formats.decimals(row.parameter, unit)
    painter.setPen(colour("text"))
    painter.setFont(font(11, bold=True))
    left = QRect(8, box.top(), box.left() - 14, box.height())
    painter.drawText(left, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, row.parameter)
    painter.setPen(colour("dim"))
    painter.setFont(font(9))
    lower = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
    band = text(
        "trends.horizon-band", base=f"{row.baseline * factor:.{places}f}", band=f"{row.band * factor:.2g}"
    )
    painter.drawText(left, lower, band)
    known = row.deviation[np.isfinite(row.deviation)]
    if known.size:
        last = float(known[-1]) * factor
        words = f"{_signed(last, places)} {unit}"
        painter.setFont(font(11, bold=True))
        wide = painter.fontMetrics().horizontalAdvance(words) + 10
        place = QRectF(box.right() - wide, box.top() + 6, wide, 18)
        painter.fillRect(place, faded("ground", 190))
        painter.setPen(colour("text"))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)
