"""When was each sample taken? Fitted afterwards, from raw clock points, by pure functions.

A block cannot have arrived before its last sample was taken, so jitter only ever delays: the true line from
sample number to time lies *under* all points. Of all lines under the points we take the one with the smallest
summed distance, which is an edge of the lower convex hull (Moon, Skelly & Towsley, INFOCOM 1999: estimation and
removal of clock skew). Where the numbering slipped (samples lost that nobody counted, a source that re-anchored
its stamps) the line may step; all pieces share one rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.clock.steps import lowest_of_runs, step_starts

MIN_POINTS = 20
MIN_SPAN_S = 20.0
"""Below either the nominal rate is used: with 60 ms of jitter a shorter fit is off by more than a crystal is."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Timebase:
    """Sample number → host monotonic time, for one run of one clock era.

    The times are those of the fastest deliveries: a constant delay of the link cannot be told from an offset.

    Args:
        nominal_rate_hz: what the maker says.
        rate_hz: fitted (or nominal where there were too few points).
        first_nos: ``(n_pieces,)`` sample number from which each piece holds, rising.
        anchor_nos, anchors_ns: ``(n_pieces,)`` a sample number and its host time, ns, on each piece's line.
        residual_ms: median of arrival − fitted time of the last sample of a block: the typical delay.
        n_points: clock points used.
    """

    nominal_rate_hz: float
    rate_hz: float
    first_nos: tuple[int, ...]
    anchor_nos: tuple[int, ...]
    anchors_ns: tuple[int, ...]
    residual_ms: float
    n_points: int

    @property
    def drift_ppm(self) -> float:
        """How much faster (+) than nominal the device samples, measured by the host clock, 1e-6."""
        return (self.rate_hz / self.nominal_rate_hz - 1.0) * 1e6

    @property
    def n_steps(self) -> int:
        """How often the numbering slipped against time."""
        return len(self.first_nos) - 1

    def t_ns(self, sample_no: NDArray[np.integer] | int) -> Ints:
        """Host monotonic time, ns int64, at which each sample was taken; any shape."""
        numbers = np.asarray(sample_no, dtype=np.int64)
        piece = np.clip(np.searchsorted(self.first_nos, numbers, side="right") - 1, 0, None)
        elapsed = (numbers - np.asarray(self.anchor_nos)[piece]) * (1e9 / self.rate_hz)
        times: Ints = np.asarray(self.anchors_ns)[piece] + np.rint(elapsed).astype(np.int64)
        return times


def fit_timebase(
    sample_no: NDArray[np.integer],
    n_samples: NDArray[np.integer],
    t_host_ns: NDArray[np.integer],
    nominal_rate_hz: float,
) -> Timebase:
    """Fit the clock points of one run (same era, numbering unbroken or broken by a known number of samples).

    Args:
        sample_no: ``(n,)`` first sample of each block, rising.
        n_samples: ``(n,)`` samples in each block.
        t_host_ns: ``(n,)`` arrival of each block, host monotonic ns.
        nominal_rate_hz: what the maker says.

    Raises:
        ValueError: no points, or arrays of different length.
    """
    last = np.asarray(sample_no, dtype=np.int64) + np.asarray(n_samples, dtype=np.int64) - 1
    arrival = np.asarray(t_host_ns, dtype=np.int64)
    if last.shape != arrival.shape or last.ndim != 1 or last.size == 0:
        raise ValueError(
            f"a time base needs (n>0,) points, got {last.shape} numbers and {arrival.shape} times"
        )
    no0, ns0 = int(last[0]), int(arrival[0])
    x_s = (last - no0) / nominal_rate_hz
    late_s = (arrival - ns0) / 1e9 - x_s
    starts = np.zeros(1, dtype=np.intp)
    slope = 0.0
    if last.size >= MIN_POINTS and x_s[-1] - x_s[0] >= MIN_SPAN_S:
        starts = step_starts(x_s, late_s)
        slope = common_slope(x_s, late_s, starts)
    above = late_s - slope * x_s
    offsets = np.minimum.reduceat(above, starts)
    pieces = np.diff(np.append(starts, last.size))
    residual = above - np.repeat(offsets, pieces)
    rate = nominal_rate_hz / (1.0 + slope)
    anchors = ns0 + np.rint((offsets + (1.0 + slope) * x_s[starts]) * 1e9).astype(np.int64)
    return Timebase(
        nominal_rate_hz=float(nominal_rate_hz),
        rate_hz=float(rate),
        first_nos=tuple(int(v) for v in np.asarray(sample_no)[starts]),
        anchor_nos=tuple(int(v) for v in last[starts]),
        anchors_ns=tuple(int(v) for v in anchors),
        residual_ms=float(np.median(residual) * 1e3),
        n_points=int(last.size),
    )


def common_slope(x: Floats, y: Floats, starts: NDArray[np.intp]) -> float:
    """Slope shared by the lines that lie under the points of each piece at the smallest summed distance.

    The sum is convex and piecewise linear in the slope; its corners are the slopes of the hulls' edges, so the
    minimum is found exactly by walking them in order.
    """
    slopes: list[float] = []
    weights: list[float] = []
    target = 0.0
    for piece_x, piece_y in zip(np.split(x, starts[1:]), np.split(y, starts[1:]), strict=True):
        hull_x, hull_y = _lower_hull(*_floors(piece_x, piece_y, 4000))
        width = np.diff(hull_x)
        slopes.extend(np.diff(hull_y) / width)
        weights.extend(piece_x.size * width)
        target += float(np.sum(piece_x - hull_x[0]))
    if not slopes:
        return 0.0
    order = np.argsort(slopes)
    reached = np.cumsum(np.asarray(weights)[order])
    return float(slopes[order[min(int(np.searchsorted(reached, target)), len(slopes) - 1)]])


def _lower_hull(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Vertices of the lower convex hull of points with rising ``x`` (monotone chain)."""
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


def _turns_down(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])


def _floors(x: Floats, y: Floats, n_max: int) -> tuple[Floats, Floats]:
    """The lowest point of each of ``n_max`` equal runs of points; the points themselves if they are fewer."""
    if x.size <= n_max:
        return x, y
    starts = np.linspace(0, x.size, n_max, endpoint=False).astype(np.intp)
    lowest = lowest_of_runs(y, starts)
    return x[lowest], y[lowest]
