"""Raters of one label set: what each looked at, who may see whose labels, and how far two of them agree. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from hemoview.labels.annotation import Annotation, LabelFold
from hemoview.labels.raters.agreement import Agreement, Rules, agreement, common_spans, merged
from hemoview.labels.raters.agreement_match import Ends
from hemoview.labels.raters.scheme import PULSE
from recorder.errors import ConfigError

How = Literal["declared", "labels"]
"""How it is known what a rater looked at: he said so, or from his first label to his last."""
_BEST_FIRST: Final = -1


@dataclass(frozen=True, slots=True)
class Looked:
    """What a rater looked at."""

    spans: tuple[Ends, ...]
    how: How


@dataclass(frozen=True, slots=True)
class Compared:
    """Two raters of a label set, and how far they agree where both looked.

    Args:
        a, b: operator codes.
        n_a, n_b: labels of each.
        looked_a, looked_b: what each looked at.
        found: the figures.
        informed_a, informed_b: changes each made after the other's labels were open to him; 0: blind throughout.
    """

    a: str
    b: str
    n_a: int
    n_b: int
    looked_a: Looked
    looked_b: Looked
    found: Agreement
    informed_a: int = 0
    informed_b: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As it is printed."""
        return {
            "a": self.a,
            "b": self.b,
            "n_a": self.n_a,
            "n_b": self.n_b,
            "looked_known_from": {self.a: self.looked_a.how, self.b: self.looked_b.how},
            "changed_after_seeing_the_other": {self.a: self.informed_a, self.b: self.informed_b},
            **self.found.to_dict(),
        }


def raters_with_labels(fold: LabelFold) -> tuple[str, ...]:
    """Whose labels stand in a set, in order of name."""
    return tuple(sorted({annotation.rater for annotation in fold.annotations()}))


def looked_at(fold: LabelFold, rater: str) -> Looked:
    """What a rater looked at: what he declared, else from his first label to his last."""
    declared = merged(fold.looked(rater))
    if declared:
        return Looked(declared, "declared")
    mine = fold.annotations(rater)
    hull = (min(a.t0_s for a in mine), max(a.t1_s for a in mine)) if mine else (0.0, 0.0)
    return Looked(merged([hull]), "labels")


def rules_of(fold: LabelFold, rules: Rules | None = None) -> Rules:
    """Rules with the order of the quality labels of the set's scheme, which lists the best first."""
    rules = rules or Rules()
    choices = (fold.scheme or PULSE.to_json()).get("labels", [])
    order = [str(choice.get("label", "")) for choice in choices if choice.get("kind") == "quality"]
    return Rules(rules.step_s, rules.block_s, rules.ious, rules.tolerance_s, tuple(order[::_BEST_FIRST]))


def compare(fold: LabelFold, a: str, b: str, where: str, rules: Rules | None = None) -> Compared:
    """How far two raters of a set agree.

    Args:
        fold: the set.
        a, b: operator codes.
        where: session and set, for a refusal.
        rules: see :class:`Rules`.

    Raises:
        ConfigError: twice the same rater, one without labels, or two who looked at nothing in common.
    """
    if a == b:
        raise ConfigError(f"{where}: {a} cannot be compared with the same rater; name two")
    known = raters_with_labels(fold)
    for rater in (a, b):
        if rater not in known:
            others = ", ".join(known) or "nobody"
            raise ConfigError(f"{where}: rater {rater} has no labels; labels were made by {others}")
    looked_a, looked_b = looked_at(fold, a), looked_at(fold, b)
    both = common_spans(looked_a.spans, looked_b.spans)
    if not both:
        raise ConfigError(
            f"{where}: {a} looked at {_told(looked_a)} and {b} at {_told(looked_b)}: at nothing in common; let one of "
            "them label a stretch of the other's"
        )
    mine, theirs = fold.annotations(a), fold.annotations(b)
    found = agreement(mine, theirs, both, rules_of(fold, rules))
    informed = fold.informed(a, b), fold.informed(b, a)
    return Compared(a, b, len(mine), len(theirs), looked_a, looked_b, found, *informed)


def _told(looked: Looked) -> str:
    return ", ".join(f"{t0:.0f}–{t1:.0f} s" for t0, t1 in looked.spans) or "one moment only"


def may_see(fold: LabelFold, rater: str) -> frozenset[str]:
    """Whose labels a rater may see beside his own: none until he and the other have both declared theirs finished."""
    if rater not in fold.finished:
        return frozenset()
    return frozenset(fold.finished - {rater})


def models_visible(fold: LabelFold, annotations: Iterable[Annotation] | None = None) -> dict[str, int]:
    """SHA-256 of each model whose suggestion was on the screen when a label was made → how many labels.

    evaluation.md 1: labels suggested by the evaluated model or its teacher are excluded and counted. A label counts
    here whether it was taken over or not: the rater had seen it.
    """
    found: Counter[str] = Counter()
    for annotation in fold.annotations() if annotations is None else annotations:
        found.update(models_of(fold, annotation))
    return dict(sorted(found.items()))


def models_of(fold: LabelFold, annotation: Annotation) -> frozenset[str]:
    """Models that were seen when a label was made; of an adjudicated one also when the raters made theirs."""
    told = annotation.suggestion
    seen = {told.model_sha256} if told is not None and told.visible else set()
    for deed in fold.about(annotation.deed_id):
        if deed.annotation_id == annotation.annotation_id and deed.origin is not None:
            seen |= {str(model) for model in deed.origin.get("models", ())}
    return frozenset(seen - {""})


def independent_of(
    fold: LabelFold, models: Iterable[str], annotations: Sequence[Annotation] | None = None
) -> tuple[tuple[Annotation, ...], int]:
    """Labels that may judge these models, and how many were left out because one of them was seen."""
    barred = frozenset(models)
    every = fold.annotations() if annotations is None else tuple(annotations)
    kept = tuple(a for a in every if not models_of(fold, a) & barred)
    return kept, len(every) - len(kept)
