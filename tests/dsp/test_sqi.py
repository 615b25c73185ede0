"""Quality indices by name: what each says of a wave that was made to have it."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulse_waves import pulse, rhythm

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.quality import measure
from hemoview.dsp.sqi import NAMES, band_ratio, indices_of, moment, quality_indices

RATE_HZ = 64.0


def clean(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return pulse(rhythm(rng, 10.0, 0.8), RATE_HZ, 10.0) + rng.normal(0, 0.01, 640)


def test_a_clean_window_and_noise_are_told_apart() -> None:
    good = quality_indices(clean(), RATE_HZ)
    bad = quality_indices(np.random.default_rng(1).normal(0, 1, 640), RATE_HZ)
    assert good.template_r > 0.95 > bad.template_r
    assert good.agreement > 0.9 > bad.agreement
    assert good.heart_band_ratio > 0.7 > bad.heart_band_ratio
    assert good.skewness > 0
    assert good.motion_g is None


def test_each_fault_shows_in_its_index() -> None:
    wave = clean()
    assert quality_indices(np.minimum(wave, 0.45), RATE_HZ).clipped_part > 0.2
    stuck = wave.copy()
    stuck[100:164] = stuck[100]
    assert quality_indices(stuck, RATE_HZ).flat_s == pytest.approx(63 / 64)
    faint = quality_indices(0.01 * wave, RATE_HZ)
    assert faint.amplitude == pytest.approx(0.01 * quality_indices(wave, RATE_HZ).amplitude)
    assert quality_indices(wave, RATE_HZ, motion_g=0.12).motion_g == 0.12
    drifting = wave + 3 * np.sin(2 * np.pi * 0.3 * np.arange(640) / RATE_HZ)
    assert quality_indices(drifting, RATE_HZ).heart_band_ratio < 0.5


def test_a_dead_line_has_indices_too() -> None:
    dead = quality_indices(np.full(640, 3.0), RATE_HZ)
    assert dead.flat_s > 9.9
    assert (dead.amplitude, dead.skewness, dead.excess_kurtosis, dead.heart_band_ratio) == (0, 0, 0, 0)
    assert all(np.isfinite(v) for v in astuple(dead) if v is not None)


def test_a_window_measured_already_is_not_measured_again() -> None:
    wave = clean(3)
    found = measure(wave, RATE_HZ, find_ppg_beats(wave, RATE_HZ), 0.02)
    assert indices_of(found, wave, RATE_HZ) == quality_indices(wave, RATE_HZ, motion_g=0.02)
    assert set(NAMES) >= {
        "clipped_part",
        "flat_s",
        "amplitude",
        "skewness",
        "template_r",
        "agreement",
        "motion_g",
    }


@given(st.integers(0, 2**31), st.floats(0.001, 1e3), st.floats(-1e3, 1e3))
def test_shape_does_not_depend_on_gain_or_offset(seed: int, gain: float, offset: float) -> None:
    x = np.random.default_rng(seed).gamma(2.0, size=500)
    assert moment(gain * x + offset, 3) == pytest.approx(moment(x, 3), rel=1e-4, abs=1e-4)
    assert moment(-x, 3) == pytest.approx(-moment(x, 3))
    assert band_ratio(gain * x, RATE_HZ) == pytest.approx(band_ratio(x, RATE_HZ))
