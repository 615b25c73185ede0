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
            width = hull_x[1:] - hull_x[:-1]
            slopes.append((hull_y[1:] - hull_y[:-1]) / width)
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
    return max(Misfit.of(pieces_of(x, y, starts)).best, LEAST_SLOPE)


def pieces_of(x: Floats, y: Floats, starts: NDArray[np.intp]) -> list[tuple[Floats, Floats]]:
    """Points of each piece that begins at ``starts``; the first is 0."""
    if starts.size == 1:
        return [(x, y)]
    return list(zip(np.split(x, starts[1:]), np.split(y, starts[1:]), strict=True))


def _ratio(amount: float, slope: float) -> float:
    if amount <= 0.0:
        return 0.0
    return amount / slope if slope > 0.0 else np.inf


def _lower_hull(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Vertices of the lower convex hull of points with rising ``x`` (monotone chain)."""
    for _ in range(_THINNING_PASSES):
        x, y = _without_covered(*_without_covered(x, y, 1), 2)
    vertices = np.asarray(_chain(x.tolist(), y.tolist()))
    return vertices[:, 0], vertices[:, 1]


def _chain(xs: list[float], ys: list[float]) -> list[tuple[float, float]]:
    """The last two vertices ``a`` and ``b`` in hand: ``b`` goes while it lies on or above the line from ``a`` to the
    next point. Where there is no such vertex stands NaN, with which every comparison is false.
    """
    none = (np.nan, np.nan)
    before = [none]
    ax, ay = none
    bx, by = xs[0], ys[0]
    for x, y in zip(xs, ys, strict=True):
        if x <= bx:
            if y >= by:
                continue
            bx, by, (ax, ay) = ax, ay, before.pop()
        while (by - ay) * (x - ax) >= (y - ay) * (bx - ax):
            bx, by, (ax, ay) = ax, ay, before.pop()
        before.append((ax, ay))
        ax, ay, bx, by = bx, by, x, y
    return [vertex for vertex in (*before, (ax, ay), (bx, by)) if vertex[0] == vertex[0]]


def _without_covered(x: Floats, y: Floats, first: int) -> tuple[Floats, Floats]:
    """Without every second point that lies on or above the line between its neighbours: it is no vertex of the hull.

    Only a help to the chain, which is slow point by point; of points with the same ``x`` none is left out.
    """
    left, middle, right = slice(first - 1, -2, 2), slice(first, -1, 2), slice(first + 1, None, 2)
    left_x, middle_x, right_x, left_y = x[left], x[middle], x[right], y[left]
    ahead = middle_x - left_x
    covered = (y[middle] - left_y) * (right_x - left_x) >= (y[right] - left_y) * ahead
    keep = np.ones(x.size, np.bool_)
    np.logical_not(covered & (ahead > 0) & (right_x > middle_x), out=keep[middle])
    kept = np.flatnonzero(keep)
    return x[kept], y[kept]


def _floors(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The lowest point of each of ``_HULL_POINTS`` equal runs of points; the points themselves if they are fewer."""
    if x.size <= _HULL_POINTS:
        return x, y
    starts = np.linspace(0, x.size, _HULL_POINTS, endpoint=False).astype(np.intp)
    lowest = lowest_of_runs(y, starts)
    return x[lowest], y[lowest]
