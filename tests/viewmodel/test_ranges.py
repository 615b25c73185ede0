from __future__ import annotations

import numpy as np
import pytest

from hemoview.viewmodel.live.ranges import RangeRule, extent, fit_range, ticks

PRESSURE = RangeRule(step=20.0, least=40.0, margin=0.06)


def test_pressure_stops_at_round_numbers() -> None:
    assert fit_range(None, (76.0, 124.0), PRESSURE) == (60.0, 140.0)


def test_range_stays_while_it_serves() -> None:
    assert fit_range((60.0, 140.0), (70.0, 118.0), PRESSURE) == (60.0, 140.0)


def test_range_grows_at_once() -> None:
    low, high = fit_range((60.0, 140.0), (76.0, 171.0), PRESSURE)
    assert low <= 76.0
    assert high >= 171.0


def test_range_shrinks_when_the_signal_has_become_small() -> None:
    assert fit_range((0.0, 240.0), (76.0, 100.0), PRESSURE) == (60.0, 120.0)


def test_flat_signal_still_has_a_range() -> None:
    low, high = fit_range(None, (5.0, 5.0), RangeRule(least=1.0))
    assert high - low == pytest.approx(1.0)
    assert low < 5.0 < high


def test_nothing_known_yet() -> None:
    assert extent(np.array([np.nan, np.nan], np.float32)) is None
    low, high = fit_range(None, None, PRESSURE)
    assert low < high


@pytest.mark.parametrize(
    ("most", "shown"),
    [(6, (60.0, 80.0, 100.0, 120.0, 140.0)), (3, (60.0, 100.0, 140.0)), (4, (60.0, 100.0, 140.0))],
)
def test_labels_lie_on_the_steps(most: int, shown: tuple[float, ...]) -> None:
    assert ticks((60.0, 140.0), 20.0, most) == shown


def test_a_low_lane_has_only_its_ends() -> None:
    assert ticks((60.0, 120.0), 20.0, 2) == (60.0, 100.0)
    assert ticks((0.1, 0.9), None, 2) == (0.1, 0.9)
