"""A stored session in review, without a window: its pictures, and a model that has settled."""

from __future__ import annotations

import time
from collections.abc import Callable

from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.model import ReviewModel
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.panels import Panel, panels_of
from hemoview.viewmodel.review.reader import load_tile
from hemoview.viewmodel.review.tiles import TileCache, floor_level, keys_over, level_for
from hemoview.viewmodel.review.view import PanelView, plan_of, resolve_panel
from recorder import session as store

MINUTES = 34
GAP_S = (1500.0, 1540.0)
"""Where the bench session loses its wristband."""


def settle(model: ReviewModel, until: Callable[[], bool] | None = None) -> None:
    """Take answers until the picture is complete (or the condition holds)."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        model.drain()
        view = model.view()
        done = view.phase == "failed" or (view.phase == "open" and view.settled and not cursor_loading(model))
        if until() if until is not None else done:
            return
        time.sleep(0.002)
    raise AssertionError("the picture was never complete")


def cursor_loading(model: ReviewModel) -> bool:
    cursor = model.view().cursor
    return cursor is not None and any(n.estimate and n.estimate.why == "loading" for n in cursor.numerics)


def panel_named(facts: SessionFacts, panel_id: str) -> Panel:
    return next(p for p in panels_of(facts) if p.panel_id == panel_id)


def picture(opened: tuple[store.Session, SessionFacts], panel_id: str, wish: Wish) -> PanelView:
    """A panel resolved with every tile it needs."""
    session, facts = opened
    panel, cache = panel_named(facts, panel_id), TileCache()
    for stream_id in panel.stream_ids:
        level = level_for(wish.span_s / wish.width_px, floor_level(facts.stream(stream_id)))
        for key in keys_over(stream_id, level, wish.t0_s, wish.t1_s):
            cache.put(load_tile(session, facts, key))
    return resolve_panel(plan_of(panel, facts), wish, cache)
