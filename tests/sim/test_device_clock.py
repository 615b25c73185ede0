"""The emulated oscillator."""

import numpy as np
import pytest

from recorder.devices.sim.device_clock import DeviceClock


@pytest.mark.parametrize("ppm", [-80.0, 0.0, 80.0])
def test_it_drifts_as_told(ppm):
    clock = DeviceClock(ppm, np.random.default_rng(1))
    end_s = clock.true_s(np.arange(0, 3601.0))[-1]
    assert (3600.0 / end_s - 1) * 1e6 == pytest.approx(ppm, abs=0.6)


def test_it_is_monotone_and_the_same_however_asked():
    device_s = np.arange(0, 120, 1 / 64)
    whole = DeviceClock(50.0, np.random.default_rng(2)).true_s(device_s)
    pieces = DeviceClock(50.0, np.random.default_rng(2))
    parts = np.concatenate([pieces.true_s(part) for part in np.split(device_s, 97 * np.arange(1, 70))])
    np.testing.assert_array_equal(parts, whole)
    assert (np.diff(whole) > 0).all()


def test_both_ways_agree():
    clock = DeviceClock(80.0, np.random.default_rng(3))
    for device_s in (0.0, 0.5, 17.3, 200.0, 900.25):
        true_s = float(clock.true_s(np.array([device_s]))[0])
        assert clock.device_s(true_s) == pytest.approx(device_s, abs=1e-9)
    assert clock.device_s(1200.0) == pytest.approx(1200.0 * (1 + 80e-6), abs=1e-3)
