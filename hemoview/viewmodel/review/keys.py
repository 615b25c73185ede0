"""Which tiles a picture of Review is made of, and which the next one will probably need."""

from __future__ import annotations

from collections.abc import Sequence

from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.cursor import cursor_keys
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.panels import Panel
from hemoview.viewmodel.review.shift import TimeShift
from hemoview.viewmodel.review.tiles import TileKey, floor_level, keys_over, level_for

MINIMAP_PX = 800
_MINIMAP_CHOICE = ("pressure", "parameter.HR")


def minimap_panel(offered: Sequence[Panel]) -> Panel | None:
    """What the overview of the whole session draws: pressure, else heart rate, else the first wave."""
    by_id = {panel.panel_id: panel for panel in offered if panel.traces}
    return next((by_id[i] for i in _MINIMAP_CHOICE if i in by_id), next(iter(by_id.values()), None))


def overview_keys(
    facts: SessionFacts, offered: Sequence[Panel], shift: TimeShift | None = None
) -> list[TileKey]:
    """Tiles the overview of the whole session is made of."""
    overview = minimap_panel(offered)
    whole = Wish(0.0, facts.duration_s, MINIMAP_PX)
    return span_keys(facts, (overview,), whole, shift) if overview else []


def likely_keys(
    facts: SessionFacts, chosen: Sequence[Panel], wish: Wish, shift: TimeShift | None = None
) -> list[TileKey]:
    """Tiles that the next move will probably need: playback ahead, a page either way, a zoom either way."""
    keys: list[TileKey] = []
    if wish.playing:
        keys += cursor_keys(facts, chosen, min(facts.duration_s, wish.cursor_s + 10 * wish.speed), shift)
    for share in (1.0, -1.0):
        keys += span_keys(facts, chosen, moves.pan(wish, share, facts.duration_s), shift)
    for factor in (1 / moves.ZOOM_STEP**2, moves.ZOOM_STEP**2):
        keys += span_keys(facts, chosen, moves.zoom(wish, factor, facts.duration_s), shift)
    return keys


def span_keys(
    facts: SessionFacts, panels: Sequence[Panel], wish: Wish, shift: TimeShift | None = None
) -> list[TileKey]:
    """Tiles of the streams of some panels over a span, at the level its width asks for."""
    stream_ids = dict.fromkeys(stream_id for panel in panels for stream_id in panel.stream_ids)
    keys: list[TileKey] = []
    for stream_id in stream_ids:
        there = wish if shift is None else shift.wish_for(stream_id, wish)
        if there is None:
            continue
        level = level_for(there.span_s / there.width_px, floor_level(facts.stream(stream_id)))
        keys += keys_over(stream_id, level, there.t0_s, min(there.t1_s, facts.duration_s))
    return keys
