"""The misfit of a slope is what summing distances by hand gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recorder.clock.envelope import Misfit

Floats = NDArray[np.float64]


def by_hand(pieces: list[tuple[Floats, Floats]], slope: float) -> float:
    above = [y - slope * x for x, y in pieces]
    return float(sum(np.sum(a - a.min()) for a in above))


@settings(max_examples=150, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    seed=st.integers(0, 2**20),
    probe=st.floats(-40, 40),
    allowed=st.floats(0.01, 50),
)
def test_it_is_the_summed_distance_to_the_best_line(
    sizes: list[int], seed: int, probe: float, allowed: float
) -> None:
    rng = np.random.default_rng(seed)
    pieces = [(np.sort(rng.uniform(0, 9, n)), rng.normal(0, 3, n)) for n in sizes]
    misfit = Misfit.of(pieces)
    least = by_hand(pieces, misfit.best)
    assert by_hand(pieces, probe) >= least - 1e-9
    if max(sizes) > 1:
        assert misfit.excess(probe) == pytest.approx(by_hand(pieces, probe) - least, abs=1e-6)
        for edge in misfit.within(allowed):
            assert by_hand(pieces, edge) - least == pytest.approx(allowed, rel=1e-6)


def test_points_that_say_nothing_leave_every_slope_open() -> None:
    one = Misfit.of([(np.array([3.0]), np.array([1.0]))])
    assert (one.best, one.excess(7.0), one.within(1.0)) == (0.0, 0.0, (-np.inf, np.inf))


def test_a_belief_about_zero_holds_until_points_outweigh_it() -> None:
    prior = Misfit.around_zero(2.0)
    assert (prior.best, prior.excess(-6.0)) == (0.0, 3.0)
    assert prior.within(1.5) == (-3.0, 3.0)
    x = np.arange(10.0)
    points = Misfit.of([(x, 5.0 * x)])
    assert Misfit.weighted([(1.0, prior), (0.001, points)]).best == 0.0
    assert Misfit.weighted([(1.0, prior), (1.0, points)]).best == 5.0
