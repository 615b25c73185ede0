"""The whole session in one strip, with the visible span as a window to drag."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from hemoview.ui.picture.axis_px import GUTTER_PX, RIGHT_PX, TimeAxis
from hemoview.ui.picture.paint import draw_range_line, far_apart, fill_hatched, hatch, joined_runs
from hemoview.ui.picture.palette import colour, faded, font, pen
from hemoview.ui.picture.text import panel_text
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.axis import elapsed_text, time_ticks
from hemoview.viewmodel.review.model import ReviewView
from hemoview.viewmodel.review.view import PanelView

_EDGE_PX = 6
_HEIGHT_PX = 64
_AXIS_PX = 15
_LEAST_WINDOW_PX = 8

Grip = Literal["", "left", "right", "middle"]


class Minimap(QWidget):
    """Overview of the session. Signal ``spanned(t0_s, t1_s)``: the window was dragged."""

    spanned = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view: ReviewView | None = None
        self._ground: QPixmap | None = None
        self._grip: Grip = ""
        self._grip_s = 0.0
        self.setFixedHeight(_HEIGHT_PX)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text("review.minimap"))

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(960, _HEIGHT_PX)

    def show_view(self, view: ReviewView) -> None:
        """Show a view; the ground is painted again only when the session or its overview changed."""
        old, self._view = self._view, view
        if old is None or old.minimap is not view.minimap or old.facts is not view.facts:
            self._ground = None
        self.update()

    def _axis(self) -> TimeAxis:
        facts = self._view.facts if self._view else None
        length_s = max(facts.duration_s if facts else 1.0, 0.5)
        return TimeAxis(0.0, length_s, GUTTER_PX, max(50, self.width() - GUTTER_PX - RIGHT_PX))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint the ground anew."""
        super().resizeEvent(event)
        self._ground = None

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Ground, window, cursor."""
        painter = QPainter(self)
        view = self._view
        if view is None or view.facts is None:
            painter.fillRect(self.rect(), colour("ground"))
            painter.end()
            return
        if self._ground is None:
            self._ground = self._paint_ground(view)
        painter.drawPixmap(0, 0, self._ground)
        axis = self._axis()
        box = self._window(view, axis)
        veil = faded("ground", 150)
        painter.fillRect(QRectF(axis.left, 0, box.left() - axis.left, box.height()), veil)
        painter.fillRect(QRectF(box.right(), 0, axis.left + axis.width - box.right(), box.height()), veil)
        painter.setPen(pen("info"))
        painter.drawRect(box)
        for x in (box.left(), box.right()):
            painter.fillRect(QRectF(x - 1.5, box.center().y() - 9, 4, 18), colour("info"))
        x = int(axis.x(view.wish.cursor_s))
        painter.setPen(pen("cursor"))
        painter.drawLine(x, 0, x, int(box.bottom()))
        painter.end()

    def _window(self, view: ReviewView, axis: TimeAxis) -> QRectF:
        left, right = axis.x(view.wish.t0_s), axis.x(view.wish.t1_s)
        missing = max(0.0, _LEAST_WINDOW_PX - (right - left))
        return QRectF(left - missing / 2, 0.5, right - left + missing, self.height() - _AXIS_PX - 1.5)

    def _paint_ground(self, view: ReviewView) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(colour("ground"))
        painter = QPainter(picture)
        axis = self._axis()
        box = QRect(int(axis.left), 0, int(axis.width), self.height() - _AXIS_PX)
        painter.fillRect(box, colour("panel"))
        if view.minimap is not None:
            self._paint_traces(painter, view.minimap, axis, box)
        self._paint_facts(painter, view, axis, box)
        self._paint_labels(painter, view, axis)
        painter.end()
        return picture

    def _paint_traces(self, painter: QPainter, panel: PanelView, axis: TimeAxis, box: QRect) -> None:
        scale = (box.height() - 4) / (panel.y_high - panel.y_low)
        for trace in panel.traces:
            x = axis.left + (trace.t_s - axis.t0_s) * axis.width / (axis.t1_s - axis.t0_s)
            low, high = (
                box.bottom() - 2 - (np.asarray(v, np.float64) - panel.y_low) * scale
                for v in (trace.low, trace.high)
            )
            painter.setPen(pen(trace.trace.colour, 170))
            for run in joined_runs(np.isfinite(low), far_apart(trace.t_s, trace.join_s)):
                draw_range_line(painter, x[run], low[run], high[run], exact=False)

    def _paint_facts(self, painter: QPainter, view: ReviewView, axis: TimeAxis, box: QRect) -> None:
        """Every gap of every stream along the bottom edge, every marker along the top."""
        assert view.facts is not None
        brush, plain = hatch(colour("gap").rgb(), 90, 230), faded("gap", 200)
        ends = ((axis.x(gap.t0_s), axis.x(gap.t1_s)) for gap in view.facts.gaps)
        spans = ((x0, max(x0 + 2.0, x1)) for x0, x1 in ends)
        fill_hatched(painter, spans, (box.bottom() - 8, 8), brush, plain)
        for mark in view.facts.markers:
            painter.fillRect(QRectF(axis.x(mark.t_s) - 1, 0, 2, 8), colour(mark.kind))
        for cuff in view.facts.cuffs:
            painter.fillRect(QRectF(axis.x(cuff.t_s) - 1, 9, 2, 5), colour("cuff"))

    def _paint_labels(self, painter: QPainter, view: ReviewView, axis: TimeAxis) -> None:
        painter.setFont(font(10))
        painter.setPen(colour("faint"))
        ticks = time_ticks(axis.t0_s, axis.t1_s, max(2, int(axis.width) // 120))
        for t_s in ticks:
            words = elapsed_text(t_s)
            wide = painter.fontMetrics().horizontalAdvance(words) + 2
            left = min(axis.x(t_s) - wide / 2, self.width() - wide)  # the last one is not cut off
            box = QRectF(left, self.height() - _AXIS_PX, wide, _AXIS_PX)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
        if view.minimap is not None:
            painter.setPen(colour("dim"))
            words = f"{panel_text(view.minimap.panel.title)} {view.minimap.unit}"
            painter.drawText(QRect(8, 2, GUTTER_PX - 12, 16), Qt.AlignmentFlag.AlignLeft, words)

    # mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the window by an edge or its middle; elsewhere it comes to the mouse."""
        if self._view is None or self._view.facts is None or event.button() != Qt.MouseButton.LeftButton:
            return
        axis, wish = self._axis(), self._view.wish
        box, x = self._window(self._view, axis), event.position().x()
        self._grip = _grip(box, x)
        if not self._grip:
            self._grip, half = "middle", wish.span_s / 2
            self.spanned.emit(axis.t(x) - half, axis.t(x) + half)
            self._grip_s = half
        else:
            self._grip_s = axis.t(x) - wish.t0_s

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the window or one of its edges."""
        if self._view is None or self._view.facts is None:
            return
        axis, wish, x = self._axis(), self._view.wish, event.position().x()
        if not self._grip:
            over = _grip(self._window(self._view, axis), x)
            shape = Qt.CursorShape.SizeHorCursor if over in ("left", "right") else Qt.CursorShape.ArrowCursor
            self.setCursor(Qt.CursorShape.OpenHandCursor if over == "middle" else shape)
            return
        t_s = axis.t(x)
        if self._grip == "middle":
            self.spanned.emit(t_s - self._grip_s, t_s - self._grip_s + wish.span_s)
        elif self._grip == "left":
            self.spanned.emit(min(t_s, wish.t1_s - 0.5), wish.t1_s)
        else:
            self.spanned.emit(wish.t0_s, max(t_s, wish.t0_s + 0.5))

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let go."""
        self._grip = ""


def _grip(box: QRectF, x: float) -> Grip:
    if abs(x - box.left()) <= _EDGE_PX:
        return "left"
    if abs(x - box.right()) <= _EDGE_PX:
        return "right"
    return "middle" if box.left() < x < box.right() else ""
