"""The line under all points: how well each slope fits. Pure.

Of all lines of one slope under the points the highest is the best; its summed distance to the points is convex and
piecewise linear in the slope, with corners at the slopes of the lower convex hull's edges. Sums of such functions are
of the same kind, so lines that share a slope (pieces, runs, streams of one device) are fitted exactly by
walking all corners in order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recorder.clock.steps import lowest_of_runs

Floats = NDArray[np.float64]

LEAST_SLOPE = -0.9
"""Ten times the nominal rate: a faster one is a backlog that came at once, and says nothing of any clock."""
_HULL_POINTS = 4000
"""Of more points, the lowest of each of so many runs."""
_THINNING_PASSES = 3
"""Each leaves about a quarter of the points of a noisy line to the walk along the hull."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Summed distance of points to the best line of a slope under them, as a function of the slope.

    Args:
        slopes: ``(n,)`` its corners, rising.
        bends: ``(n,)`` by how much its derivative grows at each.
        fall: minus its derivative left of all corners.
    """

    slopes: Floats
    bends: Floats
    fall: float

    @classmethod
    def of(cls, pieces: Iterable[tuple[Floats, Floats]]) -> Self:
        """Misfit of points ``x`` (rising), ``y``, each ``(n_i,)``, a line for each piece."""
        slopes, bends, fall = [np.empty(0)], [np.empty(0)], 0.0
        for x, y in pieces:
            hull_x, hull_y = _lower_hull(*_floors(x, y))
            width = np.diff(hull_x)
            slopes.append(np.diff(hull_y) / width)
            bends.append(x.size * width)
            fall += float(np.sum(x - hull_x[0]))
        return cls._sorted(np.concatenate(slopes), np.concatenate(bends), fall)

    @classmethod
    def around_zero(cls, scale: float) -> Self:
        """``|slope| / scale``: how unlikely a slope is before any point is seen (Laplace)."""
        return cls(np.zeros(1), np.full(1, 2.0 / scale), 1.0 / scale)

    @classmethod
    def weighted(cls, parts: Iterable[tuple[float, Misfit]]) -> Self:
        """Sum of weight · misfit."""
        pairs = list(parts)
        slopes = np.concatenate([part.slopes for _, part in pairs])
        bends = np.concatenate([weight * part.bends for weight, part in pairs])
        return cls._sorted(slopes, bends, sum(weight * part.fall for weight, part in pairs))

    @classmethod
    def _sorted(cls, slopes: Floats, bends: Floats, fall: float) -> Self:
        order = np.argsort(slopes, kind="stable")
        return cls(slopes[order], bends[order], fall)

    @property
    def best(self) -> float:
        """The slope of the smallest misfit; 0 if there is no corner."""
        return float(self.slopes[self._lowest()]) if self.slopes.size else 0.0

    def excess(self, slope: float) -> float:
        """Misfit of a slope above that of the best."""
        if not self.slopes.size:
            return 0.0
        level = self._levels()
        before = max(float(self.slopes[0]) - slope, 0.0) * self.fall
        after = max(slope - float(self.slopes[-1]), 0.0) * (float(np.sum(self.bends)) - self.fall)
        return float(np.interp(slope, self.slopes, level)) + before + after

    def within(self, excess: float) -> tuple[float, float]:
        """The lowest and highest slope whose misfit exceeds the best by no more than ``excess``."""
        if not self.slopes.size:
            return -np.inf, np.inf
        level, k = self._levels(), self._lowest()
        rise = float(np.sum(self.bends)) - self.fall
        low = float(np.interp(excess, level[k::-1], self.slopes[k::-1]))
        high = float(np.interp(excess, level[k:], self.slopes[k:]))
        low -= _ratio(max(excess - float(level[0]), 0.0), self.fall)
        high += _ratio(max(excess - float(level[-1]), 0.0), rise)
        return low, high

    def _lowest(self) -> int:
        reached = np.cumsum(self.bends)
        return min(int(np.searchsorted(reached, self.fall)), self.slopes.size - 1)

    def _levels(self) -> Floats:
        """Misfit at each corner above that of the best."""
        climb = (np.cumsum(self.bends)[:-1] - self.fall) * np.diff(self.slopes)
        level = np.concatenate([np.zeros(1), np.cumsum(climb)])
        above: Floats = np.maximum(level - level[self._lowest()], 0.0)
        return above


def common_slope(x: Floats, y: Floats, starts: NDArray[np.intp]) -> float:
    """Slope shared by the lines that lie under the points of each piece at the smallest summed distance; not below
    :data:`LEAST_SLOPE`.
    """
    pieces = zip(np.split(x, starts[1:]), np.split(y, starts[1:]), strict=True)
    return max(Misfit.of(pieces).best, LEAST_SLOPE)


def _ratio(amount: float, slope: float) -> float:
    if amount <= 0.0:
        return 0.0
    return amount / slope if slope > 0.0 else np.inf


def _lower_hull(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Vertices of the lower convex hull of points with rising ``x`` (monotone chain)."""
    for _ in range(_THINNING_PASSES):
        x, y = _without_covered(*_without_covered(x, y, 1), 2)
    hull: list[tuple[float, float]] = []
    for px, py in zip(x.tolist(), y.tolist(), strict=True):
        if hull and px <= hull[-1][0]:
            if py >= hull[-1][1]:
                continue
            hull.pop()
        while len(hull) > 1 and _turns_down(hull[-2], hull[-1], (px, py)):
            hull.pop()
        hull.append((px, py))
    vertices = np.asarray(hull)
    return vertices[:, 0], vertices[:, 1]


def _without_covered(x: Floats, y: Floats, first: int) -> tuple[Floats, Floats]:
    """Without every second point that lies on or above the line between its neighbours: it is no vertex of the hull.

    Only a help to the chain, which is slow point by point; of points with the same ``x`` none is left out.
    """
    middle = np.arange(first, x.size - 1, 2)
    left, right = middle - 1, middle + 1
    wide = x[right] - x[left]
    covered = (y[middle] - y[left]) * wide >= (y[right] - y[left]) * (x[middle] - x[left])
    apart = (x[left] < x[middle]) & (x[middle] < x[right])
    keep = np.ones(x.size, np.bool_)
    keep[middle[covered & apart]] = False
    return x[keep], y[keep]


def _turns_down(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])


def _floors(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The lowest point of each of ``_HULL_POINTS`` equal runs of points; the points themselves if they are fewer."""
    if x.size <= _HULL_POINTS:
        return x, y
    starts = np.linspace(0, x.size, _HULL_POINTS, endpoint=False).astype(np.intp)
    lowest = lowest_of_runs(y, starts)
    return x[lowest], y[lowest]
