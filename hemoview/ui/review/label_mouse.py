"""The mouse in label mode: a drag chooses a span, an edge is taken and moved, a click on a label chooses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QMouseEvent

from hemoview.labels.annotation import ANNOTATION_KINDS, Annotation
from hemoview.ui.picture.axis_px import GUTTER_PX, TimeAxis
from hemoview.ui.picture.canvas import ReviewCanvas
from hemoview.ui.review.label_paint import LabelFoot, row_box
from hemoview.viewmodel.review.label_rows import Box
from hemoview.viewmodel.review.label_state import LEAST_S, LabelView

_EDGE_PX: Final = 6
_CLICK_PX: Final = 4

Grip = Literal["left", "right", "whole"]


@dataclass(frozen=True, slots=True)
class Held:
    """A label that the mouse has taken."""

    annotation: Annotation
    grip: Grip
    at_s: float


class LabelMouse(QObject):
    """Listens to the canvas before the canvas does, while labels are made.

    Signals: ``stretched(t0_s, t1_s)`` while a span is being chosen and at its end; ``picked(rater, annotation_id)``;
    ``moved(annotation, t0_s, t1_s)`` when a label was let go elsewhere; ``previewed()`` while it is dragged.
    """

    stretched = Signal(float, float)
    picked = Signal(str, str)
    moved = Signal(object, float, float)
    previewed = Signal()

    def __init__(self, canvas: ReviewCanvas, foot: LabelFoot) -> None:
        super().__init__(canvas)
        self._canvas, self._foot = canvas, foot
        self._view: LabelView | None = None
        self._pressed: QPoint | None = None
        self._held: Held | None = None
        self._fixed_s, self._spans = 0.0, False
        self._dragged = False
        canvas.installEventFilter(self)

    def show_view(self, view: LabelView | None) -> None:
        """What lies under the mouse from now on."""
        self._view = view

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Takes what is about labels; the rest is the canvas's own."""
        view, axis = self._view, self._canvas.time_axis
        if view is None or axis is None or not isinstance(event, QMouseEvent):
            return False
        here = event.position().toPoint()
        if event.type() == QEvent.Type.MouseButtonPress:
            plain = not event.modifiers() & Qt.KeyboardModifier.ControlModifier
            return event.button() == Qt.MouseButton.LeftButton and plain and self._press(view, axis, here)
        if event.type() == QEvent.Type.MouseMove:
            return self._move(view, axis, here)
        if event.type() == QEvent.Type.MouseButtonRelease and self._pressed is not None:
            return self._release(axis, here)
        return False

    def _press(self, view: LabelView, axis: TimeAxis, here: QPoint) -> bool:
        if here.x() < GUTTER_PX:
            return False
        found = self._under(axis, here)
        if found is not None and found.annotation is not None:
            mine = view.on and found.annotation.rater == view.rater and view.refused is None
            self._held = (
                Held(found.annotation, _grip(found, axis, here.x()), axis.t(here.x())) if mine else None
            )
            self._pressed, self._dragged, self._spans = here, False, False
            self.picked.emit(found.annotation.rater, found.annotation.annotation_id)
            return True
        if not view.on:
            return False
        self._held, self._pressed, self._dragged, self._spans = None, here, False, True
        self._fixed_s = self._other_end(view, axis, here.x())
        return True

    def _other_end(self, view: LabelView, axis: TimeAxis, x: float) -> float:
        """An edge of the chosen span is taken: the other one stays. Elsewhere a new span begins."""
        if view.stretch is not None:
            start, end = view.stretch
            if abs(axis.x(start) - x) <= _EDGE_PX:
                return end
            if abs(axis.x(end) - x) <= _EDGE_PX:
                return start
        return axis.t(x)

    def _move(self, view: LabelView, axis: TimeAxis, here: QPoint) -> bool:
        if self._pressed is None:
            self._shape(view, axis, here)
            return False
        self._dragged = self._dragged or abs(here.x() - self._pressed.x()) > _CLICK_PX
        if not self._dragged:
            return True
        if self._held is not None:
            self._foot.preview = (self._held.annotation, *self._place(self._held, axis, here.x()))
            self.previewed.emit()
        elif self._spans:
            self.stretched.emit(self._fixed_s, axis.t(here.x()))
        return True

    def _release(self, axis: TimeAxis, here: QPoint) -> bool:
        held, dragged = self._held, self._dragged
        self._held, self._pressed, self._dragged = None, None, False
        self._foot.preview = None
        if held is not None and dragged:
            self.moved.emit(held.annotation, *self._place(held, axis, here.x()))
        elif self._spans and not dragged:
            self._canvas.clicked.emit(axis.t(here.x()))
        return True

    def _place(self, held: Held, axis: TimeAxis, x: float) -> tuple[float, float]:
        """Where the label would lie with the mouse there."""
        t0_s, t1_s, t_s = held.annotation.t0_s, held.annotation.t1_s, axis.t(x)
        if held.grip == "whole":
            by_s = t_s - held.at_s
            return t0_s + by_s, t1_s + by_s
        if held.grip == "left":
            return min(t_s, t1_s - LEAST_S), t1_s
        return t0_s, max(t_s, t0_s + LEAST_S)

    def _under(self, axis: TimeAxis, here: QPoint) -> Box | None:
        """The label under the mouse; the chosen one first, then the one drawn last."""
        for kind in ANNOTATION_KINDS:
            place = row_box(self._canvas.foot_box, kind)
            if not place.contains(here):
                continue
            near = _EDGE_PX if kind == "instant" else 2
            found = [
                box
                for box in self._foot.rows.of(kind)
                if box.annotation is not None
                and axis.x(box.t0_s) - near <= here.x() <= axis.x(box.t1_s) + near
                and _in_lane(box, place.top(), place.height(), here.y())
            ]
            current = self._view.current if self._view is not None else None
            return next((b for b in found if b.annotation is current), found[-1] if found else None)
        return None

    def _shape(self, view: LabelView, axis: TimeAxis, here: QPoint) -> None:
        """The pointer says what a press would take."""
        found = self._under(axis, here) if self._canvas.foot_box.contains(here) else None
        if found is not None and found.annotation is not None:
            mine = view.on and found.annotation.rater == view.rater
            edge = mine and _grip(found, axis, here.x()) != "whole"
            shape = Qt.CursorShape.SizeHorCursor if edge else Qt.CursorShape.PointingHandCursor
        elif view.on and view.stretch is not None and self._other_end(view, axis, here.x()) in view.stretch:
            shape = Qt.CursorShape.SizeHorCursor
        else:
            shape = Qt.CursorShape.IBeamCursor if view.on else Qt.CursorShape.ArrowCursor
        if self._canvas.cursor().shape() != shape:
            self._canvas.setCursor(shape)


def _in_lane(box: Box, top: int, height: int, y: int) -> bool:
    return int((y - top) * box.lanes / max(height, 1)) == box.lane


def _grip(box: Box, axis: TimeAxis, x: float) -> Grip:
    assert box.annotation is not None
    if box.annotation.kind == "instant":
        return "whole"
    left, right = axis.x(box.t0_s), axis.x(box.t1_s)
    edge_px = min(_EDGE_PX, (right - left) / 3)
    if x - left <= edge_px:
        return "left"
    return "right" if right - x <= edge_px else "whole"
