"""Draws the trend: hatched 90 % band, estimate line, reference dots, gaps, markers, cuff readings."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.words.catalogue import label_said, text, words
from hemoview.viewmodel.live.numerics import COLOURS
from hemoview.viewmodel.live.record_view import TrendMark, TrendSeries, TrendView

LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 46, 10, 38, 20
_STEPS = (1, 2, 2.5, 5, 10, 20, 25, 50, 100, 200, 500, 1000)


class TrendPlot(QWidget):
    """The trend of the Record screen; renewed once a second."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(320, 110))
        self.setAccessibleName("trend")
        self._view: TrendView | None = None
        self._watermark = ""

    def show_view(self, view: TrendView, watermark: str) -> None:
        """Draw this trend at the next paint, if it differs."""
        if self._view is None or view.revision != self._view.revision or watermark != self._watermark:
            self._view, self._watermark = view, watermark
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The whole trend."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.BACKGROUND)
        if self._view is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            _Axes(self._view, QRectF(self.rect())).draw(painter, self._watermark)
        painter.end()


class _Axes:
    """Where seconds and values fall in the plot's rectangle."""

    def __init__(self, view: TrendView, area: QRectF) -> None:
        self.view = view
        self.area = area
        self.plot = area.adjusted(LEFT_PX, TOP_PX, -RIGHT_PX, -BOTTOM_PX)
        self.low, self.high = _value_range(view)

    def x(self, t_s: float) -> float:
        begin, end = self.view.span_s
        return self.plot.left() + (t_s - begin) / (end - begin) * self.plot.width()

    def y(self, value: float) -> float:
        fraction = (self.high - value) / (self.high - self.low)
        return self.plot.top() + min(max(fraction, 0.0), 1.0) * self.plot.height()

    def draw(self, painter: QPainter, watermark: str) -> None:
        self._draw_watermark(painter, watermark)
        self._draw_grid(painter)
        painter.save()
        painter.setClipRect(self.plot)
        hatch = QBrush(theme.colour("muted", 0.45), Qt.BrushStyle.BDiagPattern)
        for t0, t1 in self.view.hatched:
            span = QRectF(self.x(t0), self.plot.top(), self.x(t1) - self.x(t0), self.plot.height())
            painter.fillRect(span, hatch)
        for series in self.view.series:
            self._draw_band(painter, series)
        for series in self.view.series:
            self._draw_line(painter, series)
            self._draw_dots(painter, series)
        self._draw_doubted(painter)
        painter.restore()
        self._draw_marks(painter)
        self._draw_legend(painter)
        if self.view.note is not None:
            painter.setFont(theme.font(17, bold=True))
            painter.setPen(theme.colour("warn"))
            place = self.plot.adjusted(0, 0, 0, -self.plot.height() / 2)  # above the watermark
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words(self.view.note))

    def _draw_doubted(self, painter: QPainter) -> None:
        """A dashed line over estimates that could use a reading withdrawn later, with words where there is room."""
        painter.setFont(theme.font(11))
        words_px = painter.fontMetrics().horizontalAdvance(text("trend-doubted"))
        for t0, t1 in self.view.doubted:
            left, right = max(self.x(t0), self.plot.left()), min(self.x(t1), self.plot.right())
            y = self.plot.bottom() - 20
            painter.setPen(QPen(theme.colour("cuff"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(left, y), QPointF(right, y))
            if right - left > words_px:
                painter.drawText(QPointF(left + 2, y - 3), text("trend-doubted"))

    def _draw_watermark(self, painter: QPainter, watermark: str) -> None:
        painter.setFont(theme.font(max(18, int(self.plot.width() // 22)), bold=True))
        painter.setPen(theme.colour("simulated", 0.10))
        painter.drawText(self.plot, Qt.AlignmentFlag.AlignCenter, watermark)

    def _draw_grid(self, painter: QPainter) -> None:
        painter.setFont(theme.font(11))
        for value in _ticks(self.low, self.high, max(2, int(self.plot.height() // 24))):
            y = self.y(value)
            painter.setPen(QPen(theme.GRID))
            painter.drawLine(QPointF(self.plot.left(), y), QPointF(self.plot.right(), y))
            painter.setPen(theme.colour("muted"))
            label = QRectF(0, y - 8, LEFT_PX - 6, 16)
            painter.drawText(label, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:g}")
        self._draw_times(painter)

    def _draw_times(self, painter: QPainter) -> None:
        begin, end = self.view.span_s
        step = next(s for s in (60, 120, 300, 600, 900, 3600) if (end - begin) / s <= self.plot.width() / 70)
        t_s = math.ceil(begin / step) * step
        while t_s <= end:
            x = self.x(t_s)
            painter.setPen(QPen(theme.GRID))
            painter.drawLine(QPointF(x, self.plot.top()), QPointF(x, self.plot.bottom()))
            painter.setPen(theme.colour("muted"))
            label = QRectF(min(x - 35, self.area.right() - 52), self.plot.bottom() + 3, 70, 15)
            painter.drawText(label, Qt.AlignmentFlag.AlignCenter, f"{t_s // 60:.0f}:{t_s % 60:02.0f}")
            t_s += step

    def _draw_band(self, painter: QPainter, series: TrendSeries) -> None:
        role = _role(series.parameter)
        painter.setPen(Qt.PenStyle.NoPen)
        for run in _runs(series.value):
            upper = [QPointF(self.x(t), self.y(v)) for t, v in _pairs(series.t_s, series.high, run)]
            lower = [QPointF(self.x(t), self.y(v)) for t, v in _pairs(series.t_s, series.low, run)]
            shape = QPolygonF(upper + lower[::-1])
            painter.setBrush(theme.colour(role, 0.10))
            painter.drawPolygon(shape)
            painter.setBrush(QBrush(theme.colour(role, 0.35), Qt.BrushStyle.BDiagPattern))
            painter.drawPolygon(shape)

    def _draw_line(self, painter: QPainter, series: TrendSeries) -> None:
        painter.setPen(QPen(theme.colour(_role(series.parameter)), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for run in _runs(series.value):
            points = [QPointF(self.x(t), self.y(v)) for t, v in _pairs(series.t_s, series.value, run)]
            painter.drawPolyline(QPolygonF(points))

    def _draw_dots(self, painter: QPainter, series: TrendSeries) -> None:
        role = "muted" if self.view.muted_reference and series.parameter != "HR" else "reference"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(role))
        for t_s, value in zip(series.dots_t_s, series.dots, strict=True):
            painter.drawEllipse(QPointF(self.x(t_s), self.y(value)), 2.4, 2.4)

    def _draw_marks(self, painter: QPainter) -> None:
        """Marker names stand in two rows at the top; one that would cover its neighbours is left out."""
        rows = [self.plot.left()] * 2
        painter.setFont(theme.font(11))
        for mark in sorted(self.view.marks, key=lambda m: m.t_s):
            x = self.x(mark.t_s)
            if not self.plot.left() <= x <= self.plot.right():
                continue
            if mark.kind == "cuff":
                self._draw_cuff(painter, mark, x)
                continue
            pen = QPen(theme.colour("marker", 0.7), 1, Qt.PenStyle.DashLine)
            painter.setPen(pen)
            painter.drawLine(QPointF(x, self.plot.top()), QPointF(x, self.plot.bottom()))
            label = label_said(mark.label)
            width = painter.fontMetrics().horizontalAdvance(label) + 6
            row = next((i for i, free_from in enumerate(rows) if x >= free_from), None)
            if row is not None and x + width <= self.area.right():
                painter.setPen(theme.colour("marker"))
                painter.drawText(QPointF(x + 3, self.plot.top() - 3 + 14 * row), label)
                rows[row] = x + width

    def _draw_cuff(self, painter: QPainter, mark: TrendMark, x: float) -> None:
        painter.setPen(QPen(theme.colour("cuff"), 1))
        top, bottom = self.plot.bottom() - 16, self.plot.bottom()
        if mark.high is not None and mark.low is not None:
            top, bottom = self.y(mark.high), self.y(mark.low)
            for y in (top, bottom):
                painter.drawLine(QPointF(x - 6, y), QPointF(x + 6, y))
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        place = QRectF(x + 5, self.plot.bottom() - 15, 60, 14)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft, mark.label)

    def _draw_legend(self, painter: QPainter) -> None:
        role = _role(self.view.series[0].parameter) if self.view.series else "estimate"
        entries = (
            (f"▨ {text('trend-legend-estimate')}", role),
            (f"● {text('trend-legend-reference')}", "muted" if self.view.muted_reference else "reference"),
            (f"⌶ {text('trend-legend-cuff')}", "cuff"),
        )
        painter.setFont(theme.font(12))
        names = " · ".join(s.parameter for s in self.view.series)
        x = 8.0
        for label, colour in ((f"{names}  {self.view.unit}", "text"), *entries):
            painter.setPen(theme.colour(colour))
            painter.drawText(QPointF(x, 17), label)
            x += painter.fontMetrics().horizontalAdvance(label) + 18


def _role(parameter: str) -> str:
    role = COLOURS[parameter]
    return "estimate" if role == "pressure" else role


def _runs(values: NDArray[np.float64]) -> Iterator[slice]:
    """Stretches of finite values."""
    edges = np.flatnonzero(np.diff(np.isfinite(values).astype(np.int8), prepend=0, append=0))
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        yield slice(int(first), int(stop))


def _pairs(
    t_s: NDArray[np.float64], values: NDArray[np.float64], run: slice
) -> Iterator[tuple[float, float]]:
    return zip(t_s[run].tolist(), values[run].tolist(), strict=True)


def _value_range(view: TrendView) -> tuple[float, float]:
    """Round ends around everything drawn."""
    parts = [a for s in view.series for a in (s.low, s.high, s.dots)]
    cuffs = [v for m in view.marks for v in (m.high, m.low) if v is not None]
    values = np.concatenate([*parts, np.array(cuffs)]) if parts else np.array(cuffs)
    values = values[np.isfinite(values)]
    if not values.size:
        return (40.0, 160.0) if view.unit == "mmHg" else (0.0, 100.0)
    low, high = float(values.min()), float(values.max())
    step = _step(max(high - low, 1e-3), 8)
    return math.floor(low / step) * step, math.ceil((high + 1e-9) / step) * step


def _step(span: float, count: int) -> float:
    """A round distance that divides ``span`` into about ``count`` parts."""
    scale = 10.0 ** math.floor(math.log10(span) - 1)
    return next((s * scale for s in _STEPS if span / (s * scale) <= count), span)


def _ticks(low: float, high: float, count: int) -> list[float]:
    step = _step(high - low, count)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, int(high / step + 1e-9) + 1)]
