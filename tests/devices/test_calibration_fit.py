"""Volt → mmHg: two points, and a fit against the monitor's own waveform."""

from __future__ import annotations

import numpy as np
import pytest

from recorder.devices import calibration
from recorder.devices.calibration import Waveform
from recorder.errors import ConfigError

S = 1_000_000_000


def pressure(t_s: np.ndarray, seed: int = 0) -> np.ndarray:
    """Pulses of varying length and height, mmHg."""
    rng = np.random.default_rng(seed)
    onsets = np.cumsum(rng.normal(0.9, 0.06, 2000)) - 60
    heights = rng.normal(45, 3, onsets.size)
    beat = np.clip(np.searchsorted(onsets, t_s) - 1, 0, onsets.size - 1)
    phase = (t_s - onsets[beat]) / 0.9
    pulse = np.where(phase < 0.15, np.sin(phase / 0.15 * np.pi / 2), np.exp(-(phase - 0.15) * 2.3))
    return 78 + heights[beat] * pulse + 3 * np.sin(2 * np.pi * t_s / 5)


def pair(
    lag_s: float, *, seconds: float = 120.0, rate_hz: float = 100.0, noise_v: float = 0.002, seed: int = 0
) -> tuple[Waveform, Waveform]:
    """ADC volts (0.01 V a mmHg + 0.12 V) and the monitor's file, whose clock is ``lag_s`` early."""
    start = 1_700_000_000 * S
    adc_s = np.arange(round((seconds + 40) * rate_hz)) / rate_hz - 20
    volts = pressure(adc_s - lag_s, seed) * 0.01 + 0.12
    volts = (
        np.round((volts + np.random.default_rng(seed).normal(0, noise_v, volts.size)) * 4096 / 5) * 5 / 4096
    )
    file_s = np.arange(round(seconds * 100)) / 100
    file = np.round(pressure(file_s, seed), 2)
    return Waveform(volts, rate_hz, start - 20 * S), Waveform(file, 100.0, start)


@pytest.mark.parametrize("lag_s", [-14.3, -3.217, 0.0, 0.004, 7.5, 14.7])
@pytest.mark.parametrize("rate_hz", [100.0, 1000.0])
def test_gain_offset_and_lag_are_found(lag_s: float, rate_hz: float) -> None:
    volts, file = pair(lag_s, rate_hz=rate_hz)
    found = calibration.fit(
        "adc.wave", "adc0", volts, file, wall_ns=1, operator="op1", monitor_serial=" SN-4711 "
    )
    assert found.accepted
    assert found.method == "fitted"
    assert found.gain_mmhg_per_v == pytest.approx(100.0, rel=0.005)
    assert found.offset_mmhg == pytest.approx(-12.0, abs=0.7)
    assert found.lag_s == pytest.approx(lag_s, abs=0.005)
    assert found.r is not None
    assert found.r > 0.999
    assert found.rmse_mmhg is not None
    assert found.rmse_mmhg < 1.0
    assert found.monitor_serial_sha256 is not None
    assert "SN-4711" not in str(found), "the serial itself is never stored"
    assert calibration.why_refused(found) == ""
    mmhg = calibration.apply(found, volts.values[:100])
    assert mmhg == pytest.approx(volts.values[:100] * 100 - 12, abs=1.0)


def test_rectangles_marked_as_nothing_do_not_disturb() -> None:
    volts, file = pair(2.0)
    values = volts.values.copy()
    values[6000:7500] = np.nan
    found = calibration.fit("adc.wave", "adc0", Waveform(values, 100.0, volts.start_wall_ns), file, wall_ns=1)
    assert found.accepted
    assert found.gain_mmhg_per_v == pytest.approx(100.0, rel=0.005)


def test_the_file_of_another_patient_is_not_accepted() -> None:
    volts, _ = pair(0.0, seed=1)
    _, file = pair(0.0, seed=2)
    found = calibration.fit("adc.wave", "adc0", volts, file, wall_ns=1)
    assert not found.accepted
    assert "not accepted" in calibration.why_refused(found)


def test_a_noisy_cable_is_not_accepted() -> None:
    volts, file = pair(0.0, noise_v=0.1)
    assert not calibration.fit("adc.wave", "adc0", volts, file, wall_ns=1).accepted


def test_a_lag_beyond_the_search_is_not_accepted() -> None:
    volts, file = pair(17.0)
    assert not calibration.fit("adc.wave", "adc0", volts, file, wall_ns=1).accepted


def test_nothing_to_compare_is_refused() -> None:
    volts, file = pair(0.0)
    nothing = Waveform(np.full(3000, np.nan), 100.0, volts.start_wall_ns)
    flat = Waveform(np.full(16000, 0.5), 100.0, volts.start_wall_ns)
    short = Waveform(volts.values[:2500], 100.0, volts.start_wall_ns)
    for wave in (nothing, flat, short, Waveform(np.zeros(1), 100.0, 0)):
        with pytest.raises(ConfigError, match="Calibration:"):
            calibration.fit("adc.wave", "adc0", wave, file, wall_ns=1)


def test_two_points_make_a_line_whatever_their_order() -> None:
    for points in (((0.5, 40.0), (1.7, 160.0)), ((1.7, 160.0), (0.5, 40.0))):
        found = calibration.two_point("adc.wave", "adc0", *points, wall_ns=1, operator="op1")
        assert found.gain_mmhg_per_v == pytest.approx(100.0)
        assert found.offset_mmhg == pytest.approx(-10.0)
        assert found.points_v_mmhg == ((0.5, 40.0), (1.7, 160.0))
        assert found.accepted


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        ((0.5, 100.0), (1.7, 130.0), "too near"),
        ((0.5, 40.0), (0.51, 160.0), "too near"),
        ((0.5, 160.0), (1.7, 40.0), "falls"),
        ((float("nan"), 40.0), (1.7, 160.0), "not a number"),
    ],
)
def test_two_bad_points_are_refused(low: tuple[float, float], high: tuple[float, float], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        calibration.two_point("adc.wave", "adc0", low, high, wall_ns=1)
