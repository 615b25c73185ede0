"""The picture of Review: one widget paints one frozen view. The strips are kept; the cursor is drawn over them."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from hemoview.ui.catalogue import text
from hemoview.ui.review_axis_px import GUTTER_PX, RIGHT_PX, TimeAxis
from hemoview.ui.review_strip import Strip, draw_strip, tip_at
from hemoview.ui.review_theme import colour, faded, font
from hemoview.viewmodel.review_axis import elapsed_text, time_ticks
from hemoview.viewmodel.review_facts import Mark
from hemoview.viewmodel.review_model import ReviewView

AXIS_PX = 22
LANE_PX = 18
_SEAM_PX = 3
_CLICK_PX = 4


class ReviewCanvas(QWidget):
    """Paints a :class:`ReviewView`; tells what the mouse asks for and decides nothing.

    Signals: ``clicked(t_s)``, ``panned(share)``, ``zoomed(factor, anchor_s)``, ``spanned(t0_s, t1_s)``,
    ``resized(width_px)`` of the time axis, ``painted()`` after each paint.
    """

    clicked = Signal(float)
    panned = Signal(float)
    zoomed = Signal(float, float)
    spanned = Signal(float, float)
    resized = Signal(int)
    painted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view: ReviewView | None = None
        self._strips: tuple[Strip, ...] = ()
        self._picture: QPixmap | None = None
        self._pressed: QPoint | None = None
        self._last: QPoint | None = None
        self._selecting: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(360, 200)
        self.setAccessibleName(text("review.title"))

    def sizeHint(self) -> QSize:
        """Prefers a wide picture."""
        return QSize(960, 560)

    @property
    def axis_px(self) -> int:
        """Width of the time axis."""
        return max(50, self.width() - GUTTER_PX - RIGHT_PX)

    def show_view(self, view: ReviewView) -> None:
        """Show a view; strips are painted again only where the view differs."""
        old, self._view = self._view, view
        if old is None or not _same_picture(old, view):
            self._picture = None
            self._strips = self._lay_out(view)
        self.update()

    def _axis(self, view: ReviewView) -> TimeAxis:
        return TimeAxis(view.wish.t0_s, view.wish.t1_s, GUTTER_PX, self.axis_px)

    def _lay_out(self, view: ReviewView) -> tuple[Strip, ...]:
        """Heights by weight; what is left over by rounding goes to the last strip."""
        top, total = AXIS_PX + LANE_PX, sum(p.panel.weight for p in view.panels)
        room = self.height() - top - _SEAM_PX * len(view.panels)
        axis = self._axis(view)
        strips, share = [], 0.0
        for place, panel in enumerate(view.panels):
            start = top + round(room * share / total) + _SEAM_PX * place
            share += panel.panel.weight
            end = top + round(room * share / total) + _SEAM_PX * place
            strips.append(Strip(panel, QRect(GUTTER_PX, start, round(axis.width), max(1, end - start)), axis))
        return tuple(strips)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The time axis changed: the view is asked for anew."""
        super().resizeEvent(event)
        self._picture = None
        if self._view is not None:
            self._strips = self._lay_out(self._view)
        self.resized.emit(self.axis_px)

    # painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Strips from the kept picture, then cursor and selection."""
        painter = QPainter(self)
        view = self._view
        if view is None or view.facts is None:
            self._paint_empty(painter, view)
        else:
            if self._picture is None:
                self._picture = self._paint_picture(view)
            painter.drawPixmap(0, 0, self._picture)
            self._paint_over(painter, view)
        painter.end()
        self.painted.emit()

    def _paint_empty(self, painter: QPainter, view: ReviewView | None) -> None:
        painter.fillRect(self.rect(), colour("ground"))
        painter.setPen(colour("dim"))
        painter.setFont(font(15))
        opening = view is not None and view.phase == "opening"
        message = "review.opening" if opening else "review.empty-page"
        if view is None or view.phase != "failed":
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text(message))

    def _paint_picture(self, view: ReviewView) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(colour("ground"))
        painter = QPainter(picture)
        axis = self._axis(view)
        ticks = time_ticks(axis.t0_s, axis.t1_s, max(2, round(axis.width) // 110))
        self._paint_axis(painter, axis, ticks)
        for strip in self._strips:
            draw_strip(painter, strip, [axis.x(t) for t in ticks])
        self._paint_marks(painter, axis, view.marks)
        if view.facts is not None and view.facts.simulated:
            _watermark(painter, QRect(GUTTER_PX, AXIS_PX + LANE_PX, self.axis_px, self.height() - AXIS_PX))
        painter.end()
        return picture

    def _paint_axis(self, painter: QPainter, axis: TimeAxis, ticks: tuple[float, ...]) -> None:
        painter.setFont(font(11))
        step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
        for t_s in ticks:
            x = axis.x(t_s)
            painter.setPen(colour("faint"))
            painter.drawLine(int(x), AXIS_PX - 4, int(x), AXIS_PX)
            painter.setPen(colour("dim"))
            box = QRectF(x - 50, 0, 100, AXIS_PX - 4)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, elapsed_text(t_s, step))

    def _paint_marks(self, painter: QPainter, axis: TimeAxis, marks: tuple[Mark, ...]) -> None:
        """Flags in the lane under the axis; a label only where there is room for it."""
        painter.setFont(font(11))
        free_from = 0.0
        metrics = painter.fontMetrics()
        for mark in sorted(marks, key=lambda m: m.t_s):
            by_person = mark.kind in ("marker", "tag")
            ink = colour(_mark_key(mark))
            x = axis.x(mark.t_s)
            line = faded(_mark_key(mark), 150 if by_person else 55)
            painter.setPen(QPen(line, 1, Qt.PenStyle.DashLine if by_person else Qt.PenStyle.DotLine))
            painter.drawLine(int(x), AXIS_PX, int(x), self.height())
            painter.fillRect(QRectF(x - 1, AXIS_PX + 2, 3, LANE_PX - 6), ink)
            width = metrics.horizontalAdvance(mark.label) + 8
            if by_person and x >= free_from:
                painter.setPen(ink)
                painter.drawText(QPointF(x + 5, AXIS_PX + LANE_PX - 5), mark.label)
                free_from = x + width

    def _paint_over(self, painter: QPainter, view: ReviewView) -> None:
        axis = self._axis(view)
        x = axis.x(view.wish.cursor_s)
        if axis.left <= x <= axis.left + axis.width:
            ink = colour("cursor")
            painter.setPen(QPen(ink, 1))
            painter.drawLine(int(x), AXIS_PX, int(x), self.height())
            painter.setBrush(ink)
            painter.drawPolygon(
                [QPointF(x - 5, AXIS_PX - 1), QPointF(x + 5, AXIS_PX - 1), QPointF(x, AXIS_PX + 6)]
            )
            painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._selecting is not None:
            start, end = sorted(self._selecting)
            painter.fillRect(QRect(start, AXIS_PX, end - start, self.height()), faded("info", 50))

    # mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click sets the cursor, a drag moves the picture, Ctrl-drag chooses a span."""
        if event.button() != Qt.MouseButton.LeftButton or self._view is None:
            return
        self._pressed = self._last = event.position().toPoint()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._selecting = (self._pressed.x(), self._pressed.x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag."""
        here = event.position().toPoint()
        if self._pressed is None or self._last is None:
            return
        if self._selecting is not None:
            self._selecting = (self._selecting[0], here.x())
            self.update()
        elif abs(here.x() - self._pressed.x()) > _CLICK_PX or here.x() != self._last.x() != self._pressed.x():
            self.panned.emit((self._last.x() - here.x()) / self.axis_px)
            self._last = here

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End of a click, a drag or a selection."""
        view, pressed, selected = self._view, self._pressed, self._selecting
        self._pressed = self._last = self._selecting = None
        if view is None or view.facts is None or pressed is None:
            return
        axis = self._axis(view)
        if selected is not None and abs(selected[1] - selected[0]) > _CLICK_PX:
            start, end = sorted(selected)
            self.spanned.emit(axis.t(start), axis.t(end))
        elif abs(event.position().x() - pressed.x()) <= _CLICK_PX:
            self.clicked.emit(axis.t(event.position().x()))
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Wheel zooms about the mouse; Shift or a sideways wheel pans."""
        if self._view is None or self._view.facts is None:
            return
        turn = event.angleDelta()
        if turn.x() or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.panned.emit(-(turn.x() or turn.y()) / 1200)
        elif turn.y():
            anchor = self._axis(self._view).t(event.position().x())
            self.zoomed.emit(float(np.exp2(-turn.y() / 240)), anchor)
        event.accept()

    def event(self, event: object) -> bool:
        """Tool tips name gaps, reasons and marks under the mouse."""
        if isinstance(event, QHelpEvent) and self._view is not None and self._view.facts is not None:
            tip = tip_at(self._strips, self._view.marks, event.pos(), self._axis(self._view))
            QToolTip.showText(event.globalPos(), tip, self)
            return True
        return super().event(event)  # type: ignore[arg-type]


def _mark_key(mark: Mark) -> str:
    return mark.kind if mark.kind in ("marker", "tag", "era") else "event"


def _same_picture(old: ReviewView, new: ReviewView) -> bool:
    same_span = (old.wish.t0_s, old.wish.t1_s) == (new.wish.t0_s, new.wish.t1_s)
    same_panels = len(old.panels) == len(new.panels) and all(
        a is b for a, b in zip(old.panels, new.panels, strict=True)
    )
    return same_span and same_panels and old.marks == new.marks


def _watermark(painter: QPainter, box: QRect) -> None:
    """SIMULATED across the picture, thin enough to read through."""
    painter.save()
    painter.setPen(faded("sim", 40))
    painter.setFont(font(max(28, min(box.width() // 12, 96)), bold=True))
    painter.translate(box.center())
    painter.rotate(-14)
    painter.drawText(
        QRect(-box.width(), -100, 2 * box.width(), 200),
        Qt.AlignmentFlag.AlignCenter,
        text("review.watermark"),
    )
    painter.restore()
