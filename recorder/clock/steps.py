"""Where the numbering of samples slipped against time: the floor of the delay steps and stays.

Up: samples were lost that nobody counted (an E4 server shifts its stamps over them). Down: more were counted as
lost than were. A reader that stalls is no step, for after it the delay falls back to the floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MIN_STEP_S = 0.020
"""Less cannot be told from jitter; a lost wireless packet of an E4 is 172 ms of BVP."""
LONG_S = 60.0
"""A step stays for so long; a stall up to this length is none."""
PAST_S = 30.0
MIN_SIDE = 20
"""Blocks on either side without which nothing is claimed."""
MIN_SIDE_THINNED = 5
"""Points, where each is the earliest of many blocks."""
_TREND_WINDOW_S = 5.0
_TREND_POINTS = 8


def step_starts(x: Floats, late: Floats, blocks_a_point: float = 1.0) -> Indices:
    """Index of the first point of each piece: 0, and every step.

    Args:
        x: ``(n,)`` nominal time of the points, s, rising.
        late: ``(n,)`` arrival minus nominal time, s.
        blocks_a_point: of how many blocks each point is the earliest; 1 if points are not thinned.
    """
    side = max(ceil(MIN_SIDE / blocks_a_point), MIN_SIDE_THINNED)
    if x.size < 2 * side:
        return np.zeros(1, dtype=np.intp)
    spacing_s = max((x[-1] - x[0]) / (x.size - 1), 1e-6)
    level = late - _trend(x, late, max(_TREND_WINDOW_S, _TREND_POINTS * spacing_s)) * x
    n_past = max(side, round(PAST_S / spacing_s))
    n_long = max(side, round(LONG_S / spacing_s))
    future = np.minimum(floor_before(level[::-1], n_long)[::-1], level)
    threshold = max(MIN_STEP_S, median(level - np.minimum(floor_before(level, side), level)))
    up = np.flatnonzero(future - floor_before(level, n_past) > threshold)
    down = np.flatnonzero(floor_before(level, n_long) - level > threshold)
    return _walk(_Delay(level, future, threshold, n_past, side), up, down[down >= n_long])


@dataclass(frozen=True, slots=True)
class _Delay:
    """Detrended delay, the floor of each point and what follows it, and what counts as a step, s."""

    level: Floats
    future: Floats
    threshold: float
    n_past: int
    side: int


def _walk(delay: _Delay, up: Indices, down: Indices) -> Indices:
    """The steps one after another; after each, the past begins anew."""
    starts, last = [0], delay.level.size - delay.side
    while True:
        begin = starts[-1] + delay.n_past
        far = up[up.searchsorted(begin) :][:1]
        lower = down[down.searchsorted(begin) :][:1]
        near = _next_near(delay, starts[-1])
        candidates = [_exact(delay, i) for i in (*near, *far.tolist())] + lower.tolist()
        if not candidates or min(candidates) > last:
            return np.asarray(starts, dtype=np.intp)
        starts.append(min(candidates))


def _next_near(delay: _Delay, start: int) -> list[int]:
    """The first step up among the points since the last one, if any."""
    past = np.minimum.accumulate(delay.level[start : start + delay.n_past - 1])
    above = np.flatnonzero(
        delay.future[start + 1 : start + 1 + past.size] - past[: delay.future.size - start - 1]
        > delay.threshold
    )
    return [start + 1 + int(above[0])] if above.size else []


def _exact(delay: _Delay, first: int) -> int:
    """A late point before the step looks like its beginning: the step is where the future floor is reached."""
    future = delay.future[first : first + delay.side]
    return first + int(np.argmax(future > future.max() - delay.threshold / 2))


def _trend(x: Floats, late: Floats, window_s: float) -> float:
    """Robust slope of the floor: the median over neighbouring windows, of which few hold a step."""
    edges = np.searchsorted(x, np.arange(x[0], x[-1], window_s))
    lowest = lowest_of_runs(late, edges[np.concatenate([[True], edges[1:] != edges[:-1]])])
    floor_x, floor = x[lowest], late[lowest]
    width, rise = floor_x[1:] - floor_x[:-1], floor[1:] - floor[:-1]
    wide = width > 0
    return median(rise[wide] / width[wide]) if wide.any() else 0.0


def floor_before(values: Floats, n: int) -> Floats:
    """Minimum of the ``n`` values before each, ``inf`` where there is none: of two windows that cover it, found by
    doubling their width.
    """
    floor = np.empty(values.size)
    floor[:1] = np.inf
    begun = min(n, values.size) - 1
    np.minimum.accumulate(values[:begun], out=floor[1 : begun + 1])
    if values.size <= n:
        return floor
    lowest, width = values, 1
    while 2 * width <= n:
        lowest = np.minimum(lowest[:-width], lowest[width:])
        width *= 2
    np.minimum(lowest[: values.size - n], lowest[n - width : values.size - width], out=floor[n:])
    return floor


def lowest_of_runs(y: NDArray[Any], starts: Indices) -> Indices:
    """Index of the lowest value of each run of points that begins at ``starts``, of equals the first.

    Args:
        y: ``(n,)`` no NaN.
        starts: from 0 on, rising.
    """
    least = np.minimum.reduceat(y, starts)
    at = np.flatnonzero(y == np.repeat(least, sizes_of(starts, y.size)))
    return at[at.searchsorted(starts)]


def sizes_of(starts: Indices, n: int) -> Indices:
    """How many of ``n`` points are in each run that begins at ``starts``."""
    sizes = np.empty_like(starts)
    np.subtract(starts[1:], starts[:-1], out=sizes[:-1])
    sizes[-1] = n - starts[-1]
    return sizes


def median(values: NDArray[Any]) -> float:
    """``np.median`` of ``(n>0,)`` numbers without NaN, to the last bit, in a fifth of the time where they are few."""
    low, high = (values.size - 1) // 2, values.size // 2
    parted = np.partition(np.asarray(values, np.float64), (low, high))
    return float((0.0 + parted[low] + parted[high]) / 2)  # from 0 on, as numpy adds: −0 becomes 0
