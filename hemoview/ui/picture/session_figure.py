"""What Trends and Review keep: the strips as they stand, and the span in view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter

from hemoview.ui.parts.figure import Figure
from hemoview.ui.parts.savable import Wanted
from hemoview.ui.picture.picture import draw_picture
from hemoview.viewmodel.review.figure_head import FigureHead, head_of_session
from hemoview.viewmodel.review.model import ReviewView
from recorder.exchange.trends.trend_csv import Saving


def head_of(view: ReviewView, claim: str) -> FigureHead | None:
    """None while no session is open."""
    if view.facts is None:
        return None
    span = (view.wish.t0_s, min(view.wish.t1_s, max(view.facts.duration_s, view.wish.t0_s)))
    return head_of_session(view.facts, span, view.pressure_unit, claim)


def figure_of(
    view: ReviewView, claim: str, size: QSize, below: tuple[int, Callable[[QPainter], None]] | None = None
) -> Figure | None:
    """The strips of a view; ``below`` them what is drawn from the given height on."""
    head = head_of(view, claim)
    if head is None:
        return None
    upper, rest = (size, None) if below is None else (QSize(size.width(), size.height() - below[0]), below[1])

    def paint(painter: QPainter) -> None:
        draw_picture(painter, view, upper)
        if rest is not None:
            painter.translate(0, upper.height())
            rest(painter)

    return Figure(head, size, paint)


def wanted_of(view: ReviewView, claim: str) -> Wanted | None:
    """The span in view of the session's numbers; never estimates that are hidden (safety rule 13)."""
    head = head_of(view, claim)
    if head is None or view.facts is None:
        return None
    left_out = frozenset(("estimate",)) if view.facts.estimates_hidden else frozenset[str]()
    saving = Saving(view.wish.t0_s, min(view.wish.t1_s, view.facts.duration_s), left_out, claim)
    return Wanted(Path(view.facts.path), saving, head.file_name)
