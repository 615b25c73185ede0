"""The live time base: as good as the fit, and never backwards."""

from __future__ import annotations

import numpy as np
import pytest
from clock_points import Points, device_points
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recorder.clock import LiveTimebase

RATE_HZ = 64.0


def play(base: LiveTimebase, points: Points) -> np.ndarray:
    """Feed every block and ask for its times at once, as a screen does."""
    times = []
    for first, n, t in zip(points.first.tolist(), points.n.tolist(), points.t_host_ns.tolist(), strict=True):
        base.update(first, n, t)
        times.append(base.t_ns(np.arange(first, first + n)))
    return np.concatenate(times)


@pytest.mark.parametrize("ppm", [80.0, -80.0])
@pytest.mark.parametrize("seed", range(5))
def test_drift_within_5_ppm_after_10_minutes(ppm: float, seed: int) -> None:
    points = device_points(ppm=ppm, seconds=600, seed=seed)
    base = LiveTimebase(RATE_HZ)
    times = play(base, points)
    assert abs(base.drift_ppm - ppm) < 3.0
    assert np.all(np.diff(times) > 0)
    late_ms = (times[::11] - points.truth_ns) / 1e6
    assert np.ptp(late_ms[500:]) < 5.0, "de-jittered from 60 ms"


def test_a_reconnect_nobody_could_count_restarts_the_offset() -> None:
    before = device_points(ppm=80, seconds=120, seed=1)
    after = device_points(ppm=80, seconds=120, seed=2, t0_ns=200_000_000_000)
    after.first += int(before.first[-1]) + 11
    base = LiveTimebase(RATE_HZ)
    play(base, before)
    times = play(base, after)
    late_ms = (times[::11] - after.truth_ns) / 1e6
    assert np.max(np.abs(late_ms[20:])) < 70.0
    assert abs(base.drift_ppm - 80) < 60.0, "the rate was kept"


def test_an_announced_restart_is_right_from_its_first_block() -> None:
    before = device_points(ppm=80, seconds=120, seed=1)
    after = device_points(ppm=80, seconds=30, seed=2, t0_ns=200_000_000_000)
    after.first += int(before.first[-1]) + 11
    base = LiveTimebase(RATE_HZ)
    play(base, before)
    base.restart()
    with pytest.raises(ValueError, match="no block"):
        base.t_ns(0)
    assert np.max(np.abs(play(base, after)[::11] - after.truth_ns)) < 70e6


def test_a_stall_and_its_burst_do_not_restart() -> None:
    points = device_points(ppm=-80, seconds=300, seed=1)
    stalled = (points.t_host_ns > 200e9) & (points.t_host_ns < 206e9)
    points.t_host_ns[stalled] = int(206e9)
    base = LiveTimebase(RATE_HZ)
    times = play(base, points)
    late_ms = (times[::11] - points.truth_ns) / 1e6
    assert np.max(np.abs(late_ms[200:])) < 70.0


def test_packets_lost_in_the_air_move_the_line_not_the_rate() -> None:
    points = device_points(ppm=80, seconds=600, seed=3)
    kept = np.ones(points.first.size, dtype=bool)
    kept[[800, 1500, 1600, 2400]] = False
    arrived = Points(
        points.first[: kept.sum()], points.n[kept], points.t_host_ns[kept], points.truth_ns[kept]
    )
    base = LiveTimebase(RATE_HZ)
    late_ms = (play(base, arrived)[::11] - arrived.truth_ns) / 1e6
    assert abs(base.drift_ppm - 80) < 10.0
    assert np.ptp(late_ms[-500:]) < 10.0
    assert np.median(late_ms[-500:]) < 20.0


A_BACKLOG_AT_ONCE = [
    (0, 1, 272),
    (83, 38, 2262),
    (105, 23, 24058556),
    (165, 44, 31602),
    (179, 14, 31052),
    (181, 55, 934884113),
    (0, 9, 218750000),
    (0, 42, 31249999),
    (0, 22, 0),
    (0, 50, 73828),
    (14, 64, 0),
    (46, 18, 0),
    (71, 33, 0),
    (58, 30, 0),
    (102, 26, 0),
    (152, 64, 21751),
    (138, 33, 0),
    (125, 24, 0),
    (135, 32, 0),
    (0, 25, 0),
    (0, 33, 0),
]
"""Many seconds of samples within no time: the steepest line under them has an endless rate."""


@example(A_BACKLOG_AT_ONCE)
@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(1, 64), st.integers(0, 5_000_000_000)),
        min_size=1,
        max_size=120,
    )
)
def test_time_never_runs_backwards_whatever_arrives(blocks: list[tuple[int, int, int]]) -> None:
    base = LiveTimebase(RATE_HZ)
    number, t, newest = 0, 0, -(2**62)
    for skipped, n, later in blocks:
        number, t = number + skipped, t + later
        base.update(number, n, t)
        times = base.t_ns(np.arange(number, number + n))
        assert times[0] >= newest
        assert np.all(np.diff(times) >= 0)
        newest = int(times[-1])
        number += n
