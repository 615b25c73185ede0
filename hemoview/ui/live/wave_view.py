"""Draws the sweep. Only the stripe that changed is painted: from the old head to the new erase bar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.functions import arrayToQPath
from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QFontMetrics, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.sweeper import LABEL_PX, LaneFrame
from hemoview.viewmodel.live.waves import SweepFrame
from hemoview.viewmodel.messages import Message

ONE_LINE_PX, SCALE_PX = 36, 26
"""Lanes lower than this have room for one line of words, and for one figure of their scale."""
BARS_PX = 50
"""Lanes lower than this have no room for bars of quality below their title."""


class WaveView(QWidget):
    """Wave lanes. ``show_frames`` paints at once, so that the end of the call is the end of the paint."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(320, 160))
        self.setAccessibleName("waves")
        self._frames: tuple[LaneFrame, ...] = ()
        self._watermark: Message | None = None
        self._speed = ""
        self._background: QPixmap | None = None
        self._background_of: tuple[object, ...] = ()

    def show_frames(self, frames: Sequence[LaneFrame], *, watermark: Message | None, mm_per_s: float) -> None:
        """Paint this moment."""
        before, self._frames = self._frames, tuple(frames)
        self._watermark, self._speed = watermark, f"{mm_per_s:g}"
        depends = (self.size(), watermark, mm_per_s, *(frame.still for frame in self._frames))
        if self._background is None or depends != self._background_of:
            self._background, self._background_of = self._draw_background(), depends
            self.repaint()
        else:
            self.repaint(self._changed(before))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Everything moves."""
        self._background = None
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Background, gaps, curves, heads – inside the stripe that changed."""
        painter = QPainter(self)
        stripe = event.rect()
        if self._background is None:
            self._background = self._draw_background()
        ratio = self._background.devicePixelRatio()
        source = QRectF(
            stripe.x() * ratio, stripe.y() * ratio, stripe.width() * ratio, stripe.height() * ratio
        )
        painter.drawPixmap(QRectF(stripe), self._background, source)
        painter.setClipRect(stripe)
        for frame in self._frames:
            _draw_gaps(painter, frame)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for frame in self._frames:
            _draw_curves(painter, frame, stripe)
        painter.end()

    def _changed(self, before: tuple[LaneFrame, ...]) -> QRect:
        """The stripe that differs from the last picture; the whole widget where a head has wrapped, or gone round it
        while nobody saw: the window was minimised, another page shown, the computer asleep.
        """
        left, right = float(self.width()), 0.0
        for old, new in zip(before, self._frames, strict=True):
            for was, is_now in zip(old.curves, new.curves, strict=True):
                if is_now.head_x < was.head_x or is_now.head_ns - was.head_ns >= new.geometry.span_ns:
                    return self.rect()
                if len(is_now.hatched) != len(was.hatched):
                    return self.rect()  # the recorder told of a gap that was before the window
                left = min(left, min(was.head_x, was.tail_x) - 3.0)
                right = max(right, is_now.head_x + new.geometry.erase_px + new.waits_px + 3.0)
        return QRect(int(left), 0, int(right - left) + 1, self.height())

    def _draw_background(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(theme.BACKGROUND)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        if self._watermark is not None:
            _draw_watermark(painter, self.rect(), words(self._watermark))
        if not self._frames:
            painter.setPen(theme.colour("muted"))
            painter.setFont(theme.font(18))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text("lane-waiting"))
        for frame in self._frames:
            _draw_lane(painter, frame, self.width())
        if self._frames:
            _draw_speed(painter, self.rect(), self._speed)
        painter.end()
        return picture


def _draw_watermark(painter: QPainter, area: QRect, label: str) -> None:
    painter.save()
    painter.translate(area.center())
    painter.rotate(-14)
    painter.setFont(theme.font(max(24, area.width() // 15), bold=True))
    painter.setPen(theme.colour("simulated", 0.13))
    painter.drawText(QRectF(-2000, -200, 4000, 400), Qt.AlignmentFlag.AlignCenter, label)
    painter.restore()


def _draw_speed(painter: QPainter, area: QRect, speed: str) -> None:
    painter.setPen(theme.colour("muted"))
    painter.setFont(theme.font(11))
    corner = QRect(area.right() - 90, area.top() + 4, 82, 14)
    painter.drawText(corner, Qt.AlignmentFlag.AlignRight, text("axis-speed", speed=speed))


def _draw_lane(painter: QPainter, frame: LaneFrame, width: int) -> None:
    """Title, unit, note, scale and grid of one lane."""
    box, lane = frame.geometry, frame.lane
    role = "muted" if lane.muted else lane.colours[0]
    painter.setPen(QPen(theme.GRID))
    for y, _ in frame.scale:
        painter.drawLine(int(LABEL_PX), round(y), width - 4, round(y))
    bottom = round(box.top_px + box.height_px + 3)
    painter.setPen(QPen(theme.LINE))
    painter.drawLine(0, bottom, width, bottom)
    tall = box.height_px >= 60
    painter.setPen(theme.colour(role))
    painter.setFont(theme.font(17 if tall else 14, bold=True))
    title = QRectF(8, box.top_px, LABEL_PX - 44, 22)
    painter.drawText(title, Qt.AlignmentFlag.AlignLeft, words(lane.title))
    painter.setFont(theme.font(12))
    below = QRectF(8, box.top_px + (22 if tall else 18), LABEL_PX - 44, 16)
    if box.height_px < ONE_LINE_PX:  # below the title it would stand in the next lane
        below = QRectF(8 + _title_px(frame) + 5, box.top_px + 2, LABEL_PX, 16)
    painter.drawText(below, Qt.AlignmentFlag.AlignLeft, lane.unit)
    if lane.note is not None:
        at_px = 42 if tall else 32
        note = QRectF(8, box.top_px + at_px, LABEL_PX - 44, max(box.height_px - at_px, 14))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
        painter.setFont(theme.font(10))
        painter.drawText(note, int(flags), words(lane.note))
    _draw_quality(painter, frame)
    _draw_scale(painter, frame)


def _title_px(frame: LaneFrame) -> int:
    """Width of the title of a low lane."""
    return QFontMetrics(theme.font(14, bold=True)).horizontalAdvance(words(frame.lane.title))


def _draw_scale(painter: QPainter, frame: LaneFrame) -> None:
    painter.setFont(theme.font(11))
    painter.setPen(theme.colour("muted"))
    top, bottom = frame.geometry.top_px, frame.geometry.top_px + frame.geometry.height_px
    unit_px = QFontMetrics(theme.font(12)).horizontalAdvance(frame.lane.unit)
    if bottom - top < ONE_LINE_PX and 8 + _title_px(frame) + 5 + unit_px > LABEL_PX - 30:
        return  # the figure would stand in the unit
    scale = frame.scale if bottom - top >= SCALE_PX else frame.scale[-1:]
    for y, label in scale:
        place = QRectF(LABEL_PX - 46, min(max(y - 7, top - 2), bottom - 13), 40, 15)
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, label)


def _draw_quality(painter: QPainter, frame: LaneFrame) -> None:
    """Five bars of signal quality under the title of the wave."""
    if frame.lane.sqi is None:
        return
    filled = round(frame.lane.sqi * 5)
    left, top = 8.0, frame.geometry.top_px + 30
    if frame.geometry.height_px < BARS_PX:  # below the title they would stand in the next lane
        left, top = left + _title_px(frame) + 8, frame.geometry.top_px - 1
    for i in range(5):
        bar = QRectF(left + i * 9, top + 12 - 3 * i, 6, 6 + 3 * i)
        painter.fillRect(
            bar, theme.colour("ok" if filled >= 3 else "warn") if i < filled else theme.colour("muted", 0.3)
        )
    if frame.geometry.height_px < 66:  # the figure would stand in the next wave's title
        return
    painter.setPen(theme.colour("muted"))
    painter.setFont(theme.font(11))
    painter.drawText(QRectF(8, top + 21, 60, 15), Qt.AlignmentFlag.AlignLeft, f"SQI {frame.lane.sqi:.1f}")


def _draw_gaps(painter: QPainter, frame: LaneFrame) -> None:
    box = frame.geometry
    hatch = QBrush(theme.colour("muted", 0.55), Qt.BrushStyle.BDiagPattern)
    for x0, x1 in frame.curves[0].hatched:
        painter.fillRect(QRectF(x0, box.top_px, x1 - x0, box.height_px), hatch)


def _draw_curves(painter: QPainter, frame: LaneFrame, stripe: QRect) -> None:
    box = frame.geometry
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for role, curve in zip(frame.lane.colours, frame.curves, strict=True):
        pen = QPen(theme.colour("muted" if frame.lane.muted else role))
        pen.setWidth(1)
        pen.setCosmetic(True)
        painter.setPen(pen)
        x, y = _inside(curve, stripe, frame.waits_px)
        if x.size > 1:
            painter.drawPath(arrayToQPath(x, y, connect="finite"))
    head = frame.curves[0].head_x
    painter.setPen(theme.colour("muted", 0.5))
    painter.drawLine(round(head) + 1, round(box.top_px), round(head) + 1, round(box.top_px + box.height_px))


def _inside(
    curve: SweepFrame, stripe: QRect, margin_px: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The points that touch the stripe, breaks included."""
    x, y = curve.x[: curve.n_points], curve.y[: curve.n_points]
    margin = margin_px + 4.0
    kept = ~((x < stripe.left() - margin) | (x > stripe.right() + margin))
    return x[kept], y[kept]
