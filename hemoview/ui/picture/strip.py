"""One strip of the picture: axis labels, gaps hatched with their cause, bands, traces, cuff readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLine, QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from hemoview.ui.picture.axis_px import TimeAxis
from hemoview.ui.picture.lettering import lettering
from hemoview.ui.picture.paint import (
    Floats,
    draw_band,
    draw_dots,
    draw_range_line,
    far_apart,
    fill_hatched,
    hatch,
    joined_runs,
)
from hemoview.ui.picture.palette import colour, faded, font, pen
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
_WORDS_PX = 10
"""Size of what is written in a strip."""
_SMOOTH = QPainter.RenderHint.Antialiasing


class Scale(NamedTuple):
    """Values as pixels: ``low`` lies at ``foot_px``."""

    foot_px: int
    low: float
    px_per_unit: float

    def y(self, values: Floats) -> Floats:
        """Pixels of values."""
        y = values - self.low
        y *= -self.px_per_unit
        y += self.foot_px
        return y

    def y_of(self, value: float) -> float:
        """Pixel of one value."""
        return self.foot_px - (value - self.low) * self.px_per_unit


@dataclass(frozen=True, slots=True)
class Strip:
    """A panel and where it is on the screen."""

    view: PanelView
    box: QRect
    axis: TimeAxis
    scale: Scale = field(init=False, compare=False)

    def __post_init__(self) -> None:
        view, box = self.view, self.box
        per_unit = (box.height() - 6) / (view.y_high - view.y_low)
        object.__setattr__(self, "scale", Scale(box.bottom() - 2, view.y_low, per_unit))


class _Columns(NamedTuple):
    """What the traces of one stream share: pixels of their times, ``(m,)``, and which lie :func:`far_apart`."""

    x: Floats
    apart: NDArray[np.bool_]
    sparse: bool
    """There is room for a dot each."""


def draw_strip(painter: QPainter, strip: Strip, tick_xs: Sequence[float]) -> None:
    """Everything of one strip but the gutter."""
    view = strip.view
    painter.fillRect(strip.box, colour("panel"))
    _grid(painter, strip, tick_xs)
    painter.save()
    painter.setClipRect(strip.box)
    painter.setRenderHint(_SMOOTH, on=False)
    legend = _legend_entries(view)
    _reasons(painter, strip)
    _gaps(painter, strip, top_px=_LEGEND_PX if legend else 0)
    streams = {_times(trace): trace for trace in view.traces}
    columns = {times: _columns(strip, trace) for times, trace in streams.items()}
    drawn = [(columns[_times(trace)], trace) for trace in view.traces]
    for place, trace in drawn:
        if trace.band_low is not None and trace.band_high is not None:
            _band(painter, strip, place, trace, (trace.band_low, trace.band_high))
    for place, trace in sorted(drawn, key=_layer):
        _trace(painter, strip, place, trace)
    _cuffs(painter, strip)
    _legend(painter, strip, legend)
    painter.restore()


def _times(trace: TraceView) -> tuple[int, float]:
    """Equal for the traces of one stream, which share their times."""
    return id(trace.t_s), trace.join_s


def _columns(strip: Strip, trace: TraceView) -> _Columns:
    start, second = strip.axis.x(0.0), strip.axis.x(1.0)
    x = trace.t_s * (second - start)
    x += start
    return _Columns(x, far_apart(trace.t_s, trace.join_s), len(x) <= strip.box.width() / _DOT_ROOM_PX)


def _layer(drawn: tuple[_Columns, TraceView]) -> int:
    """Crowded rows lie below the estimate so that it shows through, dots that stand alone above it."""
    place, trace = drawn
    if trace.trace.style == "band":
        return 1
    return 2 if trace.trace.style == "dots" and place.sparse else 0


def _grid(painter: QPainter, strip: Strip, tick_xs: Sequence[float]) -> None:
    """Lines at the ticks, as boxes: the painter walks along a line pixel by pixel."""
    left, top, width, height = strip.box.left(), strip.box.top(), strip.box.width(), strip.box.height()
    lines = [QRect(int(x), top, 1, height) for x in tick_xs]
    lines += [QRect(left, int(strip.scale.y_of(value)), width, 1) for value in _shown_ticks(strip)]
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour("grid"))
    painter.drawRects(lines)
    painter.setBrush(Qt.BrushStyle.NoBrush)


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
    scale: Scale
    title: str
    ink: int
    unit: str
    ticks: tuple[float, ...]
    factor: float


def gutter_of(strip: Strip) -> Gutter:
    """What belongs left of a strip."""
    panel, view = strip.view.panel, strip.view
    ink = colour(panel.traces[0].colour if len(panel.traces) == 1 else "text").rgb()
    title = panel_text(panel.title)
    return Gutter(strip.box, strip.scale, title, ink, view.unit, _shown_ticks(strip), view.factor)


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
    for value in gutter.ticks:
        y = min(max(gutter.scale.y_of(value), box.top() + 6), box.bottom() - 5)
        place = QRectF(0, y - 8, box.left() - 5, 16)
        where = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(place, where, f"{value * gutter.factor:.6g}")


def _reasons(painter: QPainter, strip: Strip) -> None:
    reasons = strip.view.reasons
    if not reasons:
        return
    spans = [_span(strip, reason.t0_s, reason.t1_s) for reason in reasons]
    brush, plain = hatch(colour("reason").rgb(), 46, 70, falling=True), faded("reason", 60)
    fill_hatched(painter, spans, (strip.box.top(), strip.box.height()), brush, plain)
    for reason, span in zip(reasons, spans, strict=True):
        if span[1] - span[0] >= _LEAST_WORDS_PX:
            _say(painter, strip, span, (reason_text(reason.reason), "dim"), strip.box.bottom() - 4)


def _gaps(painter: QPainter, strip: Strip, *, top_px: int) -> None:
    gaps = strip.view.gaps
    if not gaps:
        return
    spans = [_span(strip, gap.t0_s, gap.t1_s) for gap in gaps]
    brush, plain = hatch(colour("gap").rgb(), 30, 130), faded("gap", 90)
    fill_hatched(painter, spans, (strip.box.top(), strip.box.height()), brush, plain)
    for gap, span in zip(gaps, spans, strict=True):
        if span[1] - span[0] >= _LEAST_WORDS_PX:
            _say(painter, strip, span, (cause_text(gap.cause), "gap"), strip.box.top() + top_px + 12)


def _span(strip: Strip, t0_s: float, t1_s: float) -> tuple[float, float]:
    return strip.axis.x(t0_s), strip.axis.x(t1_s)


def _say(
    painter: QPainter, strip: Strip, span: tuple[float, float], said: tuple[str, str], baseline: int
) -> None:
    """Words and their ink in the visible part of a span, on a dark ground, only if they fit."""
    left, right = max(span[0], strip.box.left()), min(span[1], strip.box.right() + 1)
    words = lettering(said[0], _WORDS_PX)
    width = words.width_px + 8
    if right - left < width:
        return
    middle = (left + right) / 2
    painter.fillRect(QRectF(middle - width / 2, baseline - 10, width, 13), faded("panel", 220))
    painter.setPen(pen(said[1]))
    words.write_centred(painter, middle, baseline)


def _band(
    painter: QPainter, strip: Strip, place: _Columns, trace: TraceView, ends: tuple[Floats, Floats]
) -> None:
    """The interval, hatched: an estimate never looks like a reference."""
    low, high = strip.scale.y(ends[0]), strip.scale.y(ends[1])
    runs = joined_runs(np.isfinite(low) & np.isfinite(high), place.apart)
    draw_band(painter, strip.box, (place.x, low, high), runs, colour(trace.trace.colour).rgb())


def _trace(painter: QPainter, strip: Strip, place: _Columns, trace: TraceView) -> None:
    """The line itself; a reference that was not calibrated then in grey."""
    present = np.isfinite(trace.low)
    if not trace.exact:
        present &= np.isfinite(trace.high)
    low = high = strip.scale.y(trace.low)
    if not trace.exact:
        high = strip.scale.y(trace.high)
    line = _Line(trace, place, low, high)
    if trace.grey is None:
        _line(painter, strip, line, present, trace.trace.colour)
        return
    for where, key in ((present & trace.grey, "grey"), (present & ~trace.grey, trace.trace.colour)):
        if where.any():
            _line(painter, strip, line, where, key)


class _Line(NamedTuple):
    """A trace in pixels; ``low`` and ``high`` are one where every point is a sample."""

    trace: TraceView
    place: _Columns
    low: Floats
    high: Floats


def _line(painter: QPainter, strip: Strip, line: _Line, where: NDArray[np.bool_], key: str) -> None:
    """The points of a line that are ``where``, in one ink."""
    (x, apart, sparse), low, high = line.place, line.low, line.high
    style, exact = line.trace.trace.style, line.trace.exact
    if style == "dots" and sparse:
        draw_dots(painter, x[where], low[where], colour(key))
        return
    painter.setPen(pen(key, _CROWDED_ALPHA) if style == "dots" else pen(key))
    smooth = exact and (style == "wave" or len(x) * _SMOOTH_ROOM_PX <= strip.box.width())
    if smooth:
        painter.setRenderHint(_SMOOTH)
    for run in joined_runs(where, apart):
        draw_range_line(painter, x[run], low[run], high[run], exact=exact)
    if smooth:
        painter.setRenderHint(_SMOOTH, on=False)
    if exact and style != "wave" and sparse:
        draw_dots(painter, x[where], low[where], colour(key))


def _cuffs(painter: QPainter, strip: Strip) -> None:
    """A bar from diastolic to systolic, with value and time where there is room; a withdrawn one is grey, dashed."""
    free_from, y_of = -np.inf, strip.scale.y_of
    for cuff in strip.view.cuffs:
        left, top, bottom = strip.axis.x(cuff.t_s), y_of(cuff.sbp_mmhg), y_of(cuff.dbp_mmhg)
        x, high, low = int(left), int(top), int(bottom)
        painter.setPen(pen("cuff") if cuff.withdrawn_s is None else _withdrawn())
        ends = (QLine(x - 4, y, x + 4, y) for y in (high, low))
        painter.drawLines([QLine(x, high, x, low), *ends])
        if cuff.map_mmhg is not None:
            painter.drawEllipse(QPointF(left, y_of(cuff.map_mmhg)), 2.5, 2.5)
        if left >= free_from:
            words = f"{pressures_text(cuff, strip.view.unit)}  {elapsed_text(cuff.t_s)}"
            lettering(words, _WORDS_PX).write(painter, left + 6, int(max(top, strip.box.top() + 10) + 0.5))
            free_from = left + _CUFF_ROOM_PX


def _withdrawn() -> QPen:
    dashed = QPen(pen("faint"))
    dashed.setStyle(Qt.PenStyle.DashLine)
    return dashed


def _legend(painter: QPainter, strip: Strip, entries: Sequence[tuple[str, str]]) -> None:
    """Names of the traces at the right, each in its ink."""
    right, top = strip.box.right() - 6, strip.box.top() + 2
    for said, key in reversed(entries):
        words = lettering(said, _WORDS_PX)
        width = words.width_px
        painter.fillRect(QRect(right - width - 3, top, width + 6, 13), faded("panel", 200))
        painter.setPen(pen(key))
        words.write_centred(painter, right - width / 2, top + 10)
        right -= width + 12


def _legend_entries(view: PanelView) -> list[tuple[str, str]]:
    """Names and inks, where there is more than one or the one is an estimate."""
    entries = [(_legend_words(t), t.trace.colour) for t in view.traces]
    if view.cuffs:
        entries.append((text("trend-legend-cuff"), "cuff"))
    alone = len(entries) < 2 and not any(t.trace.style == "band" for t in view.traces)
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
