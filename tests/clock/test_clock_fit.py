"""The fitted time base against devices whose crystal is known."""

from __future__ import annotations

import numpy as np
import pytest
from clock_points import Points, device_points
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.clock import Timebase, fit_timebase

RATE_HZ = 64.0


def fit(points: Points, rate_hz: float = RATE_HZ) -> Timebase:
    return fit_timebase(points.first, points.n, points.t_host_ns, rate_hz)


@pytest.mark.parametrize("ppm", [80.0, -80.0, 0.0])
@pytest.mark.parametrize("seed", range(10))
def test_drift_is_found_within_2_ppm_after_10_minutes(ppm: float, seed: int) -> None:
    points = device_points(ppm=ppm, seconds=600, seed=seed)
    base = fit(points)
    assert abs(base.drift_ppm - ppm) < 2.0
    late_ms = (base.t_ns(points.first) - points.truth_ns) / 1e6
    assert 0.0 <= np.median(late_ms) - 5.0 < 2.0, "the constant is the fastest delivery, 5 ms"
    assert np.ptp(late_ms) < 1.5


@pytest.mark.parametrize(("rate_hz", "block"), [(4.0, 6), (32.0, 6), (100.0, 2), (1000.0, 20)])
def test_every_stream_of_the_bedside_is_within_5_ppm(rate_hz: float, block: int) -> None:
    points = device_points(ppm=-80, seconds=600, seed=3, rate_hz=rate_hz, block=block)
    assert abs(fit(points, rate_hz).drift_ppm + 80) < 5.0


def test_a_stall_of_the_reader_does_not_move_the_line() -> None:
    points = device_points(ppm=80, seconds=600, seed=1)
    stalled = (points.t_host_ns > 200e9) & (points.t_host_ns < 230e9)
    points.t_host_ns[stalled] = int(230e9)
    base = fit(points)
    assert abs(base.drift_ppm - 80) < 2.0
    assert base.n_steps == 0


def test_counted_losses_leave_the_rate_alone() -> None:
    points = device_points(ppm=80, seconds=600, seed=2)
    kept = np.random.default_rng(0).random(points.first.size) > 0.3
    kept[300:900] = False
    thinned = Points(points.first[kept], points.n[kept], points.t_host_ns[kept], points.truth_ns[kept])
    assert abs(fit(thinned).drift_ppm - 80) < 2.0


@pytest.mark.parametrize("slip_samples", [40, -13])
def test_a_slip_of_the_numbering_becomes_a_step_not_a_drift(slip_samples: int) -> None:
    """40 samples lost that nobody counted; 13 counted too many after a re-anchored stamp."""
    points = device_points(ppm=-80, seconds=900, seed=4)
    half = points.first.size // 2
    points.first[half:] -= slip_samples
    base = fit(points)
    assert base.n_steps == 1
    assert abs(base.drift_ppm + 80) < 5.0
    error_ms = (base.t_ns(points.first) - points.truth_ns) / 1e6
    near = np.abs(np.arange(points.first.size) - half) < 60
    assert np.max(np.abs(error_ms[~near])) < 15.0


@pytest.mark.parametrize(("n_lost", "ppm"), [(3, 5.0), (7, 5.0), (35, 30.0)])
@pytest.mark.parametrize("seed", range(4))
def test_packets_lost_in_the_air_that_nobody_counted(n_lost: int, ppm: float, seed: int) -> None:
    """A streaming server shifts its stamps over what the radio lost: up to 1 % of 3490 packets."""
    points = device_points(ppm=80, seconds=600, seed=seed)
    kept = np.ones(points.first.size, dtype=bool)
    kept[np.random.default_rng(seed).choice(points.first.size, n_lost, replace=False)] = False
    arrived = Points(
        points.first[: kept.sum()], points.n[kept], points.t_host_ns[kept], points.truth_ns[kept]
    )
    base = fit(arrived)
    assert abs(base.drift_ppm - 80) < ppm
    error_ms = (base.t_ns(arrived.first) - arrived.truth_ns) / 1e6
    assert np.percentile(np.abs(error_ms - 5.0), 95) < 10.0, "5 ms is the fastest delivery"


def test_a_minute_of_congestion_is_not_a_loss() -> None:
    """Every delivery late by 40 ms for 50 s, then as before."""
    points = device_points(ppm=80, seconds=600, seed=1)
    points.t_host_ns[(points.t_host_ns > 200e9) & (points.t_host_ns < 250e9)] += 40_000_000
    base = fit(points)
    assert base.n_steps == 0
    assert abs(base.drift_ppm - 80) < 2.0


def test_few_points_fall_back_to_the_nominal_rate() -> None:
    points = device_points(ppm=80, seconds=5, seed=0)
    base = fit(points)
    assert base.rate_hz == RATE_HZ
    assert np.all(base.t_ns(points.first + points.n - 1) <= points.t_host_ns + 1)


def test_one_point_is_enough_and_none_is_refused() -> None:
    base = fit_timebase(np.array([5]), np.array([1]), np.array([10**9]), 4.0)
    assert base.t_ns(np.array([5, 9])).tolist() == [10**9, 2 * 10**9]
    empty = np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="needs"):
        fit_timebase(empty, empty, empty, 4.0)


def test_a_day_is_fitted_from_hundreds_of_thousands_of_points() -> None:
    points = device_points(ppm=33, seconds=86_400, seed=5)
    assert abs(fit(points).drift_ppm - 33) < 0.1


def test_a_wrong_nominal_rate_is_told_not_hidden() -> None:
    points = device_points(ppm=0, seconds=600, seed=6, rate_hz=125.0)
    assert fit(points, 100.0).rate_hz == pytest.approx(125.0, rel=5e-6)


@settings(max_examples=60, deadline=None)
@given(
    ppm=st.floats(-200, 200),
    seed=st.integers(0, 2**31),
    seconds=st.floats(1, 400),
    low_ms=st.floats(0, 20),
    width_ms=st.floats(0, 80),
    t0_ns=st.integers(0, 2**60),
)
def test_the_line_lies_under_every_arrival_and_rises(
    *, ppm: float, seed: int, seconds: float, low_ms: float, width_ms: float, t0_ns: int
) -> None:
    points = device_points(
        ppm=ppm, seconds=seconds, seed=seed, jitter_ms=(low_ms, low_ms + width_ms), t0_ns=t0_ns
    )
    base = fit(points)
    assert np.all(base.t_ns(points.first + points.n - 1) <= points.t_host_ns + 2)
    assert np.all(np.diff(base.t_ns(np.arange(points.first[-1]))) > 0)
    assert base.residual_ms >= 0
    assert base == fit(points), "the same points give the same line"


@settings(max_examples=30, deadline=None)
@given(shift_no=st.integers(0, 10**9), shift_ns=st.integers(0, 10**17))
def test_the_fit_does_not_depend_on_where_counting_and_time_began(shift_no: int, shift_ns: int) -> None:
    points = device_points(ppm=50, seconds=60, seed=1)
    base = fit(points)
    moved = fit_timebase(points.first + shift_no, points.n, points.t_host_ns + shift_ns, RATE_HZ)
    assert moved.rate_hz == pytest.approx(base.rate_hz, rel=1e-12)
    assert abs(int(moved.t_ns(1000 + shift_no)) - shift_ns - int(base.t_ns(1000))) <= 100
