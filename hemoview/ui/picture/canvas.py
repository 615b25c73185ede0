"""The picture of Review: one widget paints one frozen view. The strips are kept; the cursor is drawn over them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from hemoview.ui.picture.axis_px import GUTTER_PX, RIGHT_PX, TimeAxis
from hemoview.ui.picture.palette import colour, faded, font
from hemoview.ui.picture.picture import (
    AXIS_PX,
    LANE_PX,
    axis_of,
    draw_aligned,
    draw_axis,
    draw_flags,
    draw_lines,
    draw_moved,
    draw_watermark,
    lay_out,
    ticks_of,
    watermark_of,
)
from hemoview.ui.picture.strip import Gutter, Strip, draw_gutter, draw_strip, gutter_of, tip_at
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.model import ReviewView

_CLICK_PX = 4
_LEAST_PX = 200
"""Height below which strips would lie one over the other."""


class Foot(Protocol):
    """What is painted under the strips, on their time axis, and what lies over them."""

    @property
    def height_px(self) -> int: ...  # noqa: D102
    def paint(self, painter: QPainter, axis: TimeAxis, box: QRect) -> None: ...  # noqa: D102


class _Kept(NamedTuple):
    """A strip in the picture: on which axis it stands, and how long it took to paint, s."""

    axis: TimeAxis
    cost_s: float


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
        self._stale: tuple[Strip, ...] = ()
        self._picture: QPixmap | None = None
        self._lane_stale = False
        self._gutters: dict[int, Gutter] = {}
        self._kept: dict[int, _Kept] = {}
        """What the picture holds of each strip, by its top."""
        self._due_s = math.inf
        self._pressed: QPoint | None = None
        self._last: QPoint | None = None
        self._selecting: tuple[int, int] | None = None
        self._foot: Foot | None = None
        self._over: Callable[[QPainter, TimeAxis, QRect], None] | None = None
        self._foot_px = 0
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(360, _LEAST_PX)
        self.setAccessibleName(text("review.title"))

    def sizeHint(self) -> QSize:
        """Prefers a wide picture."""
        return QSize(960, 560)

    @property
    def axis_px(self) -> int:
        """Width of the time axis."""
        return max(50, self.width() - GUTTER_PX - RIGHT_PX)

    def stand_on(self, foot: Foot) -> None:
        """Leave room under the strips for rows that ``foot`` paints."""
        self._foot = foot

    def lay_over(self, paint: Callable[[QPainter, TimeAxis, QRect], None]) -> None:
        """Have something painted over the strips whenever they are shown."""
        self._over = paint

    @property
    def time_axis(self) -> TimeAxis | None:
        """Of what is shown; None without a session."""
        shown = self._view is not None and self._view.facts is not None
        return axis_of(self._view, self.width()) if self._view is not None and shown else None

    @property
    def foot_box(self) -> QRect:
        """Where the rows under the strips are."""
        foot_px = self._foot.height_px if self._foot is not None else 0
        return QRect(GUTTER_PX, self.height() - foot_px, self.axis_px, foot_px)

    @property
    def whole(self) -> bool:
        """Every strip was painted for the view that is shown."""
        return not self._stale

    def _strips_size(self) -> QSize:
        return QSize(self.width(), self.height() - self.foot_box.height())

    def show_view(self, view: ReviewView, due_s: float = math.inf) -> None:
        """Show a view; only strips that differ from the last one are painted again.

        Args:
            view: what is shown.
            due_s: by when (:func:`time.perf_counter`) the answer to a hand is to be on the screen, on any computer.
                Strips that would take longer, by what they took last time, are shown as they were, moved to their place
                on the new axis, and painted in the paint that follows at once. The first never waits, and what waited
                is first next time.
        """
        old, self._view = self._view, view
        # An answer to a hand stays one until it is painted; the strips of another session are no answer.
        same = old is not None and old.facts is view.facts
        self._due_s = min(due_s, self._due_s) if same else math.inf
        if view.facts is None:
            self.setToolTip("")
        strips = lay_out(view, self._strips_size()) if view.facts is not None else ()
        if self._room_changed() or [s.box for s in strips] != [s.box for s in self._strips]:
            self._picture, self._stale = None, strips
        elif old is None or not _same_frame(old, view):
            self._lane_stale = True
            waited = {strip.box.top() for strip in self._stale}
            self._stale = tuple(sorted(strips, key=lambda strip: strip.box.top() not in waited))
        else:
            known = {id(strip.view) for strip in self._strips}
            self._stale = tuple(
                dict.fromkeys((*self._kept_stale(strips), *(s for s in strips if id(s.view) not in known)))
            )
        self._strips = strips
        self.update()

    def _room_changed(self) -> bool:
        before, self._foot_px = self._foot_px, self.foot_box.height()
        if before != self._foot_px:
            self.setMinimumHeight(
                _LEAST_PX + self._foot_px
            )  # rows take nothing from strips that have no more
        return before != self._foot_px

    def _kept_stale(self, strips: tuple[Strip, ...]) -> list[Strip]:
        """Strips that were waiting for their paint and still are in the picture."""
        waiting = {strip.box.top() for strip in self._stale}
        return [strip for strip in strips if strip.box.top() in waiting]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The time axis changed: the view is asked for anew."""
        super().resizeEvent(event)
        self._picture = None
        if self._view is not None:
            self._strips = lay_out(self._view, self._strips_size()) if self._view.facts is not None else ()
        self.resized.emit(self.axis_px)

    # painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Strips from the kept picture, then cursor and selection."""
        painter = QPainter(self)
        view = self._view
        if view is None or view.facts is None:
            self._paint_empty(painter, view)
        else:
            if self._picture is None or self._picture.devicePixelRatio() != self.devicePixelRatioF():
                self._picture = self._blank()
                self._gutters.clear()
                self._kept.clear()
                self._stale, self._lane_stale = self._strips, True
            if self._lane_stale:
                self._paint_lane(self._picture, view)
            if self._stale:
                self._paint_strips(self._picture, view)
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

    def _blank(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(colour("ground"))
        return picture

    def _paint_lane(self, picture: QPixmap, view: ReviewView) -> None:
        """The axis and the flags under it."""
        axis = axis_of(view, self.width())
        painter = QPainter(picture)
        painter.fillRect(0, 0, self.width(), AXIS_PX + LANE_PX, colour("ground"))
        draw_axis(painter, axis, ticks_of(axis))
        draw_flags(painter, axis, view.marks)
        draw_aligned(painter, axis, view)
        painter.end()
        self._lane_stale = False

    def _paint_strips(self, picture: QPixmap, view: ReviewView) -> None:
        """The strips that changed, and what lies across them; those that are late only where they belong."""
        axis = axis_of(view, self.width())
        xs = [axis.x(t) for t in ticks_of(axis)]
        due_s, self._due_s = self._due_s, math.inf
        late: list[Strip] = []
        region = QRegion()
        painter = QPainter(picture)
        for strip in self._stale:
            top = strip.box.top()
            kept, began_s = self._kept.get(top), time.perf_counter()
            if region and kept is not None and began_s + kept.cost_s > due_s:
                draw_moved(painter, picture, strip.box, (kept.axis, axis))
                self._kept[top] = _Kept(axis, kept.cost_s)
                late.append(strip)
            else:
                region += self._paint_strip(painter, strip, xs)
                self._kept[top] = _Kept(axis, time.perf_counter() - began_s)
        painter.setClipRegion(region)
        draw_lines(painter, axis, view.marks, self.height())
        if view.facts is not None and view.facts.simulated:
            area = QRect(GUTTER_PX, 0, self.axis_px, self.height())
            draw_watermark(painter, area, watermark_of(view.facts))
        painter.end()
        self._stale = tuple(late)
        if late:
            QTimer.singleShot(0, self, self.update)

    def _paint_strip(self, painter: QPainter, strip: Strip, tick_xs: Sequence[float]) -> QRect:
        """One strip and what stands beside it; the row it fills."""
        row = QRect(0, strip.box.top(), self.width(), strip.box.height())
        painter.fillRect(row.adjusted(strip.box.right() + 1, 0, 0, 0), colour("ground"))
        self._paint_gutter(painter, gutter_of(strip))
        draw_strip(painter, strip, tick_xs)
        return row

    def _paint_gutter(self, painter: QPainter, gutter: Gutter) -> None:
        """Only where it is another one than before: text is slow."""
        box = gutter.box
        if self._gutters.get(box.top()) == gutter:
            return
        row = QRect(0, box.top(), box.left(), box.height())
        painter.save()
        painter.setClipRect(row)
        painter.fillRect(row, colour("ground"))
        draw_gutter(painter, gutter)
        painter.restore()
        self._gutters[box.top()] = gutter

    def _paint_over(self, painter: QPainter, view: ReviewView) -> None:
        axis = axis_of(view, self.width())
        if self._foot is not None:
            self._foot.paint(painter, axis, self.foot_box)
        if self._over is not None:
            self._over(painter, axis, QRect(QPoint(0, 0), self._strips_size()))
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
            self._name_under(here)
            return
        if self._selecting is not None:
            self._selecting = (self._selecting[0], here.x())
            self.update()
        elif abs(here.x() - self._pressed.x()) > _CLICK_PX or here.x() != self._last.x() != self._pressed.x():
            self.panned.emit((self._last.x() - here.x()) / self.axis_px)
            self._last = here

    def _name_under(self, here: QPoint) -> None:
        """The tool tip names gaps, reasons and marks under the mouse."""
        if self._view is not None and self._view.facts is not None:
            self.setToolTip(tip_at(self._strips, self._view.marks, here, axis_of(self._view, self.width())))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End of a click, a drag or a selection."""
        view, pressed, selected = self._view, self._pressed, self._selecting
        self._pressed = self._last = self._selecting = None
        if view is None or view.facts is None or pressed is None:
            return
        axis = axis_of(view, self.width())
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
            anchor = axis_of(self._view, self.width()).t(event.position().x())
            self.zoomed.emit(float(np.exp2(-turn.y() / 240)), anchor)
        event.accept()


def _same_frame(old: ReviewView, new: ReviewView) -> bool:
    """Same span, same panels in the same places, same marks; only their content may differ."""
    same_span = (old.wish.t0_s, old.wish.t1_s) == (new.wish.t0_s, new.wish.t1_s)
    same_panels = [p.panel for p in old.panels] == [p.panel for p in new.panels]
    same_marks = old.marks == new.marks and old.aligned == new.aligned
    return same_span and same_panels and same_marks and (old.facts is None) == (new.facts is None)
