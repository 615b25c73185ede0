"""The forecast of a battery: nothing before something is known, then within the steps a device tells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.acquire.battery import LONGEST_H, BatteryWatch

HOUR_NS = 3_600_000_000_000


def drained(start: float, per_hour: float, hours: float, *, step: float = 0.01) -> tuple[BatteryWatch, int]:
    """A battery told every minute in steps; returns the watch and the time."""
    watch, t_ns = BatteryWatch(), 0
    for minute in range(int(hours * 60) + 1):
        t_ns = minute * HOUR_NS // 60
        watch.told(t_ns, np.ceil((start - per_hour * minute / 60) / step) * step)
    return watch, t_ns


@pytest.mark.parametrize(("per_hour", "hours"), [(0.03, 2.0), (0.05, 1.0), (0.2, 0.5)])
def test_a_steady_drain_is_foretold(per_hour: float, hours: float) -> None:
    watch, now_ns = drained(0.9, per_hour, hours)
    left = watch.hours_left(now_ns)
    assert left == pytest.approx(0.9 / per_hour - hours, rel=0.35)


def test_nothing_is_foretold_before_it_is_known() -> None:
    assert BatteryWatch().hours_left(0) is None
    watch, now_ns = drained(0.9, 0.05, 0.2)
    assert watch.hours_left(now_ns) is None
    flat, now_ns = drained(0.9, 0.0, 5.0)
    assert flat.hours_left(now_ns) is None and flat.level == 0.9


def test_charging_begins_anew() -> None:
    watch, now_ns = drained(0.5, 0.2, 1.0)
    assert watch.hours_left(now_ns) is not None
    watch.told(now_ns + HOUR_NS, 1.0)
    assert watch.hours_left(now_ns + HOUR_NS) is None and watch.level == 1.0


def test_time_without_word_counts() -> None:
    watch, now_ns = drained(0.9, 0.1, 1.0)
    soon, later = watch.hours_left(now_ns), watch.hours_left(now_ns + 2 * HOUR_NS)
    assert soon is not None and later == pytest.approx(soon - 2)


def test_a_wrong_level_moves_little() -> None:
    watch, now_ns = drained(0.9, 0.1, 2.0)
    plain = watch.hours_left(now_ns)
    wrong = BatteryWatch()
    for t_ns, level in watch._told:
        wrong.told(t_ns, level - 0.02 if t_ns == 30 * HOUR_NS // 60 else level)
    assert wrong.hours_left(now_ns) == pytest.approx(plain, rel=0.1)


@given(st.lists(st.tuples(st.integers(0, 10**15), st.floats(0, 1)), max_size=60))
def test_any_levels_give_none_or_a_time(told: list[tuple[int, float]]) -> None:
    watch = BatteryWatch()
    for t_ns, level in sorted(told):
        watch.told(t_ns, level)
    left = watch.hours_left(max((t for t, _ in told), default=0))
    assert left is None or 0 <= left <= LONGEST_H
