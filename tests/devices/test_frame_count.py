"""How many frames are missing, over wraps, stalls and restarts of the device."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.devices.frame_count import CLOCK_MODULO_US, FrameMark, missing_frames

S = 1_000_000_000


def mark(
    n: int, *, rate_hz: float = 1000.0, modulo: int = 65536, clock: bool = True, late_s: float = 0.0
) -> FrameMark:
    t_s = n / rate_hz
    stamp_us = round(t_s * 1e6) % CLOCK_MODULO_US if clock else None
    return FrameMark(n % modulo, stamp_us, round((t_s + late_s) * S))


@given(
    before=st.integers(0, 10**9),
    lost=st.integers(0, 4_000_000),
    rate_hz=st.sampled_from([100.0, 1000.0]),
    modulo=st.sampled_from([256, 65536, 2**32]),
    late_s=st.floats(0, 600),
    ppm=st.floats(-200, 200),
)
def test_with_a_device_clock_the_number_is_exact_over_any_wrap(
    *, before: int, lost: int, rate_hz: float, modulo: int, late_s: float, ppm: float
) -> None:
    if lost / rate_hz > 4000 or modulo / rate_hz < 2.56:
        lost %= 250_000
        modulo = 65536
    first = mark(before, rate_hz=rate_hz, modulo=modulo)
    second = mark(before + lost + 1, rate_hz=rate_hz, modulo=modulo, late_s=late_s)
    assert missing_frames(first, second, modulo=modulo, rate_hz=rate_hz * (1 + ppm * 1e-6)) == lost
    assert missing_frames(first, second, modulo=modulo, rate_hz=rate_hz, relinked=True) == lost


@pytest.mark.parametrize("uptime", [400, 90_000, 500_000, 2_000_000, 4_200_000])
def test_a_device_that_restarted_cannot_be_counted(uptime: int) -> None:
    before, restarted = mark(uptime), mark(300)
    later = FrameMark(restarted.counter, restarted.stamp_us, before.t_host_ns + S)
    assert missing_frames(before, later, modulo=65536, rate_hz=1000.0) is None


@pytest.mark.parametrize(("lost", "late_s"), [(0, 30.0), (10, 0.0), (10, 300.0)])
def test_without_a_clock_a_stall_does_not_add_frames(lost: int, late_s: float) -> None:
    first, second = mark(0, clock=False), mark(lost + 1, clock=False, late_s=late_s)
    assert missing_frames(first, second, modulo=65536, rate_hz=1000.0) == lost


def test_without_a_clock_a_counter_ahead_of_time_is_a_restart() -> None:
    before = FrameMark(1000, None, 0)
    after = FrameMark(900, None, S // 10)
    assert missing_frames(before, after, modulo=65536, rate_hz=1000.0) is None


@pytest.mark.parametrize("lost", [0, 5_000, 70_000, 200_000])
def test_over_a_new_connection_arrival_tells_the_wraps(lost: int) -> None:
    first, second = mark(0, clock=False), mark(lost + 1, clock=False, late_s=0.05)
    assert missing_frames(first, second, modulo=65536, rate_hz=1000.0, relinked=True) == lost
    restarted = FrameMark(17, None, 40 * S)
    assert missing_frames(first, restarted, modulo=65536, rate_hz=1000.0, relinked=True) is None


def test_a_backlog_read_at_once_still_tells_what_overran() -> None:
    """Nobody read for 20 s: what the buffer held comes together with the first frame after the overrun."""
    before, after = mark(1000), mark(16_001)
    together = FrameMark(after.counter, after.stamp_us, before.t_host_ns)
    assert missing_frames(before, together, modulo=65536, rate_hz=1000.0) == 15_000
