"""One strip of the picture: axis labels, gaps hatched with their cause, bands, traces, cuff readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLine, QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from hemoview.ui.picture.axis_px import TimeAxis
from hemoview.ui.picture.paint import (
    Floats,
    draw_band,
    draw_dots,
    draw_range_line,
    fill_hatched,
    hatch,
    joined_runs,
)
from hemoview.ui.picture.palette import colour, faded, font
from hemoview.ui.picture.text import cause_text, gap_words, mark_text, panel_text, pressures_text, reason_text
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.review.marks import Mark
from hemoview.viewmodel.review.view import PanelView, TraceView

_GUTTER_PAD = 8
_TICK_ROOM_PX = 16
_DOT_ROOM_PX = 4
"""Rows closer together than this are drawn as a faint range, so that the estimate shows through."""
_LEGEND_PX = 15
"""Row of the names of traces at the top of a strip."""
_SMOOTH_ROOM_PX = 2
"""Rows closer together than this are not smoothed: nobody would see it, and it takes the painter twice as long."""
_CROWDED_ALPHA = 130
_CUFF_ROOM_PX = 100
_LEAST_WORDS_PX = 20
"""No word fits into less: a day has a hundred gaps of a pixel."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A panel and where it is on the screen."""

    view: PanelView
    box: QRect
    axis: TimeAxis

    def y(self, value: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Pixels of values."""
        return self._foot_px - (value - self.view.y_low) * self._px_per_unit

    def y_of(self, value: float) -> float:
        """Pixel of one value."""
        return self._foot_px - (value - self.view.y_low) * self._px_per_unit

    @property
    def _foot_px(self) -> int:
        return self.box.bottom() - 2

    @property
    def _px_per_unit(self) -> float:
        return (self.box.height() - 6) / (self.view.y_high - self.view.y_low)


def draw_strip(painter: QPainter, strip: Strip, tick_xs: Sequence[float]) -> None:
    """Everything of one strip but the gutter."""
    painter.fillRect(strip.box, colour("panel"))
    _grid(painter, strip, tick_xs)
    painter.save()
    painter.setClipRect(strip.box)
    _reasons(painter, strip)
    _gaps(painter, strip)
    for trace in strip.view.traces:
        if trace.band_low is not None and trace.band_high is not None:
            _band(painter, strip, trace)
    for trace in sorted(strip.view.traces, key=lambda t: _layer(strip, t)):
        _trace(painter, strip, trace)
    _cuffs(painter, strip)
    _legend(painter, strip)
    painter.restore()


def _layer(strip: Strip, trace: TraceView) -> int:
    """Crowded rows lie below the estimate so that it shows through, dots that stand alone above it."""
    if trace.trace.style == "band":
        return 1
    return 2 if trace.trace.style == "dots" and _sparse(strip, trace) else 0


def _sparse(strip: Strip, trace: TraceView) -> bool:
    return len(trace.t_s) <= strip.box.width() / _DOT_ROOM_PX


def _grid(painter: QPainter, strip: Strip, tick_xs: Sequence[float]) -> None:
    left, top, right, bottom = strip.box.left(), strip.box.top(), strip.box.right(), strip.box.bottom()
    lines = [QLine(int(x), top, int(x), bottom) for x in tick_xs]
    for value in _shown_ticks(strip):
        y = int(strip.y_of(value))
        lines.append(QLine(left, y, right, y))
    painter.setPen(QPen(colour("grid"), 1))
    painter.drawLines(lines)


def _shown_ticks(strip: Strip) -> tuple[float, ...]:
    """As many value ticks as there is room for; the ends first."""
    ticks = strip.view.y_ticks
    room = max(2, strip.box.height() // _TICK_ROOM_PX // 2 + 1)
    if len(ticks) <= room:
        return ticks
    step = -(-(len(ticks) - 1) // (room - 1))
    return ticks[::step]


@dataclass(frozen=True, slots=True)
class Gutter:
    """What is written left of a strip: equal while panning changes nothing of it."""

    box: QRect
    title: str
    ink: int
    unit: str
    ticks: tuple[tuple[float, str], ...]
    """Pixel and words."""


def gutter_of(strip: Strip) -> Gutter:
    """What belongs left of a strip."""
    panel, view = strip.view.panel, strip.view
    ink = colour(panel.traces[0].colour if len(panel.traces) == 1 else "text")
    ticks = tuple((strip.y_of(value), f"{value * view.factor:.6g}") for value in _shown_ticks(strip))
    return Gutter(strip.box, panel_text(panel.title), ink.rgb(), view.unit, ticks)


def draw_gutter(painter: QPainter, gutter: Gutter) -> None:
    """Title, unit and values at the ticks."""
    box = gutter.box
    painter.setFont(font(12, bold=True))
    painter.setPen(QColor.fromRgb(gutter.ink))
    left = QRect(_GUTTER_PAD, box.top() + 2, box.left() - 2 * _GUTTER_PAD, 16)
    painter.drawText(left, Qt.AlignmentFlag.AlignLeft, gutter.title)
    painter.setFont(font(10))
    painter.setPen(colour("dim"))
    if gutter.unit and box.height() > 34:
        painter.drawText(left.translated(0, 16), Qt.AlignmentFlag.AlignLeft, gutter.unit)
    painter.setPen(colour("faint"))
    for tick_px, words in gutter.ticks:
        y = min(max(tick_px, box.top() + 6), box.bottom() - 5)
        place = QRectF(0, y - 8, box.left() - 5, 16)
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)


def _reasons(painter: QPainter, strip: Strip) -> None:
    painter.setFont(font(10))
    brush, plain = hatch(colour("reason").rgb(), 46, 70, falling=True), faded("reason", 60)
    boxes = [_box(strip, reason.t0_s, reason.t1_s) for reason in strip.view.reasons]
    fill_hatched(painter, boxes, brush, plain)
    for reason, box in zip(strip.view.reasons, boxes, strict=True):
        if box.width() >= _LEAST_WORDS_PX:
            _box_text(painter, box, reason_text(reason.reason), colour("dim"), Qt.AlignmentFlag.AlignBottom)


def _gaps(painter: QPainter, strip: Strip) -> None:
    painter.setFont(font(10))
    brush, plain = hatch(colour("gap").rgb(), 30, 130), faded("gap", 90)
    boxes = [_box(strip, gap.t0_s, gap.t1_s) for gap in strip.view.gaps]
    fill_hatched(painter, boxes, brush, plain)
    top = _LEGEND_PX if _legend_entries(strip) else 0
    for gap, box in zip(strip.view.gaps, boxes, strict=True):
        if box.width() >= _LEAST_WORDS_PX:
            below = box.adjusted(0, top, 0, 0)
            _box_text(painter, below, cause_text(gap.cause), colour("gap"), Qt.AlignmentFlag.AlignTop)


def _box(strip: Strip, t0_s: float, t1_s: float) -> QRectF:
    """A stretch of time over the height of a strip."""
    x0, x1 = strip.axis.x(t0_s), strip.axis.x(t1_s)
    return QRectF(x0, strip.box.top(), x1 - x0, strip.box.height())


def _box_text(painter: QPainter, box: QRectF, words: str, ink: QColor, where: Qt.AlignmentFlag) -> None:
    """Words in the visible part of a box, on a dark ground, only if they fit."""
    visible = box.intersected(QRectF(painter.clipBoundingRect()))
    width = painter.fontMetrics().horizontalAdvance(words) + 8
    if visible.width() < width:
        return
    y = visible.top() + 2 if where == Qt.AlignmentFlag.AlignTop else visible.bottom() - 15
    label = QRectF(visible.center().x() - width / 2, y, width, 13)
    painter.fillRect(label, faded("panel", 220))
    painter.setPen(ink)
    painter.drawText(label, Qt.AlignmentFlag.AlignCenter, words)


def _xs(strip: Strip, trace: TraceView) -> Floats:
    start, second = strip.axis.x(0.0), strip.axis.x(1.0)
    x = trace.t_s * (second - start)
    x += start
    return x


def _band(painter: QPainter, strip: Strip, trace: TraceView) -> None:
    """The interval, hatched: an estimate never looks like a reference."""
    assert trace.band_low is not None and trace.band_high is not None
    x = _xs(strip, trace)
    low, high = strip.y(trace.band_low), strip.y(trace.band_high)
    runs = joined_runs(trace.t_s, np.isfinite(low) & np.isfinite(high), trace.join_s)
    draw_band(painter, strip.box, (x, low, high), runs, colour(trace.trace.colour).rgb())


def _trace(painter: QPainter, strip: Strip, trace: TraceView) -> None:
    """The line itself; a reference that was not calibrated then in grey."""
    present = np.isfinite(trace.low)
    if not trace.exact:
        present &= np.isfinite(trace.high)
    if trace.grey is None:
        _line(painter, strip, trace, present, colour(trace.trace.colour))
        return
    for where, key in ((present & trace.grey, "grey"), (present & ~trace.grey, trace.trace.colour)):
        if where.any():
            _line(painter, strip, trace, where, colour(key))


def _line(painter: QPainter, strip: Strip, trace: TraceView, where: NDArray[np.bool_], ink: QColor) -> None:
    x = _xs(strip, trace)
    low = high = strip.y(trace.low)
    if not trace.exact:
        high = strip.y(trace.high)
    sparse = _sparse(strip, trace)
    if trace.trace.style == "dots" and sparse:
        draw_dots(painter, x[where], low[where], ink)
        return
    if trace.trace.style == "dots":
        ink = QColor(ink)
        ink.setAlpha(_CROWDED_ALPHA)
    painter.setPen(QPen(ink, 1))
    roomy = trace.trace.style == "wave" or len(x) * _SMOOTH_ROOM_PX <= strip.box.width()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=trace.exact and roomy)
    for run in joined_runs(trace.t_s, where, trace.join_s):
        draw_range_line(painter, x[run], low[run], high[run], exact=trace.exact)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    if trace.exact and trace.trace.style != "wave" and sparse:
        draw_dots(painter, x[where], low[where], ink)


def _cuffs(painter: QPainter, strip: Strip) -> None:
    """A bar from diastolic to systolic, with value and time where there is room; a withdrawn one is grey, dashed."""
    painter.setFont(font(10))
    free_from = -np.inf
    for cuff in strip.view.cuffs:
        ink = colour("faint" if cuff.withdrawn_s is not None else "cuff")
        style = Qt.PenStyle.DashLine if cuff.withdrawn_s is not None else Qt.PenStyle.SolidLine
        x, top, bottom = strip.axis.x(cuff.t_s), strip.y_of(cuff.sbp_mmhg), strip.y_of(cuff.dbp_mmhg)
        painter.setPen(QPen(ink, 1, style))
        painter.drawLine(int(x), int(top), int(x), int(bottom))
        for y in (top, bottom):
            painter.drawLine(int(x) - 4, int(y), int(x) + 4, int(y))
        if cuff.map_mmhg is not None:
            painter.drawEllipse(QPointF(x, strip.y_of(cuff.map_mmhg)), 2.5, 2.5)
        if x >= free_from:
            words = f"{pressures_text(cuff, strip.view.unit)}  {elapsed_text(cuff.t_s)}"
            painter.drawText(QPointF(x + 6, max(top, strip.box.top() + 10)), words)
            free_from = x + _CUFF_ROOM_PX


def _legend(painter: QPainter, strip: Strip) -> None:
    """Names of the traces at the right."""
    painter.setFont(font(10))
    metrics = painter.fontMetrics()
    right = strip.box.right() - 6
    for words, ink in reversed(_legend_entries(strip)):
        width = metrics.horizontalAdvance(words)
        box = QRectF(right - width - 3, strip.box.top() + 2, width + 6, 13)
        painter.fillRect(box, faded("panel", 200))
        painter.setPen(ink)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
        right -= width + 12


def _legend_entries(strip: Strip) -> list[tuple[str, QColor]]:
    """Names and inks, where there is more than one or the one is an estimate."""
    entries = [(_legend_words(t), colour(t.trace.colour)) for t in strip.view.traces]
    if strip.view.cuffs:
        entries.append((text("trend-legend-cuff"), colour("cuff")))
    alone = len(entries) < 2 and not any(t.trace.style == "band" for t in strip.view.traces)
    return [] if alone else entries


def _legend_words(trace: TraceView) -> str:
    if trace.trace.style == "band":
        return f"{trace.trace.name} {text('tag-estimate')}"
    return trace.trace.name


def tip_at(strips: Sequence[Strip], marks: Sequence[Mark], place: QPoint, axis: TimeAxis) -> str:
    """What is under the mouse, in words; empty where there is nothing to say."""
    t_s = axis.t(place.x())
    near_s = abs(axis.t(4) - axis.t(0))
    lines = [f"{elapsed_text(m.t_s)}  {mark_text(m)}" for m in marks if abs(m.t_s - t_s) <= near_s]
    for strip in strips:
        if strip.box.contains(place):
            lines += [gap_words(g) for g in strip.view.gaps if g.t0_s - near_s <= t_s <= g.t1_s + near_s]
            lines += [
                text("review.reason-tip", reason=reason_text(r.reason))
                for r in strip.view.reasons
                if r.t0_s <= t_s <= r.t1_s
            ]
    return "\n".join(lines)
