"""The two pictures of the alignment panel: beats of both devices around the cursor, residuals of the whole session.

What is matched and what is not is told by shape – filled and joined, or hollow and alone – and by colour as well.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from hemoview.ui.picture.axis_px import GUTTER_PX, RIGHT_PX, TimeAxis
from hemoview.ui.picture.paint import Floats, draw_dots, fill_hatched, hatch
from hemoview.ui.picture.palette import colour, faded, font
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.messages import Message
from hemoview.viewmodel.review.align_beats import BeatsPicture, Lane, ResidualPicture
from hemoview.viewmodel.review.axis import elapsed_text, time_ticks

BEATS_PX, RESIDUALS_PX, LEAST_RESIDUALS_PX = 96, 104, 56
_HALF_PX = 7
_PULSE, _PRESSURE = "ppg", "reference.SBP"


class BeatLanes(QWidget):
    """Beats of the pulse above, of the pressure below. Signal ``jumped(t_s)``: a click."""

    jumped = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture: BeatsPicture | None = None
        self._said: Message | None = None
        self.setFixedHeight(BEATS_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text("align-beats"))
        self.setToolTip(text("align-beats-tip"))

    def show_picture(self, picture: BeatsPicture | None, said: Message | None) -> None:
        """Show beats and say where they are placed, or say why there are none."""
        if picture is self._picture and said == self._said:
            return
        self._picture, self._said = picture, said
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Both lanes, the pairs joined, the cursor in the middle."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour("panel"))
        if self._picture is None:
            _say(painter, self.rect(), self._said)
        else:
            _draw_beats(painter, self._picture, self.size())
            _place(painter, self.rect(), self._said)
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The cursor goes where was clicked."""
        if self._picture is not None:
            axis = _axis(self._picture.t0_s, self._picture.t1_s, self.width())
            self.jumped.emit(axis.t(event.position().x()))


class ResidualPlot(QWidget):
    """How far the beats of a pair are apart, over the whole session. Signal ``jumped(t_s)``: a click."""

    jumped = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture: ResidualPicture | None = None
        self._cursor_s = 0.0
        self._kept: QPixmap | None = None
        self.setMinimumHeight(LEAST_RESIDUALS_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.setAccessibleName(text("align-residuals"))
        self.setToolTip(text("align-residuals-tip"))

    def sizeHint(self) -> QSize:
        """As tall as it should be; on a low screen it gives way."""
        return QSize(300, RESIDUALS_PX)

    def show_picture(self, picture: ResidualPicture | None, cursor_s: float) -> None:
        """Show residuals; the dots are painted again only where they changed."""
        if picture is self._picture and cursor_s == self._cursor_s:
            return
        if picture is not self._picture:
            self._kept = None
        self._picture, self._cursor_s = picture, cursor_s
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The kept picture, and the cursor over it."""
        painter = QPainter(self)
        if self._picture is None:
            painter.fillRect(self.rect(), colour("panel"))
        else:
            if self._kept is None or self._kept.deviceIndependentSize().toSize() != self.size():
                self._kept = self._painted(self._picture)
            painter.drawPixmap(0, 0, self._kept)
            x = _axis(0.0, self._picture.duration_s, self.width()).x(self._cursor_s)
            painter.setPen(QPen(colour("cursor"), 1))
            painter.drawLine(int(x), 0, int(x), self.height())
        painter.end()

    def _painted(self, picture: ResidualPicture) -> QPixmap:
        ratio = self.devicePixelRatioF()
        made = QPixmap(self.size() * ratio)
        made.setDevicePixelRatio(ratio)
        painter = QPainter(made)
        painter.fillRect(self.rect(), colour("panel"))
        draw_residuals(painter, picture, self.size())
        painter.end()
        return made

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The cursor goes where was clicked."""
        if self._picture is not None:
            axis = _axis(0.0, self._picture.duration_s, self.width())
            self.jumped.emit(max(0.0, axis.t(event.position().x())))


def _axis(t0_s: float, t1_s: float, width_px: int) -> TimeAxis:
    return TimeAxis(t0_s, t1_s, GUTTER_PX, max(50, width_px - GUTTER_PX - RIGHT_PX))


def _say(painter: QPainter, box: QRect, message: Message | None) -> None:
    if message is not None:
        painter.setFont(font(13))
        painter.setPen(colour("dim"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words(message))


def _place(painter: QPainter, box: QRect, message: Message | None) -> None:
    if message is not None:
        painter.setClipping(False)
        painter.setFont(font(11))
        painter.setPen(colour("dim"))
        where = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
        painter.drawText(box.adjusted(GUTTER_PX, 0, -RIGHT_PX, -2), where, words(message))


def _draw_beats(painter: QPainter, picture: BeatsPicture, size: QSize) -> None:
    axis = _axis(picture.t0_s, picture.t1_s, size.width())
    above, below = size.height() * 0.22, size.height() * 0.66
    left, right = int(axis.left), int(axis.left + axis.width)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _lane_name(painter, text("align-lane-pulse"), above, _PULSE)
    _lane_name(painter, text("align-lane-pressure"), below, _PRESSURE)
    painter.setClipRect(QRect(left, 0, right - left + 1, size.height()))
    painter.setPen(QPen(colour("grid"), 1))
    for y in (above, below):
        painter.drawLine(left, int(y), right, int(y))
    painter.setFont(font(10))
    painter.setPen(colour("faint"))
    for place, label in ((Qt.AlignmentFlag.AlignLeft, "−{s:g} s"), (Qt.AlignmentFlag.AlignRight, "+{s:g} s")):
        box = QRect(left + 4, size.height() - 15, right - left - 8, 14)
        painter.drawText(box, place, label.format(s=picture.t1_s - picture.cursor_s))
    x = axis.x(picture.cursor_s)
    painter.setPen(QPen(colour("cursor"), 1))
    painter.drawLine(int(x), 0, int(x), size.height())
    painter.setPen(QPen(colour("text"), 1.4))
    for one, other in picture.joins:
        painter.drawLine(QPointF(axis.x(one), above + _HALF_PX), QPointF(axis.x(other), below - _HALF_PX))
    _marks(painter, picture.pulse, axis, above, _PULSE, pointing_down=True)
    _marks(painter, picture.pressure, axis, below, _PRESSURE, pointing_down=False)


def _lane_name(painter: QPainter, name: str, y: float, key: str) -> None:
    painter.setFont(font(12, bold=True))
    painter.setPen(colour(key))
    box = QRectF(4, y - 20, GUTTER_PX - 10, 40)
    where = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(box, where, name)


def _marks(painter: QPainter, lane: Lane, axis: TimeAxis, y: float, key: str, *, pointing_down: bool) -> None:
    """A filled triangle towards the other lane for a pair's beat, a hollow diamond for one that is alone."""
    ink, side = colour(key), 1.0 if pointing_down else -1.0
    for t_s, matched in zip(lane.t_s.tolist(), lane.matched.tolist(), strict=True):
        x = axis.x(t_s)
        if matched:
            corners = [
                (x - _HALF_PX, y - side * _HALF_PX),
                (x + _HALF_PX, y - side * _HALF_PX),
                (x, y + side * _HALF_PX),
            ]
        else:
            corners = [(x - _HALF_PX, y), (x, y - _HALF_PX), (x + _HALF_PX, y), (x, y + _HALF_PX)]
        painter.setPen(QPen(ink, 1.6))
        painter.setBrush(ink if matched else colour("panel"))
        painter.drawPolygon(QPolygonF([QPointF(a, b) for a, b in corners]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_residuals(painter: QPainter, picture: ResidualPicture, size: QSize) -> None:
    """Gaps hatched, pieces parted by a dashed line, a dot a pair; beyond the range at its edge."""
    axis = _axis(0.0, picture.duration_s, size.width())
    box = QRectF(axis.left, 4, axis.width, size.height() - 24)
    middle, scale = box.center().y(), box.height() / 2 / picture.range_ms
    _residual_axis(painter, picture, axis, box)
    painter.setClipRect(box)
    gaps = [(axis.x(t0_s), axis.x(t1_s)) for t0_s, t1_s in picture.gaps]
    rows = box.top(), box.height()
    fill_hatched(painter, gaps, rows, hatch(colour("gap").rgb(), 30, 130), faded("gap", 90))
    close = picture.within_ms * scale
    painter.fillRect(QRectF(box.left(), middle - close, box.width(), 2 * close), faded("ok", 28))
    painter.setPen(QPen(colour("faint"), 1))
    painter.drawLine(QPointF(box.left(), middle), QPointF(box.right(), middle))
    inside = np.abs(picture.ms) <= picture.within_ms
    x = axis.left + picture.t_s * axis.width / picture.duration_s
    y = middle - np.clip(picture.ms, -picture.range_ms, picture.range_ms) * scale
    draw_dots(painter, x[inside], y[inside], faded("ok", 170))
    _crosses(painter, x[~inside], y[~inside], colour("warning"))
    painter.setPen(QPen(colour("info"), 1.5, Qt.PenStyle.DashLine))
    for t_s in picture.breaks_s:
        painter.drawLine(QPointF(axis.x(t_s), box.top()), QPointF(axis.x(t_s), box.bottom()))
    painter.setClipping(False)


def _crosses(painter: QPainter, x: Floats, y: Floats, ink: QColor) -> None:
    """What is not matched has another shape, too; thinned to one in two by three pixels."""
    _, first = np.unique(np.round(x / 2) * 1000 + np.round(y / 3), return_index=True)
    painter.setPen(QPen(ink, 1))
    for a, b in zip(x[first].tolist(), y[first].tolist(), strict=True):
        painter.drawLine(QPointF(a - 2, b - 2), QPointF(a + 2, b + 2))
        painter.drawLine(QPointF(a - 2, b + 2), QPointF(a + 2, b - 2))


def _residual_axis(painter: QPainter, picture: ResidualPicture, axis: TimeAxis, box: QRectF) -> None:
    painter.setFont(font(12, bold=True))
    painter.setPen(colour("text"))
    name = QRectF(6, box.top(), axis.left - 44, box.height())
    where = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(name, where, text("align-lane-residual"))
    painter.setFont(font(10))
    painter.setPen(colour("faint"))
    ends = (f"+{picture.range_ms:.0f}", "0", f"−{picture.range_ms:.0f}")
    for label, y in zip(ends, (box.top() + 5, box.center().y(), box.bottom() - 4), strict=True):
        place = QRectF(0, y - 8, axis.left - 5, 16)
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, label)
    ticks = time_ticks(0.0, picture.duration_s, max(2, round(axis.width) // 110))
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    for t_s in ticks:
        x = axis.x(t_s)
        painter.setPen(QPen(colour("grid"), 1))
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        painter.setPen(colour("dim"))
        place = QRectF(min(x - 40, axis.left + axis.width - 70), box.bottom() + 2, 80, 14)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, elapsed_text(t_s, step))
