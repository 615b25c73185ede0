"""How far two raters of one session agree: quality and spans on a common grid, spans and instants one to one. Pure.

Judged only where both looked. Figures are by label and pooled; where there is too little to tell, a figure is None
and ``why`` says so. Symmetric: swapping the raters changes no figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hemoview.labels.raters.agreement_kappa import Codes, Kappa, Weights, kappa_of_grid, pooled_kappa
from hemoview.labels.raters.agreement_match import Ends, Matched, match_instants, match_spans

STEP_S: Final = 1.0
"""Step of the common grid; the shortest label that matters to a window of 8 to 10 s."""
BLOCK_S: Final = 60.0
"""Stretch that counts as one for the interval of kappa."""
IOU_THRESHOLDS: Final = (0.3, 0.5, 0.7)
TOLERANCE_S: Final = 0.5
"""Two people's keys for the same moment: about a reaction apart; half a beat at rest."""
_RANKS: Final[tuple[Weights, ...]] = ("linear", "quadratic")


class Labelled(Protocol):
    """What is compared: an annotation, or anything with its times and words."""

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def t0_s(self) -> float: ...  # noqa: D102
    @property
    def t1_s(self) -> float: ...  # noqa: D102
    @property
    def label(self) -> str: ...  # noqa: D102


Marks = Sequence[Labelled]


@dataclass(frozen=True, slots=True)
class Rules:
    """How it is compared; every value is printed beside the figures.

    Args:
        step_s: step of the common grid.
        block_s: stretch that is the unit of the interval of kappa.
        ious: thresholds of span F1.
        tolerance_s: how far apart two instants may be.
        quality_order: quality labels from worst to best; with it quality is also compared as ranks.
    """

    step_s: float = STEP_S
    block_s: float = BLOCK_S
    ious: tuple[float, ...] = IOU_THRESHOLDS
    tolerance_s: float = TOLERANCE_S
    quality_order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QualityAgreement:
    """Of quality: that label or not, all labels, and by rank where the order of the labels is known."""

    by_label: dict[str, Kappa]
    pooled: Kappa
    linear: Kappa | None = None
    quadratic: Kappa | None = None


@dataclass(frozen=True, slots=True)
class SpanAgreement:
    """Of spans: kappa of presence on the grid, and F1 by threshold of overlap; by label and pooled."""

    kappa: dict[str, Kappa]
    f1: dict[str, dict[float, Matched]]
    pooled_kappa: Kappa
    pooled_f1: dict[float, Matched]


@dataclass(frozen=True, slots=True)
class InstantAgreement:
    """Of instants: F1 within the tolerance; by label and pooled."""

    f1: dict[str, Matched]
    pooled: Matched


@dataclass(frozen=True, slots=True)
class Agreement:
    """All figures of two raters; None where neither made a label of that kind."""

    looked: tuple[Ends, ...]
    rules: Rules
    quality: QualityAgreement | None
    spans: SpanAgreement | None
    instants: InstantAgreement | None

    def to_dict(self) -> dict[str, Any]:
        """As it is printed."""
        return {
            "looked_s": round(sum(t1 - t0 for t0, t1 in self.looked), 3),
            "rules": {
                "step_s": self.rules.step_s,
                "block_s": self.rules.block_s,
                "iou": list(self.rules.ious),
                "tolerance_s": self.rules.tolerance_s,
                "quality_order": list(self.rules.quality_order),
            },
            "quality": None if self.quality is None else _quality_dict(self.quality),
            "spans": None if self.spans is None else _span_dict(self.spans),
            "instants": None
            if self.instants is None
            else {
                "by_label": {label: found.to_dict() for label, found in self.instants.f1.items()},
                "pooled": self.instants.pooled.to_dict(),
            },
        }


def _quality_dict(found: QualityAgreement) -> dict[str, Any]:
    weighted = {"linear": found.linear, "quadratic": found.quadratic}
    return {
        "by_label": {label: kappa.to_dict() for label, kappa in found.by_label.items()},
        "pooled": found.pooled.to_dict(),
        "weighted": {kind: kappa.to_dict() for kind, kappa in weighted.items() if kappa is not None},
    }


def _span_dict(found: SpanAgreement) -> dict[str, Any]:
    def both(kappa: Kappa, f1: dict[float, Matched]) -> dict[str, Any]:
        return {**kappa.to_dict(), "f1": {f"{least:g}": matched.to_dict() for least, matched in f1.items()}}

    by_label = {label: both(kappa, found.f1[label]) for label, kappa in found.kappa.items()}
    return {"by_label": by_label, "pooled": both(found.pooled_kappa, found.pooled_f1)}


def common_spans(a: Iterable[Ends], b: Iterable[Ends]) -> tuple[Ends, ...]:
    """Where both looked: the intersection of two sets of spans, in order, without overlap."""
    first, second = merged(a), merged(b)
    found = [(max(p[0], q[0]), min(p[1], q[1])) for p in first for q in second]
    return tuple(sorted(span for span in found if span[1] > span[0]))


def merged(spans: Iterable[Ends]) -> tuple[Ends, ...]:
    """The same stretches in order, overlapping and touching ones made one."""
    found: list[Ends] = []
    for t0_s, t1_s in sorted(span for span in spans if span[1] > span[0]):
        if found and t0_s <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], t1_s))
        else:
            found.append((t0_s, t1_s))
    return tuple(found)


def agreement(a: Marks, b: Marks, looked: Sequence[Ends], rules: Rules | None = None) -> Agreement:
    """Compare two raters' effective labels where both looked.

    Raises:
        ValueError: ``looked`` is empty.
    """
    rules = rules or Rules()
    looked = merged(looked)
    if not looked:
        raise ValueError("there is no stretch that both raters looked at")
    grid = Grid.over(looked, rules)
    mine, theirs = _inside(a, looked), _inside(b, looked)
    return Agreement(
        looked,
        rules,
        _quality(grid, a, b, rules),
        _spans(grid, (a, b), (mine, theirs), rules),
        _instants(mine, theirs, rules),
    )


def _spans(
    grid: Grid, whole: tuple[Marks, Marks], inside: tuple[Marks, Marks], rules: Rules
) -> SpanAgreement | None:
    """Kappa counts every second of ``whole``; F1 counts the spans ``inside``, each once."""
    labels = _labels(*inside, "span")
    if not labels:
        return None
    stacks = {label: grid.present(*whole, label) for label in labels}
    f1 = {label: _span_f1(*inside, label, rules) for label in labels}
    return SpanAgreement(
        {label: kappa_of_grid(stack) for label, stack in stacks.items()},
        f1,
        pooled_kappa(list(stacks.values())),
        {least: _sum(by_iou[least] for by_iou in f1.values()) for least in rules.ious},
    )


def _instants(a: Marks, b: Marks, rules: Rules) -> InstantAgreement | None:
    f1 = {label: _instant_f1(a, b, label, rules) for label in _labels(a, b, "instant")}
    return InstantAgreement(f1, _sum(f1.values())) if f1 else None


def _sum(found: Iterable[Matched]) -> Matched:
    total = Matched(0, 0, 0)
    for one in found:
        total += one
    return total


def _inside(marks: Iterable[Labelled], looked: Sequence[Ends]) -> list[Labelled]:
    """Marks that lie in the stretches compared: a span by its middle, so that an edge cuts none in two."""
    middles = ((mark, (mark.t0_s + mark.t1_s) / 2) for mark in marks)
    return [mark for mark, at_s in middles if any(t0 <= at_s <= t1 for t0, t1 in looked)]


def _labels(a: Iterable[Labelled], b: Iterable[Labelled], kind: str) -> list[str]:
    return sorted({mark.label for marks in (a, b) for mark in marks if mark.kind == kind})


def _span_f1(a: Marks, b: Marks, label: str, rules: Rules) -> dict[float, Matched]:
    mine, theirs = (
        [(m.t0_s, m.t1_s) for m in marks if (m.kind, m.label) == ("span", label)] for marks in (a, b)
    )
    return {
        least: Matched(len(mine), len(theirs), len(match_spans(mine, theirs, least))) for least in rules.ious
    }


def _instant_f1(a: Marks, b: Marks, label: str, rules: Rules) -> Matched:
    mine, theirs = ([m.t0_s for m in marks if (m.kind, m.label) == ("instant", label)] for marks in (a, b))
    return Matched(len(mine), len(theirs), len(match_instants(mine, theirs, rules.tolerance_s)))


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Middles of the steps both looked at, and the stretch each belongs to, numbered from 0."""

    t_s: NDArray[np.float64]
    block: Codes

    @classmethod
    def over(cls, looked: Sequence[Ends], rules: Rules) -> Grid:
        """Steps of whole multiples of the step, so that both raters' grids are one."""
        first = np.arange(np.floor(looked[0][0] / rules.step_s), np.ceil(looked[-1][1] / rules.step_s) + 1)
        middles = (first + 0.5) * rules.step_s
        inside = np.logical_or.reduce([(middles >= t0) & (middles < t1) for t0, t1 in looked])
        t_s = middles[inside]
        blocks = np.floor(t_s / rules.block_s).astype(np.intp)
        return cls(t_s, np.unique(blocks, return_inverse=True)[1].astype(np.intp))

    def present(self, a: Marks, b: Marks, label: str) -> NDArray[np.float64]:
        """Tables absent/present of one span label, one a stretch, ``(n_blocks, 2, 2)``."""
        codes = [self.codes([m for m in marks if m.kind == "span"], (label,)) + 1 for marks in (a, b)]
        return self.tables(codes[0], codes[1], 2)

    def codes(self, marks: Sequence[Labelled], labels: Sequence[str]) -> Codes:
        """Place among ``labels`` of the mark over each step, −1 where there is none; a later mark lies on top."""
        found = np.full(len(self.t_s), -1, np.intp)
        for mark in marks:
            if mark.label in labels:
                ends = np.searchsorted(self.t_s, (mark.t0_s, mark.t1_s))
                found[ends[0] : ends[1]] = labels.index(mark.label)
        return found

    def tables(self, a: Codes, b: Codes, n: int) -> NDArray[np.float64]:
        """One table of counts a stretch, ``(n_blocks, n, n)``."""
        n_blocks = int(self.block[-1]) + 1 if len(self.block) else 1
        rated = (a >= 0) & (b >= 0)
        place = self.block[rated] * n * n + a[rated] * n + b[rated]
        return np.bincount(place, minlength=n_blocks * n * n).reshape(n_blocks, n, n).astype(np.float64)


def _quality(grid: Grid, a: Marks, b: Marks, rules: Rules) -> QualityAgreement | None:
    """Only steps that both rated count: where one said nothing there is nothing to agree about."""
    mine, theirs = ([m for m in marks if m.kind == "quality"] for marks in (a, b))
    used = _labels(mine, theirs, "quality")
    if not used:
        return None
    strange = [label for label in used if label not in rules.quality_order]
    labels = (*rules.quality_order, *strange)
    tables = grid.tables(grid.codes(mine, labels), grid.codes(theirs, labels), len(labels))
    by_label = {label: kappa_of_grid(_one_against_rest(tables, labels.index(label))) for label in used}
    ranked = len(rules.quality_order) > 2 and not strange
    linear, quadratic = (kappa_of_grid(tables, kind) if ranked else None for kind in _RANKS)
    return QualityAgreement(by_label, kappa_of_grid(tables), linear, quadratic)


def _one_against_rest(tables: NDArray[np.float64], place: int) -> NDArray[np.float64]:
    """Tables of many labels as tables of one label and all others."""
    both = tables[:, place, place]
    row, column, total = (
        tables[:, place].sum(axis=1),
        tables[:, :, place].sum(axis=1),
        tables.sum(axis=(1, 2)),
    )
    pairs = [total - row - column + both, column - both, row - both, both]
    return np.stack(pairs, axis=1).reshape(-1, 2, 2)
