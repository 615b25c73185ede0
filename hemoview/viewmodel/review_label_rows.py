"""Labels of the visible span → boxes of three rows: instants, spans, quality. Pure; ten thousand labels are quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.labels.annotation import ANNOTATION_KINDS, Annotation, AnnotationKind
from hemoview.labels.proposal import Proposal
from hemoview.labels.scheme import Scheme

MOST_BOXES: Final = 250
"""Above this many in a row, neighbours of one label are drawn as one."""
LANES: Final = 2
"""Stretches that overlap lie side by side in so many lanes; more lie over one another."""


@dataclass(frozen=True, slots=True)
class Box:
    """One thing to draw in a row.

    Args:
        t0_s, t1_s: where.
        label: what it says.
        lane, lanes: which of how many lanes of the row it has; 0 of 1 is the whole row.
        annotation: the label itself; None where the box stands for many, or for a proposal.
        proposal: a suggestion nobody has decided about.
        count: how many labels it stands for.
    """

    t0_s: float
    t1_s: float
    label: str
    lane: int = 0
    lanes: int = 1
    annotation: Annotation | None = None
    proposal: Proposal | None = None
    count: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What the three rows show."""

    instants: tuple[Box, ...] = ()
    spans: tuple[Box, ...] = ()
    quality: tuple[Box, ...] = ()

    def of(self, kind: AnnotationKind) -> tuple[Box, ...]:
        """The boxes of a row."""
        return {"instant": self.instants, "span": self.spans, "quality": self.quality}[kind]


class LabelIndex:
    """Annotations made ready to be found by span: built once for each state of the labels."""

    def __init__(self, annotations: Sequence[Annotation]) -> None:
        self._by_kind = {
            kind: _Row(tuple(a for a in annotations if a.kind == kind)) for kind in ANNOTATION_KINDS
        }

    def rows(
        self, t0_s: float, t1_s: float, width_px: int, scheme: Scheme, proposals: Sequence[Proposal] = ()
    ) -> Rows:
        """Boxes of a visible span on an axis so many pixels wide."""
        made = {}
        for kind in ANNOTATION_KINDS:
            proposed = [
                Box(p.t0_s, p.t1_s, p.label, proposal=p)
                for p in proposals
                if p.kind == kind and p.t0_s <= t1_s and p.t1_s >= t0_s
            ]
            row = self._by_kind[kind]
            made[kind] = (*row.boxes(t0_s, t1_s, width_px, scheme), *proposed[:MOST_BOXES])
        return Rows(made["instant"], made["span"], made["quality"])


class _Row:
    def __init__(self, annotations: tuple[Annotation, ...]) -> None:
        self._all = annotations
        n = len(annotations)
        self._t0_s = np.fromiter((a.t0_s for a in annotations), np.float64, n)
        self._t1_s = np.fromiter((a.t1_s for a in annotations), np.float64, n)
        names = list(dict.fromkeys(a.label for a in annotations))
        codes = {name: code for code, name in enumerate(names)}
        self._names = names
        self._code = np.fromiter((codes[a.label] for a in annotations), np.int64, n)

    def boxes(self, t0_s: float, t1_s: float, width_px: int, scheme: Scheme) -> list[Box]:
        found = np.flatnonzero((self._t0_s <= t1_s) & (self._t1_s >= t0_s))
        if len(found) > MOST_BOXES:
            return self._crowded(found, (t1_s - t0_s) / max(width_px, 1), scheme)
        return _side_by_side([self._all[place] for place in found.tolist()])

    def _crowded(self, found: NDArray[np.intp], pixel_s: float, scheme: Scheme) -> list[Box]:
        """A lane for each label, in the order of the scheme; what touches on the screen is one box."""
        codes = np.unique(self._code[found])
        order = sorted(codes.tolist(), key=lambda code: (scheme.place(self._names[code]), self._names[code]))
        boxes: list[Box] = []
        for lane, code in enumerate(order):
            mine = found[self._code[found] == code]
            start, end = self._t0_s[mine], np.maximum.accumulate(self._t1_s[mine])
            first = np.flatnonzero(np.append(True, start[1:] > end[:-1] + pixel_s))
            last = np.append(first[1:], len(mine)) - 1
            name, lanes = self._names[code], len(order)
            boxes += [
                Box(float(start[a]), float(end[b]), name, lane, lanes, count=b - a + 1)
                for a, b in zip(first.tolist(), last.tolist(), strict=True)
            ]
        return boxes


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
