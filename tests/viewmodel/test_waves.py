from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.viewmodel.live.rings import RingSlice
from hemoview.viewmodel.live.waves import SweepFrame, geometry, grace_ns, head_ns, oldest_ns, sweep

NS = 1_000_000_000
LANE = geometry((100.0, 20.0, 800.0, 100.0), px_per_mm=4.0, mm_per_s=25.0)


def rows(rate_hz: float, seconds: float, start_s: float = 0.0, values: np.ndarray | None = None) -> RingSlice:
    n = int(rate_hz * seconds)
    t_ns = ((start_s + np.arange(n) / rate_hz) * NS).astype(np.int64)
    value = np.sin(np.arange(n)) if values is None else values
    return RingSlice(np.arange(n), t_ns, value.astype(np.float32)[:, None])


def draw(slice_: RingSlice, at_ns: int | None = None, rate_hz: float = 64.0) -> SweepFrame:
    at = int(slice_.t_ns[-1]) if at_ns is None else at_ns
    return sweep(slice_, 0, LANE, at_ns=at, value_range=(-1.0, 1.0), rate_hz=rate_hz)


def test_paper_speed_sets_the_span() -> None:
    assert LANE.span_ns == 8 * NS
    slow = geometry((0.0, 0.0, 800.0, 100.0), px_per_mm=4.0, mm_per_s=6.25)
    assert slow.span_ns == 32 * NS


@given(rate_hz=st.sampled_from([1.0, 4.0, 64.0, 100.0, 1000.0, 4000.0]), seconds=st.floats(0.5, 30.0))
def test_arrays_have_one_size_and_stay_in_the_lane(rate_hz: float, seconds: float) -> None:
    slice_ = rows(rate_hz, max(seconds, 2 / rate_hz))
    frame = draw(slice_, rate_hz=rate_hz)
    assert frame.x.shape == frame.y.shape == (LANE.capacity,)
    x, y = frame.x[: frame.n_points], frame.y[: frame.n_points]
    assert np.isnan(frame.x[frame.n_points :]).all()
    x, y = x[np.isfinite(x)], y[np.isfinite(y)]
    assert x.size
    assert x.min() >= 100.0
    assert x.max() <= 900.0
    assert y.min() >= 20.0
    assert y.max() <= 120.0


def test_a_spike_of_one_sample_survives_thinning() -> None:
    values = np.zeros(8000)
    values[6543] = 1.0
    frame = draw(rows(1000.0, 8.0, values=values), rate_hz=1000.0)
    assert frame.n_points <= LANE.capacity
    assert np.nanmin(frame.y) == pytest.approx(20.0)
    spike_x = frame.x[int(np.nanargmin(frame.y))]
    assert spike_x == pytest.approx(100.0 + 6.543 / 8 * 800, abs=1.5)


def test_old_wave_ends_at_the_erase_bar() -> None:
    frame = draw(rows(64.0, 20.0))
    x = frame.x[: frame.n_points]
    ahead = x[np.isfinite(x) & (x > frame.head_x + 0.01)]
    assert ahead.min() >= frame.head_x + LANE.erase_px - 0.01


def test_the_line_breaks_where_it_wraps() -> None:
    frame = draw(rows(64.0, 20.0))
    x = frame.x[: frame.n_points]
    both = np.isfinite(x[:-1]) & np.isfinite(x[1:])
    assert (np.diff(x)[both] >= 0).all()
    assert np.isnan(x).sum() == 1


@pytest.mark.parametrize("rate_hz", [64.0, 1000.0])
def test_missing_samples_break_the_line_and_are_hatched(rate_hz: float) -> None:
    whole = rows(rate_hz, 7.5)
    keep = (whole.t_ns < 3 * NS) | (whole.t_ns >= 4 * NS)
    holed = RingSlice(whole.sample_no[keep], whole.t_ns[keep], whole.values[keep])
    frame = draw(holed, rate_hz=rate_hz)
    assert len(frame.hatched) == 1
    assert frame.hatched[0] == pytest.approx((400.0, 500.0), abs=3.0)
    x = frame.x[: frame.n_points]
    inside = x[(x > 405) & (x < 495)]
    assert inside.size == 0
    assert np.isnan(x).sum() == 1


def test_a_gap_that_wraps_is_hatched_on_both_sides() -> None:
    whole = rows(64.0, 10.0)
    keep = (whole.t_ns < 7 * NS) | (whole.t_ns >= 9 * NS)
    frame = draw(RingSlice(whole.sample_no[keep], whole.t_ns[keep], whole.values[keep]))
    assert len(frame.hatched) == 2
    assert frame.hatched[0] == pytest.approx((800.0, 900.0), abs=3.0)
    assert frame.hatched[1] == pytest.approx((100.0, 200.0), abs=3.0)


def test_head_goes_on_without_samples_and_hatches_what_it_passes() -> None:
    slice_ = rows(64.0, 3.0)
    last_ns = int(slice_.t_ns[-1])
    at_ns = head_ns(last_ns, last_ns + 3 * NS, grace_ns(0))
    assert at_ns == last_ns + 3 * NS - NS // 2
    frame = draw(slice_, at_ns)
    assert frame.head_x > frame.tail_x + 200
    assert frame.hatched == (pytest.approx((frame.tail_x, frame.head_x), abs=0.1),)


def test_after_a_whole_sweep_without_samples_nothing_old_is_left() -> None:
    slice_ = rows(64.0, 3.0)
    frame = draw(slice_, int(slice_.t_ns[-1]) + 20 * NS)
    assert frame.n_points == 0
    covered = sum(x1 - x0 for x0, x1 in frame.hatched)
    assert covered == pytest.approx(800.0 - LANE.erase_px, abs=2.0)


def test_head_waits_for_streams_that_come_in_bursts() -> None:
    assert grace_ns(0) == NS // 2
    assert grace_ns(1 * NS) == int(1.3 * NS)
    assert grace_ns(30 * NS) == 2 * NS
    assert grace_ns(0, speed=4.0) == 2 * NS


def test_no_sample_at_all() -> None:
    empty = RingSlice(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 1), np.float32))
    frame = draw(empty, at_ns=5 * NS)
    assert frame.n_points == 0
    assert frame.hatched == ()
    assert oldest_ns(LANE, 8 * NS) > 0
