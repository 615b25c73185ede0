"""A finger wave as a wristband might have seen it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.dsp.filters import band_pass
from hemoview.labels.datasets.dataset import Dataset, make_dataset
from hemoview.learn import views
from hemoview.learn.noise_bank import teaching_and_judging
from recorder.devices.sim.physiology import FINGER_OPTICS, random_subject, simulate
from recorder.errors import ConfigError


def test_wristlike_waves_are_rounder_and_still_the_same_pulse() -> None:
    rng = np.random.default_rng(5)
    ppg = [
        simulate(random_subject(rng), 60.0, n, [], optics=FINGER_OPTICS, ppg_hz=64.0).ppg for n in range(6)
    ]
    waves = np.concatenate([p[: 5 * 640].reshape(5, 640) for p in ppg]).astype(np.float32)
    finger, wrist = views.plain(waves, 64.0), views.wristlike(waves, 64.0, 1)
    assert finger.shape == wrist.shape and np.isfinite(wrist).all()
    steepest = [np.abs(np.diff(x, axis=1)).max(axis=1).mean() for x in (finger, wrist)]
    assert steepest[1] < steepest[0]
    assert np.mean(np.sum(finger * wrist, axis=1) / finger.shape[1]) > 0.5
    assert (views.wristlike(waves, 64.0, 1) == wrist).all()


def worn(n_wearers: int = 4, each: int = 30, moving: bool = True) -> Dataset:
    """Windows of a wristband: drifting noise, half of it called good."""
    rng, n = np.random.default_rng(2), n_wearers * each
    waves = np.cumsum(rng.normal(size=(n, 640)), axis=1) + 50
    told = {
        "moving": np.full(n, moving),
        "motion_g": np.full(n, 0.1),
        "fault": np.where(np.arange(n) % 2 == 0, "motion", ""),
    }
    subject = np.repeat([f"e4-{i}" for i in range(n_wearers)], each)
    return make_dataset(waves, 64.0, np.full((n, 10), np.nan), subject, name="wrists", extra=told)


def test_noise_that_teaches_and_noise_that_judges_are_of_different_wrists() -> None:
    teaches, judges = teaching_and_judging(worn())
    assert not set(teaches.wearers) & set(judges.wearers)
    assert sorted(teaches.wearers + judges.wearers) == worn().subjects
    assert len(teaches.waves) == len(judges.waves) == 30  # of 60 windows those the gate refused
    assert band_pass(teaches.waves, 64.0).std(axis=1) == pytest.approx(np.ones(30))


@given(st.sampled_from([30.0, 18.0, 12.0, 6.0, 0.0, -10.0]), st.integers(0, 1000))
def test_noise_lies_over_a_pulse_at_the_ratio_asked_for(snr_db: float, seed: int) -> None:
    bank = teaching_and_judging(worn())[0]
    pulse = 3.0 + 2.0 * np.sin(2 * np.pi * 1.2 * np.arange(640) / 64)[None].repeat(3, axis=0)
    made = bank.over(pulse, np.full(3, snr_db), np.random.default_rng(seed))
    signal, noise = (band_pass(x, 64.0).std(axis=1) for x in (pulse, made - pulse))
    assert 20 * np.log10(signal / noise) == pytest.approx(np.full(3, snr_db), abs=0.01)


def test_noise_needs_moving_wrists_at_the_bands_own_rate() -> None:
    with pytest.raises(ConfigError, match="wrists: 0 windows of 2 wearers moved, 20 are needed"):
        teaching_and_judging(worn(moving=False))
    with pytest.raises(ConfigError, match="needs wrist waves at 64 Hz that know motion and fault"):
        teaching_and_judging(make_dataset(np.ones((2, 640)), 64.0, np.full((2, 10), np.nan), ["a", "b"]))
    bank = teaching_and_judging(worn())[0]
    with pytest.raises(ValueError, match="641 samples of pulse, noise has 640"):
        bank.over(np.zeros((1, 641)), np.zeros(1), np.random.default_rng(0))


def test_finger_waves_at_another_rate_become_wrist_waves_at_the_bands_own() -> None:
    rng = np.random.default_rng(0)
    finger = np.sin(2 * np.pi * 1.2 * np.arange(625) / 125)[None].repeat(2, axis=0)
    noise = teaching_and_judging(worn())[1]
    made = views.on_wrist(finger, 125.0, rng, noise, np.full(2, 12.0))
    assert made.shape == (2, 320)
    assert views.wristlike(finger.astype(np.float32), 125.0, 3, noise).shape == (2, 320)


def test_a_window_of_two_seconds_is_for_pre_training_and_estimates_nothing() -> None:
    wave = np.sin(2 * np.pi * 1.2 * np.arange(134) / 64).astype(np.float32)[None] * 7 + 100
    seen = views.short(wave, 64.0)
    assert seen.shape == (1, 134) and abs(seen.mean()) < 1e-6 and seen.std() == pytest.approx(1)
    with pytest.raises(ValueError, match="is not between 5 and 10 s"):
        views.plain(wave, 64.0)
