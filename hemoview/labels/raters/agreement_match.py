"""Which mark of one rater is which of the other: spans by overlap, instants by distance, one to one. Pure.

Span F1 after Jaccard (intersection over union) with a threshold as in Everingham et al. 2010 (PASCAL VOC, IJCV
88:303) and in the sample-and-event scoring of sleep events (Warby et al. 2014, Nat Methods 11:385); instants within a
tolerance as in ANSI/AAMI EC57 beat comparison. The matching is a maximum one (Hopcroft & Karp 1973), so that neither
order nor rater makes a difference.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hemoview.labels.raters.agreement_kappa import TOO_FEW

LEAST_MARKS: Final = 5
"""With fewer marks of both raters together there is no F1 (as evaluation.md 10: fewer than 5 reads "too few")."""

Ends = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Matched:
    """How many marks of two raters are the same; symmetric: F1 = 2·matched / (n_a + n_b)."""

    n_a: int
    n_b: int
    n_matched: int

    @property
    def n(self) -> int:
        """Marks of both together."""
        return self.n_a + self.n_b

    @property
    def f1(self) -> float | None:
        """Dice's coefficient of the two sets of marks; None where there are too few."""
        return None if self.n < LEAST_MARKS else 2 * self.n_matched / self.n

    def __add__(self, other: Matched) -> Matched:
        """Of two labels together."""
        return Matched(self.n_a + other.n_a, self.n_b + other.n_b, self.n_matched + other.n_matched)

    def to_dict(self) -> dict[str, Any]:
        """As it is printed."""
        f1 = self.f1
        counts = {"n_a": self.n_a, "n_b": self.n_b, "n_matched": self.n_matched}
        if f1 is None:
            return {"f1": None, **counts, "why": TOO_FEW, "n_needed": LEAST_MARKS}
        return {"f1": round(f1, 4), **counts}


def iou(a: Ends, b: Ends) -> float:
    """Intersection over union of two spans, 0 to 1; two equal spans without length are 1."""
    if a == b:
        return 1.0
    both = min(a[1], b[1]) - max(a[0], b[0])
    whole = max(a[1], b[1]) - min(a[0], b[0])
    return max(0.0, both) / whole if whole > 0 else 0.0


def match_spans(a: Sequence[Ends], b: Sequence[Ends], least_iou: float) -> list[tuple[int, int]]:
    """Pairs (place in ``a``, place in ``b``) whose overlap reaches the threshold, as many as can be, one to one.

    Raises:
        ValueError: a threshold outside (0, 1].
    """
    if not 0.0 < least_iou <= 1.0:
        raise ValueError(f"an overlap of {least_iou:g} is no threshold; give one above 0 and up to 1")
    edges: list[list[int]] = [[] for _ in a]
    order = sorted(range(len(b)), key=lambda j: b[j])
    first = 0
    longest = max((t1 - t0 for t0, t1 in b), default=0.0)
    for i in sorted(range(len(a)), key=lambda i: a[i]):
        while first < len(order) and b[order[first]][0] + longest < a[i][0]:
            first += 1
        for j in order[first:]:
            if b[j][0] > a[i][1]:
                break
            if iou(a[i], b[j]) >= least_iou:
                edges[i].append(j)
    return maximum_matching(edges, len(b))


def match_instants(a: Sequence[float], b: Sequence[float], tolerance_s: float) -> list[tuple[int, int]]:
    """Pairs of moments no further apart than the tolerance, as many as can be, one to one.

    On a line the earliest free partner is always a best choice, so one walk through both is a maximum matching.
    """
    left = sorted(range(len(a)), key=lambda i: a[i])
    right = sorted(range(len(b)), key=lambda j: b[j])
    pairs, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        apart = b[right[j]] - a[left[i]]
        if abs(apart) <= tolerance_s:
            pairs.append((left[i], right[j]))
            i, j = i + 1, j + 1
        elif apart < 0:
            j += 1
        else:
            i += 1
    return pairs


def maximum_matching(edges: Sequence[Sequence[int]], n_right: int) -> list[tuple[int, int]]:
    """A largest set of pairs of a bipartite graph, ``edges[left]`` = places on the right (Hopcroft & Karp 1973)."""
    left_of: list[int] = [-1] * n_right
    right_of: list[int] = [-1] * len(edges)
    while (depth := _layers(edges, left_of, right_of)) is not None:
        for start in range(len(edges)):
            if right_of[start] < 0:
                _augment(start, edges, left_of, right_of, depth)
    return [(i, j) for i, j in enumerate(right_of) if j >= 0]


def _layers(edges: Sequence[Sequence[int]], left_of: list[int], right_of: list[int]) -> list[int] | None:
    """Distance of every left place from a free one by alternating paths; None where no path ends at a free right."""
    depth = [0 if right < 0 else -1 for right in right_of]
    waiting, reached = deque(i for i, d in enumerate(depth) if d == 0), False
    while waiting:
        i = waiting.popleft()
        for j in edges[i]:
            partner = left_of[j]
            if partner < 0:
                reached = True
            elif depth[partner] < 0:
                depth[partner] = depth[i] + 1
                waiting.append(partner)
    return depth if reached else None


def _augment(
    start: int, edges: Sequence[Sequence[int]], left_of: list[int], right_of: list[int], depth: list[int]
) -> None:
    """Flip one alternating path from ``start`` to a free place on the right, if the layers hold one. Not recursive:
    ten thousand spans may chain."""
    path: list[tuple[int, int]] = []
    choices = [iter(edges[start])]
    stack = [start]
    while stack:
        i = stack[-1]
        for j in choices[-1]:
            partner = left_of[j]
            if partner < 0:
                for left, right in [*path, (i, j)]:
                    right_of[left], left_of[right] = right, left
                return
            if depth[partner] == depth[i] + 1:
                path.append((i, j))
                stack.append(partner)
                choices.append(iter(edges[partner]))
                break
        else:
            depth[i] = -1
            stack.pop()
            choices.pop()
            if path:
                path.pop()
