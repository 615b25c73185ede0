"""The state of Trends: Review's reader, tiles and moves on the parameters of a session, medians behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.model import ReviewModel, ReviewView
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.panels import Panel
from hemoview.viewmodel.review.reader import Answer, Key, Opened, ReviewReader, Summed
from hemoview.viewmodel.review.reference_streams import parameters_of
from hemoview.viewmodel.review.slots import SlotTable, keys_of
from hemoview.viewmodel.review.view import PanelView
from hemoview.viewmodel.trends import moves as trend_moves
from hemoview.viewmodel.trends.lines import (
    FIRST_GROUPS,
    GROUPS,
    panels_in,
    steps_of,
    trend_panels,
    with_medians,
)
from hemoview.viewmodel.trends.tables import (
    BASELINE_S,
    HorizonRow,
    Span,
    TableRow,
    TargetRow,
    horizon_rows,
    parameters_in,
    table_rows,
    target_rows,
)
from recorder.schema import PARAMETERS, StreamInfo

FIRST_SPAN_S = 24 * 3600.0
LIVE_SPAN_S = 900.0
LIVE_CURSOR_BEHIND_S = 4.0
_NAMES = frozenset(PARAMETERS)
PERSONALISED = "personalised"
"""Label of a step; the screen has the words."""


@dataclass(frozen=True, slots=True)
class TrendChoice:
    """What is chosen beside the span.

    Args:
        groups: parameter groups shown.
        parameter: of the ten-minute table.
        horizon: whether deviations from a baseline are shown.
        baseline: span of the baseline, None: the first ten minutes.
    """

    groups: frozenset[str] = FIRST_GROUPS
    parameter: str = "SBP"
    horizon: bool = False
    baseline: Span | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TrendPage:
    """The whole screen. ``complete``: every median of the visible span is here."""

    review: ReviewView
    choice: TrendChoice
    offered: tuple[str, ...]
    parameters: tuple[str, ...]
    span_s: int | None
    table: tuple[TableRow, ...]
    target: tuple[TargetRow, ...]
    horizon: tuple[HorizonRow, ...]
    baseline: Span
    complete: bool


class TrendModel(ReviewModel):
    """Holds choice and medians of one session; the rest as Review."""

    def __init__(self, reader: ReviewReader) -> None:
        super().__init__(reader)
        self._table = SlotTable()
        self._choice = TrendChoice()
        self._page: tuple[object, TrendPage] | None = None
        self._lined: dict[str, tuple[PanelView, object, PanelView]] = {}

    @property
    def choice(self) -> TrendChoice:
        """What is chosen beside the span."""
        return self._choice

    def open(self, path: str) -> None:
        """Open a session folder or a file saved from one."""
        self._table.clear()
        self._lined.clear()
        self._page = None
        self._choice = replace(self._choice, baseline=None)
        super().open(path)

    def choose_groups(self, groups: frozenset[str]) -> None:
        """Show these groups of parameters."""
        self._choice = replace(self._choice, groups=groups)
        self.choose(panels_in(groups, self._offered))

    def adopt(self, choice: TrendChoice) -> None:
        """Another parameter in the table, another baseline, the horizon on or off."""
        self._choice = choice

    def page(self) -> TrendPage:
        """The screen as it is now; tables are made again only where something behind them changed."""
        review = self.view()
        state = (review, self._choice, self._table.version)
        if self._page is None or self._page[0] != state:
            self._page = (state, self._make_page(review))
        return self._page[1]

    def _make_page(self, review: ReviewView) -> TrendPage:
        facts, wish, choice = review.facts, review.wish, self._choice
        if facts is None:
            return TrendPage(review, choice, (), (), None, (), (), (), (0.0, BASELINE_S), complete=True)
        span, known = (wish.t0_s, wish.t1_s), parameters_in(facts)
        parameter = choice.parameter if choice.parameter in known else next(iter(known), choice.parameter)
        choice = replace(choice, parameter=parameter)
        baseline = choice.baseline or (0.0, min(BASELINE_S, facts.duration_s))
        shown = tuple(p for p in known if _shown(p, choice.groups))
        return TrendPage(
            review=review,
            choice=choice,
            offered=tuple(g for g in GROUPS if panels_in(frozenset((g,)), self._offered)),
            parameters=known,
            span_s=trend_moves.chosen_span_s(wish),
            table=table_rows(parameter, facts, self._table, span),
            target=target_rows(facts, self._table, span),
            horizon=horizon_rows(shown, facts, self._table, span, baseline) if choice.horizon else (),
            baseline=baseline,
            complete=not self._behind(facts),
        )

    # what differs from Review

    def _offer(self, facts: SessionFacts) -> tuple[Panel, ...]:
        return trend_panels(facts)

    def _first_look(self, facts: SessionFacts) -> Wish:
        wish = replace(self._wish, panels=panels_in(self._choice.groups, self._offered))
        if facts.live:
            wish = moves.follow_end(replace(wish, t0_s=0.0, t1_s=LIVE_SPAN_S), facts.duration_s)
        else:
            wish = moves.look_at(wish, 0.0, min(FIRST_SPAN_S, facts.duration_s), facts.duration_s)
        return replace(wish, cursor_s=facts.duration_s if facts.live else wish.t1_s)

    def _take_facts(self, facts: SessionFacts) -> None:
        super()._take_facts(facts)
        wish = replace(self._wish, panels=panels_in(self._choice.groups, self._offered))
        if wish.follow:  # a beat is known when the next one begins, and on disk a second later
            wish = replace(wish, cursor_s=max(0.0, facts.duration_s - LIVE_CURSOR_BEHIND_S))
        self._wish = wish

    def _behind(self, facts: SessionFacts) -> list[Key]:
        """Hours whose medians are missing: those in view first, then the baseline's."""
        wish, end_s = self._wish, facts.duration_s
        spans = [(wish.t0_s, min(wish.t1_s, end_s)), self._choice.baseline or (0.0, min(BASELINE_S, end_s))]
        ids = [s.stream_id for s in facts.streams if _summed(s, facts)]
        keys = dict.fromkeys(key for a, b in spans for stream_id in ids for key in keys_of(stream_id, a, b))
        return [k for k in keys if not self._table.current(k, end_s) and k not in self._unreadable]

    def _take(self, answer: Answer) -> None:
        if isinstance(answer, Summed):
            self._table.put(answer.block)
            return
        if isinstance(answer, Opened):
            self._page = None
        super()._take(answer)

    def _panel(
        self, panel: Panel, wish: Wish, place: str, versions: tuple[object, ...] | None = None
    ) -> PanelView:
        raw = super()._panel(panel, wish, place, versions)
        facts, state = self._facts, self._table.version
        assert facts is not None
        held = self._lined.get(place)
        if held is None or held[0] is not raw or held[1] != state:
            held = (raw, state, with_medians(raw, facts, wish, self._table))
            self._lined[place] = held
        return held[2]

    def _resolve(self) -> ReviewView:
        view = super()._resolve()
        if view.facts is None:
            return view
        wish = view.wish
        steps = [
            m for m in steps_of(view.facts, self._table, PERSONALISED) if wish.t0_s <= m.t_s <= wish.t1_s
        ]
        marks = [*(m for m in view.marks if m.kind in ("marker", "tag", "era", "calibration")), *steps]
        return replace(view, marks=tuple(sorted(marks, key=lambda m: m.t_s)))


def _shown(parameter: str, groups: frozenset[str]) -> bool:
    panel_id = "pressure" if parameter in ("SBP", "MAP", "DBP") else f"parameter.{parameter}"
    return any(panel_id in GROUPS[group] for group in groups)


def _summed(info: StreamInfo, facts: SessionFacts) -> bool:
    """A stream with numbers of a parameter; hidden estimates are not even read (safety rule 13)."""
    if info.role == "estimate":
        return not facts.estimates_hidden and any(channel.name in _NAMES for channel in info.channels)
    return bool(parameters_of(info))
