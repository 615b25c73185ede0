"""What the time base is fitted with works in few calls: it finds what the plain definition finds, bit for bit."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recorder.clock.envelope import _lower_hull, _without_covered
from recorder.clock.steps import floor_before, lowest_of_runs, median

Floats = NDArray[np.float64]
Point = tuple[float, float]

coarse = st.integers(-5, 5).map(float)
"""Few different numbers: many equals, many points on one line."""
fine = st.floats(-1e3, 1e3, allow_nan=False)
numbers = st.one_of(st.lists(coarse, min_size=1, max_size=60), st.lists(fine, min_size=1, max_size=60))


@settings(max_examples=300, deadline=None)
@given(numbers, st.integers(1, 70))
def test_the_floor_before_each_value_is_the_least_of_so_many_before_it(values: list[float], n: int) -> None:
    plain = [min(values[max(i - n, 0) : i], default=np.inf) for i in range(len(values))]
    assert floor_before(np.array(values), n).tolist() == plain
    assert floor_before(np.array(values[::-1])[::-1], n).tolist() == plain


@settings(max_examples=300, deadline=None)
@given(numbers, st.data())
def test_the_lowest_of_each_run_is_its_first_least_value(values: list[float], data: st.DataObject) -> None:
    cuts = data.draw(st.sets(st.integers(1, max(len(values) - 1, 1))))
    starts = sorted({0, *(cut for cut in cuts if cut < len(values))})
    plain = []
    for start, stop in zip(starts, [*starts[1:], len(values)], strict=True):
        plain.append(start + values[start:stop].index(min(values[start:stop])))
    assert lowest_of_runs(np.array(values), np.array(starts)).tolist() == plain


@settings(max_examples=300, deadline=None)
@given(st.one_of(numbers, st.lists(st.integers(0, 2**40), min_size=1, max_size=40)))
@example([-0.0])
@example([-1.0, -0.0, -0.0, 1.0])
def test_the_median_is_that_of_numpy_to_the_last_bit(values: list[float]) -> None:
    assert median(np.array(values)).hex() == float(np.median(values)).hex()


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.one_of(coarse, fine)), min_size=1, max_size=80))
def test_the_lower_hull_is_that_of_the_plain_chain_to_the_last_bit(steps: list[Point]) -> None:
    x = np.cumsum([step for step, _ in steps]) * 0.3
    y = np.array([height for _, height in steps])
    hull_x, hull_y = _lower_hull(x, y)
    thinned = list(zip(x.tolist(), y.tolist(), strict=True))
    for first in (1, 2) * 3:
        thinned = uncovered(thinned, first)
    assert list(zip(hull_x.tolist(), hull_y.tolist(), strict=True)) == chained(thinned)


@given(st.integers(1, 9), st.integers(1, 2))
def test_few_points_are_left_as_they_are_or_lose_their_middle(n: int, first: int) -> None:
    x, y = np.arange(float(n)), np.zeros(n)
    kept, _ = _without_covered(x, y, first)
    assert kept.tolist() == [k for k in range(n) if k < first or (k - first) % 2 or k == n - 1]


def uncovered(points: list[Point], first: int) -> list[Point]:
    gone = set()
    for k in range(first, len(points) - 1, 2):
        (ax, ay), (bx, by), (cx, cy) = points[k - 1 : k + 2]
        if ax < bx < cx and (by - ay) * (cx - ax) >= (cy - ay) * (bx - ax):
            gone.add(k)
    return [point for k, point in enumerate(points) if k not in gone]


def chained(points: list[Point]) -> list[Point]:
    """Monotone chain as it stands in the books; of points with one ``x`` the lowest."""
    hull: list[Point] = []
    for px, py in points:
        if hull and px <= hull[-1][0]:
            if py >= hull[-1][1]:
                continue
            hull.pop()
        while len(hull) > 1 and turns_down(hull[-2], hull[-1], (px, py)):
            hull.pop()
        hull.append((px, py))
    return hull


def turns_down(a: Point, b: Point, c: Point) -> bool:
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])
