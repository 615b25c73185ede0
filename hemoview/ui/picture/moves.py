"""How a picture over time is moved, by key and by hand: the same in Review and in Trends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from PySide6.QtCore import Qt

from hemoview.ui.picture.canvas import ReviewCanvas
from hemoview.ui.picture.minimap import Minimap
from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.moves import Wish

Move = Callable[[Wish, float], Wish]
Keys = dict[tuple[Qt.Key, Qt.KeyboardModifier], Move]
SHIFT: Final = Qt.KeyboardModifier.ShiftModifier
CTRL: Final = Qt.KeyboardModifier.ControlModifier
NONE: Final = Qt.KeyboardModifier.NoModifier
PAGE: Final = 0.9


class Zoom(Protocol):
    """Narrower or wider about a moment, the cursor where none is given."""

    def __call__(self, wish: Wish, factor: float, duration_s: float, anchor_s: float | None = None) -> Wish:
        """The view afterwards."""
        ...


def move_keys(zoom: Zoom, cursor_step_s: Callable[[Wish], float]) -> Keys:
    """Panning, zooming, the cursor and the ends."""
    key = Qt.Key

    def panned(share: float) -> Move:
        return lambda wish, end: moves.pan(wish, share, end)

    def zoomed(factor: float) -> Move:
        return lambda wish, end: zoom(wish, factor, end)

    def stepped(way: int) -> Move:
        return lambda wish, end: moves.jump(wish, wish.cursor_s + way * cursor_step_s(wish), end)

    inward, outward = zoomed(moves.ZOOM_STEP), zoomed(1 / moves.ZOOM_STEP)
    return {
        (key.Key_Left, NONE): panned(-moves.PAN_STEP),
        (key.Key_Right, NONE): panned(moves.PAN_STEP),
        (key.Key_Left, SHIFT): panned(-PAGE),
        (key.Key_Right, SHIFT): panned(PAGE),
        (key.Key_PageUp, NONE): panned(-PAGE),
        (key.Key_PageDown, NONE): panned(PAGE),
        (key.Key_Left, CTRL): stepped(-1),
        (key.Key_Right, CTRL): stepped(1),
        **{(k, NONE): inward for k in (key.Key_Plus, key.Key_Equal, key.Key_Up)},
        **{(k, NONE): outward for k in (key.Key_Minus, key.Key_Down)},
        (key.Key_Home, NONE): moves.to_start,
        (key.Key_End, NONE): moves.to_end,
        (key.Key_F, NONE): moves.fit,
        (key.Key_L, NONE): moves.follow_end,
    }


def moved_by_hand(canvas: ReviewCanvas, minimap: Minimap, move: Callable[[Move], None], zoom: Zoom) -> None:
    """What mouse, wheel and finger do to the picture."""
    canvas.clicked.connect(lambda t: move(lambda w, end: moves.jump(w, t, end)))
    canvas.panned.connect(lambda share: move(lambda w, end: moves.pan(w, share, end)))
    canvas.zoomed.connect(lambda factor, at: move(lambda w, end: zoom(w, factor, end, at)))
    for source in (canvas, minimap):
        source.spanned.connect(lambda t0, t1: move(lambda w, end: moves.look_at(w, t0, t1, end)))
