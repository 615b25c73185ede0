"""Suspend and a clock that was set are told apart from time passing."""

import pytest

from recorder.acquire.clockwatch import ClockWatch, Interruption, Reading, compare
from recorder.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_time_passing_is_nothing(clock: FakeClock) -> None:
    watch = ClockWatch(clock.reading)
    for _ in range(100):
        clock.advance(0.5)
        assert watch.look() is None


def test_a_suspend_is_seen_with_its_length(clock: FakeClock) -> None:
    watch = ClockWatch(clock.reading)
    clock.advance(0.5)
    clock.suspend(35.0)
    found = watch.look()
    assert found is not None and found.kind == "suspend" and found.seconds == pytest.approx(35.0)
    clock.advance(0.5)
    assert watch.look() is None


@pytest.mark.parametrize("seconds", [-3600.0, -0.6, 0.6, 7200.0])
def test_a_step_of_the_wall_clock_is_seen_with_its_sign(clock: FakeClock, seconds: float) -> None:
    watch = ClockWatch(clock.reading)
    clock.advance(0.5)
    clock.set_wall(seconds)
    found = watch.look()
    assert found is not None and found.kind == "clock-step" and found.seconds == pytest.approx(seconds)


def test_ntp_slewing_and_a_busy_machine_are_nothing(clock: FakeClock) -> None:
    watch = ClockWatch(clock.reading)
    clock.advance(8.0)  # a loop of 0.5 s that came back late
    clock.set_wall(0.004)
    assert watch.look() is None


def test_without_a_clock_for_it_a_very_late_loop_is_a_suspend() -> None:
    before, late, asleep = Reading(0, 0), Reading(10 * 10**9, 10 * 10**9), Reading(90 * 10**9, 90 * 10**9)
    assert compare(before, late) is None
    assert compare(before, asleep) == Interruption("suspend", 90.0)
