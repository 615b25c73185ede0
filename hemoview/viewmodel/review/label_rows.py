"""Labels of the visible span → boxes of three rows: instants, spans, quality. Pure; ten thousand labels are quick."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.labels.annotation import ANNOTATION_KINDS, Annotation, AnnotationKind, order_of
from hemoview.labels.raters.proposal import Proposal

MOST_BOXES: Final = 120
"""Above this many in a row none has room for its words: they are drawn together, a lane for each label."""
LONGEST_PROPOSAL_S: Final = 600.0
"""A suggestion never crosses a ten-minute mark."""
LANES: Final = 2
"""Stretches that overlap lie side by side in so many lanes; more lie over one another."""


@dataclass(frozen=True, slots=True)
class Box:
    """One thing to draw in a row.

    Args:
        t0_s, t1_s: where.
        label: what it says.
        lane, lanes: which of how many lanes of the row it has; 0 of 1 is the whole row.
        annotation: the label itself; None for a proposal.
        proposal: a suggestion nobody has decided about.
    """

    t0_s: float
    t1_s: float
    label: str
    lane: int = 0
    lanes: int = 1
    annotation: Annotation | None = None
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Labels of one name, too many to be drawn one by one: where each begins and ends, ``(n,)`` seconds."""

    label: str
    t0_s: NDArray[np.float64]
    t1_s: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What the three rows show."""

    boxes: dict[AnnotationKind, tuple[Box, ...]] = field(default_factory=dict)
    crowds: dict[AnnotationKind, tuple[Crowd, ...]] = field(default_factory=dict)

    def of(self, kind: AnnotationKind) -> tuple[Box, ...]:
        """The boxes of a row."""
        return self.boxes.get(kind, ())


class LabelIndex:
    """Annotations made ready to be found by span. A single change makes a new index out of the old one, quickly."""

    def __init__(self, annotations: Sequence[Annotation] = ()) -> None:
        self._rows = {kind: _Row.of([a for a in annotations if a.kind == kind]) for kind in ANNOTATION_KINDS}

    def changed(self, before: Annotation | None, after: Annotation | None) -> LabelIndex:
        """The same with one annotation gone, come, or elsewhere."""
        made = LabelIndex()
        made._rows = dict(self._rows)
        if before is not None:
            made._rows[before.kind] = made._rows[before.kind].without(before)
        if after is not None:
            made._rows[after.kind] = made._rows[after.kind].with_one(after)
        return made

    def rows(self, t0_s: float, t1_s: float, proposals: Sequence[Proposal] = ()) -> Rows:
        """What is to be drawn of a span; ``proposals`` in order of time."""
        made = Rows()
        first = bisect.bisect_left(proposals, t0_s - LONGEST_PROPOSAL_S, key=lambda p: p.t0_s)
        last = bisect.bisect_right(proposals, t1_s, lo=first, key=lambda p: p.t0_s)
        near = [p for p in proposals[first:last] if p.t1_s >= t0_s]
        for kind in ANNOTATION_KINDS:
            boxes, made.crowds[kind] = self._rows[kind].boxes(t0_s, t1_s)
            here = [p for p in near if p.kind == kind]
            boxes += [Box(p.t0_s, p.t1_s, p.label, proposal=p) for p in here[:MOST_BOXES]]
            made.boxes[kind] = tuple(boxes)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """Annotations of a kind in order, their times as arrays; ``names[code]`` is the label of each."""

    labels: list[Annotation]
    t0_s: NDArray[np.float64]
    t1_s: NDArray[np.float64]
    code: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, labels: list[Annotation]) -> _Row:
        names = tuple(dict.fromkeys(a.label for a in labels))
        codes = {name: code for code, name in enumerate(names)}
        t0_s = np.array([a.t0_s for a in labels], np.float64)
        t1_s = np.array([a.t1_s for a in labels], np.float64)
        return cls(labels, t0_s, t1_s, np.array([codes[a.label] for a in labels], np.int64), names)

    def without(self, label: Annotation) -> _Row:
        at = bisect.bisect_left(self.labels, order_of(label), key=order_of)
        left = [*self.labels[:at], *self.labels[at + 1 :]]
        kept = np.arange(len(self.labels)) != at
        return _Row(left, self.t0_s[kept], self.t1_s[kept], self.code[kept], self.names)

    def with_one(self, label: Annotation) -> _Row:
        at = bisect.bisect_left(self.labels, order_of(label), key=order_of)
        names = self.names if label.label in self.names else (*self.names, label.label)
        labels = [*self.labels[:at], label, *self.labels[at:]]
        t0_s, t1_s = np.insert(self.t0_s, at, label.t0_s), np.insert(self.t1_s, at, label.t1_s)
        return _Row(labels, t0_s, t1_s, np.insert(self.code, at, names.index(label.label)), names)

    def boxes(self, t0_s: float, t1_s: float) -> tuple[list[Box], tuple[Crowd, ...]]:
        """Labels that touch a span, each alone; or all together by label where they are too many."""
        found = np.flatnonzero((self.t0_s <= t1_s) & (self.t1_s >= t0_s))
        if len(found) > MOST_BOXES:
            return [], self._crowds(found)
        return _side_by_side([self.labels[place] for place in found.tolist()]), ()

    def _crowds(self, found: NDArray[np.intp]) -> tuple[Crowd, ...]:
        codes = self.code[found]
        present = sorted(np.unique(codes).tolist(), key=lambda code: self.names[code])
        mine = [found[codes == code] for code in present]
        return tuple(
            Crowd(self.names[code], self.t0_s[places], self.t1_s[places])
            for code, places in zip(present, mine, strict=True)
        )


def _side_by_side(annotations: Sequence[Annotation]) -> list[Box]:
    """Each alone; stretches that overlap in lanes of their own."""
    free_s = [-np.inf] * LANES
    lanes = []
    for annotation in annotations:
        lane = next((n for n, free in enumerate(free_s) if free <= annotation.t0_s), LANES - 1)
        free_s[lane] = max(free_s[lane], annotation.t1_s)
        lanes.append(lane if annotation.kind != "instant" else 0)
    n_lanes = max(lanes, default=0) + 1
    return [
        Box(a.t0_s, a.t1_s, a.label, lane, n_lanes, a) for a, lane in zip(annotations, lanes, strict=True)
    ]
