"""Drawing primitives of Review: numbers in pixels onto a painter. Pen width 1 throughout; no line over a hole."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPaintEngine, QPainter, QPen, QPixmap, QPolygonF
from shiboken6 import VoidPtr

Floats = NDArray[np.floating[Any]]
"""Pixels; what was stored as 32 bits stays that."""
DOT_PX = 3
_POINT_BYTES = 16
_WRITEABLE = True
_HATCH_PX = 7
_NOWHERE = 30_000.0
"""A row below every screen."""


def polygon(x: Floats, y: Floats) -> QPolygonF:
    """Points ``(x, y)`` as a polygon, filled in one copy."""
    shape, points = _room_for(len(x))
    points[:, 0] = x
    points[:, 1] = y
    return shape


def _room_for(n: int) -> tuple[QPolygonF, Floats]:
    """A polygon of ``n`` points, and its memory to be filled, ``(n, 2)``."""
    shape = QPolygonF()
    if n == 0:
        return shape, np.empty((0, 2))
    shape.resize(n)
    memory: Any = VoidPtr(shape.data(), n * _POINT_BYTES, _WRITEABLE)  # type: ignore[call-arg, arg-type]
    return shape, np.frombuffer(memory, dtype=np.float64).reshape(-1, 2)


def far_apart(t_s: Floats, join_s: float) -> NDArray[np.bool_]:
    """Whether each point but the last lies more than ``join_s`` before its neighbour, ``(m - 1,)``."""
    return t_s[1:] - t_s[:-1] > join_s


def joined_runs(present: NDArray[np.bool_], apart: NDArray[np.bool_]) -> list[slice]:
    """Stretches of present points, ``(m,)``, none of which is :func:`far_apart` from the next."""
    if len(present) and present.all():  # the usual case: a run ends only where time jumps
        edges = [0, *(apart.nonzero()[0] + 1).tolist(), len(present)]
        return [slice(*pair) for pair in itertools.pairwise(edges)]
    places = present.nonzero()[0]
    if not len(places):
        return []
    before = places[:-1]
    cut = (places[1:] - before > 1) | apart[before]
    edges = [0, *(cut.nonzero()[0] + 1).tolist(), len(places)]
    return [slice(int(places[start]), int(places[end - 1]) + 1) for start, end in itertools.pairwise(edges)]


def draw_range_line(painter: QPainter, x: Floats, y_low: Floats, y_high: Floats, *, exact: bool) -> None:
    """A run of samples as the line through them, of min/max columns as one line up and down.

    Columns wider than a pixel (a coarser level stands in) are filled by a stroke a pixel, not drawn as a comb: as a
    polygon of so many corners they took the painter six times as long.
    """
    if len(x) == 1:
        painter.drawLine(QPointF(x[0], y_low[0]), QPointF(x[0] + exact, y_high[0]))
    elif exact:
        painter.drawPolyline(polygon(x, y_low))
    else:
        if x[-1] - x[0] > 1.5 * len(x):
            if is_vector(painter):
                pen = painter.pen()
                fill_between(painter, x, y_low, y_high, pen.color())
                painter.setPen(pen)
            else:
                x, y_low, y_high = _every_pixel(x, y_low, y_high, painter.window().width())
        painter.drawPolyline(_up_and_down(x, y_low, y_high))


def _every_pixel(x: Floats, y_low: Floats, y_high: Floats, width_px: int) -> tuple[Floats, Floats, Floats]:
    """The same two lines with a column for each pixel of the screen between their own: neighbours may be hours away."""
    first, last = max(0, math.ceil(x[0])), min(width_px, math.floor(x[-1]))
    columns = np.concatenate((x, np.arange(first, last) + 0.5))
    columns.sort()
    return columns, np.interp(columns, x, y_low), np.interp(columns, x, y_high)


def _up_and_down(x: Floats, y_low: Floats, y_high: Floats) -> QPolygonF:
    shape, points = _room_for(2 * len(x))
    points[0::2, 0] = points[1::2, 0] = x
    points[0::4, 1], points[1::4, 1] = y_low[0::2], y_high[0::2]
    points[2::4, 1], points[3::4, 1] = y_high[1::2], y_low[1::2]
    return shape


def is_vector(painter: QPainter) -> bool:
    """A file that is scaled knows no pixels."""
    return painter.paintEngine().type() == QPaintEngine.Type.SVG


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
    if is_vector(painter):
        _vector_band(painter, edges, runs, rgb)
        return
    first_row, inside = _rows_between(box, edges, runs)
    if not len(inside):
        return
    pixels = _hatched(box.width(), box.height(), rgb)[first_row : first_row + len(inside)] * inside
    image = QImage(
        pixels.data, box.width(), len(inside), 4 * box.width(), QImage.Format.Format_ARGB32_Premultiplied
    )
    painter.drawImage(QPoint(box.left(), box.top() + first_row), image)


def _rows_between(
    box: QRect, edges: tuple[Floats, Floats, Floats], runs: Iterable[slice]
) -> tuple[int, NDArray[np.bool_]]:
    """Which pixels of a box lie between the lines: the first row that has any, and ``(rows, width)`` from there on.

    A row is inside where ``row − top ≤ tall``; as unsigned numbers of 16 bits that is one comparison a pixel.
    """
    kept = list(runs)
    width, left, top_px = box.width(), box.left(), box.top()
    inked = np.zeros(width, np.bool_)
    for run in kept:
        first, last = (round(edges[0][place] - left) for place in (run.start, run.stop - 1))
        inked[max(0, first) : max(0, last + 1)] = True
    if not inked.any():
        return 0, np.empty((0, width), np.bool_)
    x, y_low, y_high = (
        edge[kept[0]] if len(kept) == 1 else np.concatenate([edge[run] for run in kept]) for edge in edges
    )
    columns = np.arange(left, left + width)
    tops = np.maximum(np.ceil(np.interp(columns, x, y_high) - top_px), 0)
    bottoms = np.minimum(np.floor(np.interp(columns, x, y_low) - top_px), box.height() - 1)
    if not inked.all():
        tops[~inked], bottoms[~inked] = _NOWHERE, -_NOWHERE
    first_row, last_row = int(tops.min()), int(bottoms.max())
    if last_row < first_row:
        return 0, np.empty((0, width), np.bool_)
    tall = bottoms - tops
    top = np.where(tall < 0, _NOWHERE, tops).astype(np.int16)
    rows = np.arange(first_row, last_row + 1, dtype=np.int16)[:, None]
    return first_row, (rows - top).view(np.uint16) <= np.maximum(tall, 0).astype(np.uint16)


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
    """A whole area of hatch as premultiplied pixels, ``(height, width)``: each row is the one above, a pixel on."""
    line = np.full(width + height - 1, _premultiplied(rgb, 42), np.uint32)
    line[(height - 1) % _HATCH_PX :: _HATCH_PX] = _premultiplied(rgb, 120)
    return np.ascontiguousarray(sliding_window_view(line, width)[::-1])


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


def fill_hatched(
    painter: QPainter,
    spans: Iterable[tuple[float, float]],
    rows: tuple[float, float],
    brush: QBrush,
    plain: QColor,
) -> None:
    """Hatched boxes from x to x, all at ``rows`` (top, height); those too narrow to show a hatch are plain.

    At least a pixel wide, and of whole pixels: their fill needs no path.
    """
    top, height = int(rows[0]), round(rows[1])
    narrow: list[QRect] = []
    for x0, x1 in spans:
        left = int(x0)
        box = QRect(left, top, max(1, int(x1) - left), height)
        if x1 - x0 > _HATCH_PX:
            painter.fillRect(box, brush)
        else:
            narrow.append(box)
    if narrow:  # a day has a hundred
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(plain)
        painter.drawRects(narrow)
        painter.setBrush(Qt.BrushStyle.NoBrush)
