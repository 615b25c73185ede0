"""What a rater had before him when he made a label: suggestions that were drawn, and estimates of a model. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from hemoview.labels.annotation import AnnotationKind, Suggested
from hemoview.labels.raters.proposal import Proposal
from hemoview.viewmodel.review.model import ReviewView

_NEAR_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Model:
    """A model whose output is on the screen."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The screen as it stands: visible span, suggestions drawn in it, models whose estimates are drawn."""

    t0_s: float = 0.0
    t1_s: float = 0.0
    proposals: tuple[Proposal, ...] = ()
    models: tuple[Model, ...] = ()

    def at(self, kind: AnnotationKind, t0_s: float, t1_s: float) -> Suggested | None:
        """What is written into a label made there: the nearest thing a machine said, a model before a detector.

        A model that only suggested elsewhere in the picture, or whose estimates are drawn, was seen too: the label is
        no longer independent of it.
        """
        there = [p for p in self.proposals if p.t0_s <= t1_s + _NEAR_S and p.t1_s >= t0_s - _NEAR_S]
        order = [
            *(p for p in there if p.model_sha256 and p.kind == kind),
            *(p for p in there if p.model_sha256),
            *(p for p in self.proposals if p.model_sha256),
        ]
        if order:
            return Suggested(order[0].source, order[0].model_sha256)
        if self.models:
            return Suggested(f"{self.models[0].name} estimate", self.models[0].sha256)
        same = [p for p in there if p.kind == kind] or there
        return Suggested(same[0].source) if same else None


def seen_of(view: ReviewView, proposals: Sequence[Proposal]) -> Seen:
    """What a view of the page shows, with these suggestions switched on (none: switched off)."""
    wish = view.wish
    visible = tuple(p for p in proposals if p.t0_s <= wish.t1_s and p.t1_s >= wish.t0_s)
    return Seen(wish.t0_s, wish.t1_s, visible, models_drawn(view))


def models_drawn(view: ReviewView) -> tuple[Model, ...]:
    """Models whose estimates the chosen panels draw."""
    facts = view.facts
    if facts is None:
        return ()
    drawn: Iterable[str] = dict.fromkeys(
        trace.stream_id for panel in view.panels for trace in panel.panel.traces if trace.style == "band"
    )
    told = [facts.stream(stream_id).metadata for stream_id in drawn]
    return tuple(Model(str(t.get("model") or "model"), str(t.get("model_sha256") or "")) for t in told)
