"""Three rows of labels under the strips, and what is chosen over them: a shape for each kind, a key for each label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen, QPolygonF

from hemoview.labels.annotation import ANNOTATION_KINDS, Annotation, AnnotationKind
from hemoview.labels.raters.scheme import Scheme
from hemoview.ui.picture.axis_px import TimeAxis
from hemoview.ui.picture.palette import colour, faded, font
from hemoview.ui.picture.picture import AXIS_PX
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.messages import Message
from hemoview.viewmodel.review.label_rows import Box, Crowd, Rows
from hemoview.viewmodel.review.label_state import LabelView, name_of

ROW_PX: Final[dict[AnnotationKind, int]] = {"instant": 21, "span": 32, "quality": 28}
SEAM_PX: Final = 3
HEIGHT_PX: Final = sum(ROW_PX.values()) + SEAM_PX * len(ROW_PX)
_LABEL_PAD: Final = 8
_GRIP_PX: Final = 3
_FLAG_PX: Final = 7
_PATTERNS: Final = (
    Qt.BrushStyle.SolidPattern,
    Qt.BrushStyle.BDiagPattern,
    Qt.BrushStyle.DiagCrossPattern,
    Qt.BrushStyle.HorPattern,
    Qt.BrushStyle.Dense5Pattern,
)
"""Of quality, by its place in the scheme: told apart where colours are not."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the foot and the time it shows."""

    axis: TimeAxis
    place: QRect
    kind: AnnotationKind


class LabelFoot:
    """Paints a :class:`LabelView` onto the canvas; knows where each row is."""

    def __init__(self) -> None:
        self._view: LabelView | None = None
        self._rows = Rows()
        self.preview: tuple[Annotation, float, float] | None = None
        """A label that is being dragged, and where it would come to lie."""

    @property
    def height_px(self) -> int:
        """Room under the strips: none where nothing is labelled or to be."""
        shown = self._view is not None and (self._view.on or self._view.annotations)
        return HEIGHT_PX if shown else 0

    @property
    def rows(self) -> Rows:
        """What is drawn."""
        return self._rows

    def show(self, view: LabelView | None, rows: Rows) -> None:
        """What to paint from now on."""
        self._view, self._rows = view, rows

    def paint(self, painter: QPainter, axis: TimeAxis, box: QRect) -> None:
        """The rows, and across the strips what is chosen."""
        view = self._view
        if view is None or not box.height():
            return
        self._paint_choice(painter, axis, box, view)
        self.paint_rows(painter, axis, box)

    def paint_rows(self, painter: QPainter, axis: TimeAxis, box: QRect) -> None:
        """The rows alone, for a figure too."""
        view = self._view
        if view is None:
            return
        for kind in ANNOTATION_KINDS:
            place = row_box(box, kind)
            painter.fillRect(place, colour("panel"))
            _row_name(painter, place, kind)
            painter.save()
            painter.setClipRect(place)
            crowds = self._rows.crowds.get(kind, ())
            if crowds:
                _paint_crowds(painter, _Row(axis, place, kind), crowds, view.scheme)
            entries = (*self._rows.of(kind), *_current_box(view, kind, crowded=bool(crowds)))
            for entry, after in zip_longest(entries, entries[1:]):
                room = axis.x(after.t0_s) - axis.x(entry.t0_s) if after is not None else place.width()
                self._paint_box(painter, _Row(axis, place, kind), entry, abs(room))
            painter.restore()

    def _paint_choice(self, painter: QPainter, axis: TimeAxis, box: QRect, view: LabelView) -> None:
        """The span that the next key is about, through all strips."""
        area = QRect(box.left(), AXIS_PX, box.width(), box.bottom() - AXIS_PX)
        painter.save()
        painter.setClipRect(area)
        current = self.preview or (
            (view.current, view.current.t0_s, view.current.t1_s) if view.current is not None else None
        )
        if current is not None:
            ink = _ink(view.scheme, current[0].label)
            _band(painter, area, (axis.x(current[1]), axis.x(current[2])), ink, firm=True)
        span = view.stretch or view.window
        if view.on and (view.stretch is not None or not view.picked):
            ends = axis.x(span[0]), axis.x(span[1])
            _band(painter, area, ends, colour("info"), firm=view.stretch is not None)
        painter.restore()

    def _paint_box(self, painter: QPainter, row: _Row, entry: Box, room_px: float) -> None:
        view = self._view
        assert view is not None
        t0_s, t1_s = entry.t0_s, entry.t1_s
        if self.preview is not None and entry.annotation is self.preview[0]:
            _, t0_s, t1_s = self.preview
        height = row.place.height() / entry.lanes
        left, right = row.axis.x(t0_s), row.axis.x(t1_s)
        area = QRectF(left, row.place.top() + entry.lane * height, max(right - left, 1.5), height)
        chosen = view.current is not None and entry.annotation is view.current
        ink = _ink(view.scheme, entry.label)
        said = box_words(entry, view)
        if row.kind == "instant":
            _flag(
                painter, area, ink, said, room_px=room_px, proposed=entry.proposal is not None, chosen=chosen
            )
        else:
            pattern = _PATTERNS[0] if row.kind == "span" else _pattern(view.scheme, entry.label)
            _stretch(painter, area, ink, pattern, said, proposed=entry.proposal is not None, chosen=chosen)


def row_box(box: QRect, kind: AnnotationKind) -> QRect:
    """Where a row is in the foot of the picture."""
    top = box.top() + SEAM_PX
    for row in ANNOTATION_KINDS:
        if row == kind:
            break
        top += ROW_PX[row] + SEAM_PX
    return QRect(box.left(), top, box.width(), ROW_PX[kind])


def said_name(label: str, scheme: Scheme) -> str:
    """What a label is called on the screen."""
    name = name_of(label, scheme)
    return words(name) if isinstance(name, Message) else name


def box_words(entry: Box, view: LabelView) -> str:
    """Key and name; whose it is where it is somebody else's."""
    said = _known_as(entry.label, view.scheme)
    if entry.proposal is not None:
        return f"? {said}"
    other = entry.annotation is not None and entry.annotation.rater != view.rater
    return f"{entry.annotation.rater}: {said}" if other and entry.annotation is not None else said


def _known_as(label: str, scheme: Scheme) -> str:
    """Key and name."""
    choice = scheme.of(label)
    key = f"{choice.key} " if choice is not None and choice.key is not None else ""
    return f"{key}{said_name(label, scheme)}"


def _ink(scheme: Scheme, label: str) -> QColor:
    choice = scheme.of(label)
    return _named_colour(choice.colour) if choice is not None else colour("grey")


@cache
def _named_colour(name: str) -> QColor:
    return QColor(name)


def _current_box(view: LabelView, kind: AnnotationKind, *, crowded: bool) -> tuple[Box, ...]:
    """The chosen label is seen among however many."""
    current = view.current
    if not crowded or current is None or current.kind != kind:
        return ()
    return (Box(current.t0_s, current.t1_s, current.label, annotation=current),)


def _paint_crowds(painter: QPainter, row: _Row, crowds: tuple[Crowd, ...], scheme: Scheme) -> None:
    """A lane for each label, in the order of the scheme; made as an image, however many labels there are."""
    place = row.place
    pixels = np.zeros((place.height(), place.width()), np.uint32)
    order = sorted(crowds, key=lambda crowd: (scheme.place(crowd.label), crowd.label))
    for lane, crowd in enumerate(order):
        top, bottom = (n * place.height() // len(order) for n in (lane, lane + 1))
        pixels[top : max(top + 1, bottom - 1)] = _columns(row, crowd) * np.uint32(
            _ink(scheme, crowd.label).rgba()
        )
    image = QImage(pixels.data, place.width(), place.height(), 4 * place.width(), QImage.Format.Format_ARGB32)
    painter.drawImage(place.topLeft(), image)
    lane_px = place.height() / len(order)
    for lane, crowd in enumerate(order):
        area = QRectF(place.left(), place.top() + lane * lane_px, place.width(), lane_px)
        _said_inside(painter, area, _known_as(crowd.label, scheme))


def _columns(row: _Row, crowd: Crowd) -> NDArray[np.uint32]:
    """1 in the pixel columns where there is a label, ``(width,)``."""
    width, axis = row.place.width(), row.axis
    scale = axis.width / (axis.t1_s - axis.t0_s)
    first = np.clip((crowd.t0_s - axis.t0_s) * scale, 0, width - 1).astype(np.intp)
    last = np.clip((crowd.t1_s - axis.t0_s) * scale, 0, width - 1).astype(np.intp)
    steps = np.bincount(first, minlength=width + 1) - np.bincount(last + 1, minlength=width + 1)
    return (np.cumsum(steps[:width]) > 0).astype(np.uint32)


def _pattern(scheme: Scheme, label: str) -> Qt.BrushStyle:
    quality = [choice.label for choice in scheme.labels if choice.kind == "quality"]
    return _PATTERNS[quality.index(label) % len(_PATTERNS)] if label in quality else _PATTERNS[-1]


def _row_name(painter: QPainter, place: QRect, kind: AnnotationKind) -> None:
    painter.setFont(font(11))
    painter.setPen(colour("dim"))
    left = QRect(_LABEL_PAD, place.top(), place.left() - 2 * _LABEL_PAD, place.height())
    painter.drawText(
        left, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text(f"labels.row-{kind}")
    )


def _band(painter: QPainter, area: QRect, ends: tuple[float, float], ink: QColor, *, firm: bool) -> None:
    """From pixel to pixel through all strips: firm where it is chosen, faint where it is only next."""
    left, right = ends
    fill, alpha = QColor(ink), 30 if firm else 16
    fill.setAlpha(alpha)
    painter.fillRect(QRectF(left, area.top(), right - left, area.height()), fill)
    line = QColor(ink)
    line.setAlpha(170)
    painter.setPen(QPen(line, 1, Qt.PenStyle.SolidLine if firm else Qt.PenStyle.DashLine))
    for x in {int(left), int(right)}:
        painter.drawLine(x, area.top(), x, area.bottom())


def _stretch(
    painter: QPainter,
    area: QRectF,
    ink: QColor,
    pattern: Qt.BrushStyle,
    said: str,
    *,
    proposed: bool,
    chosen: bool,
) -> None:
    """A box: filled where it is a label, an outline of dashes where it is a suggestion."""
    if not proposed:
        fill = QColor(ink)
        fill.setAlpha(120 if pattern == Qt.BrushStyle.SolidPattern else 190)
        painter.fillRect(area, QBrush(fill, pattern))
    edge = colour("cursor") if chosen else ink
    painter.setPen(
        QPen(edge, 2 if chosen else 1, Qt.PenStyle.DashLine if proposed else Qt.PenStyle.SolidLine)
    )
    painter.drawRect(area.adjusted(0.5, 0.5, -0.5, -0.5))
    if chosen:
        for x in (area.left(), area.right() - _GRIP_PX):
            painter.fillRect(QRectF(x, area.top(), _GRIP_PX, area.height()), edge)
    _said_inside(painter, area, said)


def _said_inside(painter: QPainter, area: QRectF, said: str) -> None:
    """Words in the visible part of a box; the key alone where the name does not fit."""
    if area.height() < 9:
        return
    painter.setFont(font(10 if area.height() < 18 else 11))
    visible = area.intersected(QRectF(painter.clipBoundingRect()))
    metrics = painter.fontMetrics()
    for candidate in (said, said.split(" ", 1)[0]):
        width = metrics.horizontalAdvance(candidate) + 6
        if width <= visible.width() - 4:
            label = QRectF(visible.left() + 4, area.top() + 1, width, area.height() - 2)
            painter.fillRect(label, faded("panel", 200))
            painter.setPen(colour("text"))
            painter.drawText(label, Qt.AlignmentFlag.AlignCenter, candidate)
            return


def _flag(
    painter: QPainter, area: QRectF, ink: QColor, said: str, *, room_px: float, proposed: bool, chosen: bool
) -> None:
    """A triangle that points at the moment, with its words beside it where there is room."""
    x, top = area.left(), area.top() + 2
    edge = colour("cursor") if chosen else ink
    style = Qt.PenStyle.DashLine if proposed else Qt.PenStyle.SolidLine
    painter.setPen(QPen(edge, 2 if chosen else 1, style))
    painter.drawLine(QPointF(x, top + 1.5 * _FLAG_PX), QPointF(x, area.bottom()))
    painter.setPen(QPen(edge, 2 if chosen else 1))
    painter.setBrush(Qt.BrushStyle.NoBrush if proposed else QBrush(ink))
    painter.drawPolygon(
        QPolygonF([QPointF(x - _FLAG_PX, top), QPointF(x + _FLAG_PX, top), QPointF(x, top + 1.5 * _FLAG_PX)])
    )
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setFont(font(11))
    painter.setPen(colour("text"))
    for candidate in (said, said.split(" ", 1)[0]):
        if painter.fontMetrics().horizontalAdvance(candidate) + 2 * _FLAG_PX + 6 <= room_px:
            painter.drawText(QPointF(x + _FLAG_PX + 3, area.bottom() - 5), candidate)
            return
