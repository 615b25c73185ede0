"""The strips of Trends: those of Review, with medians in place of min/max levels once they are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.marks import Mark
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.panels import Panel, panels_of
from hemoview.viewmodel.review.reference_streams import outside, valid_spans
from hemoview.viewmodel.review.slots import LENGTHS_S, SlotTable
from hemoview.viewmodel.review.view import PanelView, TraceView, with_traces

GROUPS = {
    "pressure": ("pressure",),
    "heart": ("parameter.HR",),
    "flow": ("parameter.CO", "parameter.CI", "parameter.SV", "parameter.SI"),
    "resistance": ("parameter.SVR", "parameter.SVRI"),
}
FIRST_GROUPS = frozenset(("pressure", "heart"))
ROWS_UP_TO_S = 960.0
"""Shorter spans are drawn from the rows themselves, about one a second."""
MOST_POINTS = 1500
DOT_ROOM_PX = 5
JOIN_SLOTS = 1.6
"""Slots further apart than this are not joined: one without a value breaks the line."""
STEP = "step"
"""Kind of a mark at which something about the numbers themselves changed."""


def trend_panels(facts: SessionFacts) -> tuple[Panel, ...]:
    """The parameters of a session, none of its waves."""
    wanted = [panel_id for group in GROUPS.values() for panel_id in group]
    found = {panel.panel_id: panel for panel in panels_of(facts)}
    return tuple(replace(found[i], weight=_weight(i)) for i in wanted if i in found)


def _weight(panel_id: str) -> float:
    return {"pressure": 2.2, "parameter.HR": 1.2}.get(panel_id, 1.0)


def panels_in(groups: frozenset[str], offered: Sequence[Panel]) -> frozenset[str]:
    """Ids of the offered panels of some groups."""
    wanted = {panel_id for group in groups for panel_id in GROUPS[group]}
    return frozenset(panel.panel_id for panel in offered if panel.panel_id in wanted)


def line_length_s(span_s: float) -> int:
    """The slot length of a line over a span."""
    return next((length for length in LENGTHS_S if span_s / length <= MOST_POINTS), LENGTHS_S[-1])


def dot_length_s(span_s: float, width_px: int) -> int:
    """The slot length of dots over a span, so that each stands alone."""
    room = max(1, width_px // DOT_ROOM_PX)
    return next((length for length in LENGTHS_S if span_s / length <= room), LENGTHS_S[-1])


def with_medians(view: PanelView, facts: SessionFacts, wish: Wish, table: SlotTable) -> PanelView:
    """The same strip drawn by medians, unless an hour of it is still being read; short spans keep the estimate's rows,
    and of the beats one dot in ten seconds.
    """
    rows = wish.span_s <= ROWS_UP_TO_S
    traces = tuple(
        trace if rows and trace.trace.style != "dots" else _median_trace(trace, facts, wish, table)
        for trace in view.traces
    )
    return view if traces == view.traces else with_traces(view, traces)


def _median_trace(view: TraceView, facts: SessionFacts, wish: Wish, table: SlotTable) -> TraceView:
    trace, until_s = view.trace, min(wish.t1_s, facts.duration_s)
    if not table.whole(trace.stream_id, wish.t0_s, until_s):
        return view
    dots = trace.style == "dots"
    length_s = dot_length_s(wish.span_s, wish.width_px) if dots else line_length_s(wish.span_s)
    slots = table.slots(trace.stream_id, length_s)
    if slots is None or trace.column >= slots.median.shape[1]:
        return view
    t_s, part = slots.part(wish.t0_s - length_s, until_s + length_s)
    median = slots.median[part, trace.column]
    low, high = (None if c is None else slots.median[part, c] for c in (trace.low, trace.high))
    grey = None
    if view.grey is not None:
        grey = outside(t_s, valid_spans(facts, trace.name) or ())
    return TraceView(trace, t_s, median, median, low, high, JOIN_SLOTS * length_s, exact=True, grey=grey)


def steps_of(facts: SessionFacts, table: SlotTable, label: str) -> tuple[Mark, ...]:
    """A mark wherever a personalisation began."""
    ids = [s.stream_id for s in facts.streams if s.role == "estimate"] if not facts.estimates_hidden else []
    return tuple(Mark(t_s, label, STEP) for stream_id in ids for t_s in table.steps_s(stream_id))
