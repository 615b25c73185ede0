"""Drawing primitives of Review: numbers in pixels onto a painter. Pen width 1 throughout; no line over a hole."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPaintEngine, QPainter, QPen, QPixmap, QPolygonF
from shiboken6 import VoidPtr

Floats = NDArray[np.float64]
DOT_PX = 3
_POINT_BYTES = 16
_WRITEABLE = True
_HATCH_PX = 7


def polygon(x: Floats, y: Floats) -> QPolygonF:
    """Points ``(x, y)`` as a polygon, filled in one copy."""
    shape = QPolygonF()
    shape.resize(len(x))
    if len(x):
        memory: Any = VoidPtr(shape.data(), len(x) * _POINT_BYTES, _WRITEABLE)  # type: ignore[call-arg, arg-type]
        points = np.frombuffer(memory, dtype=np.float64).reshape(-1, 2)
        points[:, 0] = x
        points[:, 1] = y
    return shape


def joined_runs(t_s: Floats, present: NDArray[np.bool_], join_s: float) -> Iterator[slice]:
    """Stretches of present points whose neighbours are at most ``join_s`` apart."""
    n = len(t_s)
    if n and present.all():  # the usual case: a run ends only where time jumps
        edges = [0, *((t_s[1:] - t_s[:-1] > join_s).nonzero()[0] + 1).tolist(), n]
        for start, end in itertools.pairwise(edges):
            yield slice(start, end)
        return
    places = np.flatnonzero(present)
    if not len(places):
        return
    cut = (np.diff(places) > 1) | (np.diff(t_s[places]) > join_s)
    starts = np.append(0, np.flatnonzero(cut) + 1)
    ends = np.append(starts[1:], len(places))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield slice(int(places[start]), int(places[end - 1]) + 1)


def draw_range_line(painter: QPainter, x: Floats, y_low: Floats, y_high: Floats, *, exact: bool) -> None:
    """A run of samples as the line through them, of min/max columns as one line up and down.

    Columns wider than a pixel (a coarser level stands in) are filled, not drawn as a comb.
    """
    if len(x) == 1:
        painter.drawLine(QPointF(x[0], y_low[0]), QPointF(x[0] + exact, y_high[0]))
    elif exact:
        painter.drawPolyline(polygon(x, y_low))
    else:
        if x[-1] - x[0] > 1.5 * len(x):
            pen = painter.pen()
            fill_between(painter, x, y_low, y_high, pen.color())
            painter.setPen(pen)
        painter.drawPolyline(_up_and_down(x, y_low, y_high))


def _up_and_down(x: Floats, y_low: Floats, y_high: Floats) -> QPolygonF:
    pairs = np.empty((len(x), 2))
    pairs[0::2, 0], pairs[0::2, 1] = y_low[0::2], y_high[0::2]
    pairs[1::2, 0], pairs[1::2, 1] = y_high[1::2], y_low[1::2]
    return polygon(np.repeat(x, 2), pairs.ravel())


def draw_dots(painter: QPainter, x: Floats, y: Floats, colour: QColor) -> None:
    """A square dot a row."""
    pen = QPen(colour, DOT_PX)
    pen.setCapStyle(Qt.PenCapStyle.SquareCap)
    painter.setPen(pen)
    painter.drawPoints(polygon(x, y))


def fill_between(painter: QPainter, x: Floats, y_low: Floats, y_high: Floats, ink: QColor) -> None:
    """The area between two lines, plain."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ink)
    painter.drawPolygon(polygon(np.concatenate((x, x[::-1])), np.concatenate((y_high, y_low[::-1]))))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_band(
    painter: QPainter, box: QRect, edges: tuple[Floats, Floats, Floats], runs: Iterable[slice], rgb: int
) -> None:
    """The area between two lines, hatched, within ``box``; ``edges`` are x, lower and upper line in pixels.

    Made as an image, column by column: a polygon with a vertex a pixel takes the painter five times as long.
    """
    x, y_low, y_high = edges
    if painter.paintEngine().type() == QPaintEngine.Type.SVG:
        _vector_band(painter, edges, runs, rgb)
        return
    low, high = (np.full(box.width(), np.nan) for _ in range(2))
    for run in runs:
        first, last = (
            max(0, round(x[run.start] - box.x())),
            min(box.width() - 1, round(x[run.stop - 1] - box.x())),
        )
        columns = np.arange(first, last + 1)
        low[columns] = np.interp(columns + box.x(), x[run], y_low[run]) - box.y()
        high[columns] = np.interp(columns + box.x(), x[run], y_high[run]) - box.y()
    if not np.isfinite(low).any():
        return
    first_row = max(0, math.floor(np.nanmin(high)))
    last_row = min(box.height() - 1, math.ceil(np.nanmax(low)))
    if last_row < first_row:
        return
    rows = np.arange(first_row, last_row + 1)[:, None]
    hatched = _hatched(box.width(), box.height(), rgb)[first_row : last_row + 1]
    pixels = hatched * ((rows >= high) & (rows <= low))
    image = QImage(
        pixels.data, box.width(), len(rows), 4 * box.width(), QImage.Format.Format_ARGB32_Premultiplied
    )
    painter.drawImage(QPoint(box.left(), box.top() + first_row), image)


def _vector_band(
    painter: QPainter, edges: tuple[Floats, Floats, Floats], runs: Iterable[slice], rgb: int
) -> None:
    """The same as shapes, for a file that is scaled."""
    x, y_low, y_high = edges
    ground, lines = QColor.fromRgb(rgb), QColor.fromRgb(rgb)
    ground.setAlpha(42)
    lines.setAlpha(120)
    for run in runs:
        fill_between(painter, x[run], y_low[run], y_high[run], ground)
        shape = polygon(
            np.concatenate((x[run], x[run][::-1])), np.concatenate((y_high[run], y_low[run][::-1]))
        )
        painter.setBrush(QBrush(lines, Qt.BrushStyle.BDiagPattern))
        painter.drawPolygon(shape)
    painter.setBrush(Qt.BrushStyle.NoBrush)


@lru_cache(maxsize=16)
def _hatched(width: int, height: int, rgb: int) -> NDArray[np.uint32]:
    """A whole area of hatch as premultiplied pixels, ``(height, width)``."""
    slant = (np.arange(width)[None, :] - np.arange(height)[:, None]) % _HATCH_PX == 0
    return np.where(slant, _premultiplied(rgb, 120), _premultiplied(rgb, 42)).astype(np.uint32)


def _premultiplied(rgb: int, alpha: int) -> int:
    red, green, blue = ((rgb >> shift & 0xFF) * alpha // 255 for shift in (16, 8, 0))
    return alpha << 24 | red << 16 | green << 8 | blue


@cache
def hatch(rgb: int, ground_alpha: int, line_alpha: int, *, falling: bool = False) -> QBrush:
    """A brush of thin slanted lines on a faint ground, made once for each look."""
    tile = QPixmap(_HATCH_PX, _HATCH_PX)
    ink = QColor.fromRgb(rgb)
    ink.setAlpha(ground_alpha)
    tile.fill(ink)
    ink.setAlpha(line_alpha)
    painter = QPainter(tile)
    painter.setPen(QPen(ink, 1))
    for i in range(_HATCH_PX):
        painter.drawPoint(i, i if falling else _HATCH_PX - 1 - i)
    painter.end()
    return QBrush(tile)


def fill_hatched(painter: QPainter, box: QRectF, brush: QBrush, plain: QColor) -> None:
    """A hatched box, at least a pixel wide; one too narrow to show a hatch is plain."""
    left, right = int(box.left()), int(box.right())  # whole pixels: their fill needs no path
    whole = QRect(left, int(box.top()), max(1, right - left), round(box.height()))
    if box.width() > _HATCH_PX:
        painter.fillRect(whole, brush)
    else:
        painter.fillRect(whole, plain)
