"""Where Trends looks: the spans of its buttons, and limits of its own for zooming. Pure."""

from __future__ import annotations

from dataclasses import replace

from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.moves import Wish

SPANS_S = (300, 900, 3600, 4 * 3600, 8 * 3600, 12 * 3600, 24 * 3600)
LEAST_SPAN_S = 60.0


def show_span(wish: Wish, span_s: float, duration_s: float, *, live: bool) -> Wish:
    """So many seconds, ending where the view ends; a session being recorded keeps room for what comes."""
    if live and (wish.follow or wish.t1_s >= duration_s):
        return moves.follow_end(replace(wish, t1_s=wish.t0_s + span_s), duration_s)
    end_s = min(wish.t1_s, duration_s)
    return moves.look_at(wish, end_s - span_s, end_s, duration_s)


def zoom(wish: Wish, factor: float, duration_s: float, anchor_s: float | None = None) -> Wish:
    """As in Review, but never closer than a minute."""
    factor = max(factor, LEAST_SPAN_S / wish.span_s) if factor < 1 else factor
    return moves.zoom(wish, factor, duration_s, anchor_s)


def cursor_step_s(wish: Wish) -> float:
    """How far the cursor goes with one key: about a two-hundredth of the view, on round seconds."""
    return next((float(s) for s in (1, 5, 10, 60, 600) if wish.span_s / s <= 200), 600.0)


def chosen_span_s(wish: Wish) -> int | None:
    """The button whose span is shown, None in between."""
    return next((s for s in SPANS_S if abs(wish.span_s - s) < 1.0), None)
