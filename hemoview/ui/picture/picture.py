"""The parts of the picture of Review and Trends, onto any painter: a widget's pixmap, an image, a vector file."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import zip_longest

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from hemoview.ui.picture.axis_px import GUTTER_PX, RIGHT_PX, TimeAxis
from hemoview.ui.picture.lettering import lettering
from hemoview.ui.picture.paint import is_vector
from hemoview.ui.picture.palette import colour, faded, font, pen
from hemoview.ui.picture.strip import Strip, draw_gutter, draw_strip, gutter_of
from hemoview.ui.picture.text import label_text
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.axis import elapsed_text, time_ticks
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.marks import Mark
from hemoview.viewmodel.review.model import ReviewView

AXIS_PX = 22
LANE_PX = 18
_WORDS_PX = 11
_AXIS_BASE_PX = 13
"""Baseline of the times on top."""
_SEAM_PX = 3
_LINE_ROOM_PX = 40
"""Lines through all strips only where marks are further apart than this on average."""


def draw_picture(painter: QPainter, view: ReviewView, size: QSize) -> None:
    """All of a view but the watermark, as large as asked."""
    axis = axis_of(view, size.width())
    ticks = ticks_of(axis)
    draw_axis(painter, axis, ticks)
    draw_flags(painter, axis, view.marks)
    draw_aligned(painter, axis, view)
    for strip in lay_out(view, size):
        draw_gutter(painter, gutter_of(strip))
        draw_strip(painter, strip, [axis.x(t) for t in ticks])
    draw_lines(painter, axis, view.marks, size.height())


def axis_of(view: ReviewView, width_px: int) -> TimeAxis:
    """The time axis of a picture of that width."""
    return TimeAxis(view.wish.t0_s, view.wish.t1_s, GUTTER_PX, max(50, width_px - GUTTER_PX - RIGHT_PX))


def ticks_of(axis: TimeAxis) -> tuple[float, ...]:
    """Round elapsed times, as many as have room."""
    return time_ticks(axis.t0_s, axis.t1_s, max(2, round(axis.width) // 110))


def lay_out(view: ReviewView, size: QSize) -> tuple[Strip, ...]:
    """Heights by weight; what is left over by rounding goes to the last strip."""
    top, total = AXIS_PX + LANE_PX, sum(p.panel.weight for p in view.panels)
    room = size.height() - top - _SEAM_PX * len(view.panels)
    axis = axis_of(view, size.width())
    strips, share = [], 0.0
    for place, panel in enumerate(view.panels):
        start = top + round(room * share / total) + _SEAM_PX * place
        share += panel.panel.weight
        end = top + round(room * share / total) + _SEAM_PX * place
        strips.append(Strip(panel, QRect(GUTTER_PX, start, round(axis.width), max(1, end - start)), axis))
    return tuple(strips)


def draw_axis(painter: QPainter, axis: TimeAxis, ticks: tuple[float, ...]) -> None:
    """Elapsed times on top."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    end = axis.left + axis.width + RIGHT_PX
    painter.setPen(pen("dim"))
    for t_s in ticks:
        x = axis.x(t_s)
        painter.fillRect(QRect(int(x), AXIS_PX - 4, 1, 5), colour("faint"))
        words = lettering(elapsed_text(t_s, step), _WORDS_PX)
        half = words.width_px / 2 + 1
        words.write_centred(painter, min(x, end - half), _AXIS_BASE_PX)  # the last one is not cut off


def draw_flags(painter: QPainter, axis: TimeAxis, marks: tuple[Mark, ...]) -> None:
    """Flags in the lane under the axis; a label only where there is room for it."""
    free_from = 0.0
    last_x = axis.left + axis.width + RIGHT_PX
    for mark, after in zip_longest(marks, marks[1:]):
        next_x = axis.x(after.t_s) if after is not None else last_x
        key, x = _mark_key(mark), axis.x(mark.t_s)
        painter.fillRect(QRectF(x - 1, AXIS_PX + 2, 3, LANE_PX - 6), colour(key))
        if not _named(mark) or x < free_from:
            continue
        words = lettering(label_text(mark), _WORDS_PX)
        wide = words.width_px + 8
        if x + wide <= next_x:
            painter.setPen(pen(key))
            words.write(painter, x + 5, AXIS_PX + LANE_PX - 5)
            free_from = x + wide


def draw_aligned(painter: QPainter, axis: TimeAxis, view: ReviewView) -> None:
    """Says that the reference is not drawn where it is stored."""
    if view.aligned is None:
        return
    said = text("align-on-picture", version=view.aligned)
    painter.setFont(font(12, bold=True))
    wide = painter.fontMetrics().horizontalAdvance(said) + 12
    box = QRectF(axis.left + axis.width - wide, AXIS_PX + 1, wide, LANE_PX - 2)
    painter.fillRect(box, colour("info"))
    painter.setPen(colour("ground"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, said)


def draw_lines(painter: QPainter, axis: TimeAxis, marks: tuple[Mark, ...], height_px: int) -> None:
    """A line through all strips for each mark, unless there are too many to see anything else."""
    if len(marks) * _LINE_ROOM_PX > axis.width:
        return
    for mark in marks:
        style = Qt.PenStyle.DashLine if _named(mark) else Qt.PenStyle.DotLine
        ink, x = faded(_mark_key(mark), 150 if _named(mark) else 70), int(axis.x(mark.t_s))
        if is_vector(painter):
            painter.setPen(QPen(ink, 1, style))
            painter.drawLine(x, AXIS_PX, x, height_px)
        else:
            painter.drawPixmap(x, AXIS_PX, upright(height_px - AXIS_PX, ink.rgba(), style))


@lru_cache(maxsize=32)
def upright(height_px: int, argb: int, style: Qt.PenStyle) -> QPixmap:
    """A broken line, made once: the painter works out every dash."""
    picture = QPixmap(1, height_px + 1)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setPen(QPen(QColor.fromRgba(argb), 1, style))
    painter.drawLine(0, 0, 0, height_px)
    painter.end()
    return picture


def draw_moved(painter: QPainter, picture: QPixmap, box: QRect, axes: tuple[TimeAxis, TimeAxis]) -> None:
    """What ``picture`` shows in a box, drawn for the first of two axes, where it belongs on the second."""
    was, now = axes
    ratio = picture.devicePixelRatio()
    old = picture.copy(QRectF(box.topLeft() * ratio, box.size() * ratio).toRect())
    painter.fillRect(box, colour("panel"))
    t0_s, t1_s = max(was.t0_s, now.t0_s), min(was.t1_s, now.t1_s)
    wide = was.x(t1_s) - was.x(t0_s)
    if wide >= 1:  # else it is another time
        seen = QRectF((was.x(t0_s) - box.left()) * ratio, 0, wide * ratio, old.height())
        painter.drawPixmap(QRectF(now.x(t0_s), box.top(), now.x(t1_s) - now.x(t0_s), box.height()), old, seen)


def watermark_of(facts: SessionFacts) -> str:
    """What lies across a session that is no measurement."""
    return text("review.watermark-replayed" if facts.replayed else "review.watermark")


def draw_watermark(painter: QPainter, area: QRect, words: str) -> None:
    """A word, slanted across the middle, thin enough to read through."""
    mark = watermark_picture(words, area.width() * 4 // 5)
    painter.drawPixmap(
        area.left() + (area.width() - mark.width()) // 2,
        area.top() + (area.height() - mark.height()) // 2,
        mark,
    )


@cache
def watermark_picture(words: str, width: int) -> QPixmap:
    """That word; made once for a width."""
    picture = QPixmap(width, width // 3)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setPen(faded("sim", 40))
    painter.setFont(font(max(28, min(width // 9, 110)), bold=True))
    painter.translate(picture.rect().center())
    painter.rotate(-12)
    place = QRect(-width, -width // 4, 2 * width, width // 2)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)
    painter.end()
    return picture


def _mark_key(mark: Mark) -> str:
    return mark.kind if mark.kind in ("marker", "tag", "era", "step") else "event"


def _named(mark: Mark) -> bool:
    return mark.kind in ("marker", "tag", "step")
