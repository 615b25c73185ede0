import io
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulse_waves import UPSTROKE_S, pressure, pulse, rhythm

from hemoview.dsp import abp_beats, ppg_beats, quality
from hemoview.dsp.abp_beats import find_abp_beats, in_mmhg
from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.tracking import BeatTracker, track_all

RATE_HZ = 64.0


def tracked_s(wave: np.ndarray, rate_hz: float = RATE_HZ) -> np.ndarray:
    beats = track_all(find_ppg_beats, wave, rate_hz, refractory_s=ppg_beats.REFRACTORY_S)
    return np.array([b.beat.position for b in beats]) / rate_hz


def scores(found: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Sensitivity, precision, and median distance of the matches in s."""
    near = np.abs(found[:, None] - truth[None, :])
    hits = near.min(axis=0) < 0.12
    right = near.min(axis=1) < 0.12
    return hits.mean(), right.mean(), float(np.median(near.min(axis=0)[hits]))


@pytest.mark.parametrize("per_min", [42, 60, 75, 100, 140, 175])
@pytest.mark.parametrize("rate_hz", [64.0, 125.0])
def test_every_beat_of_a_clean_wave_is_found_once(per_min: int, rate_hz: float) -> None:
    rng = np.random.default_rng(per_min)
    onsets = rhythm(rng, 60.0, 60 / per_min, 0.02)
    wave = pulse(onsets, rate_hz, 60.0) + rng.normal(0, 0.01, round(60 * rate_hz))
    se, ppv, jitter_s = scores(tracked_s(wave, rate_hz), onsets + UPSTROKE_S)
    assert se >= 0.98
    assert ppv >= 0.98
    assert jitter_s < 0.012


@pytest.mark.parametrize("seed", range(5))
def test_beats_are_found_in_noise_wander_and_breathing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    onsets = rhythm(rng, 120.0, 0.8, 0.05)
    t = np.arange(round(120 * RATE_HZ)) / RATE_HZ
    wave = pulse(onsets, RATE_HZ, 120.0) * (1 + 0.2 * np.sin(2 * np.pi * 0.25 * t))
    wave += 1.5 * np.sin(2 * np.pi * 0.05 * t) + rng.normal(0, 0.06, t.size)
    se, ppv, jitter_s = scores(tracked_s(wave), onsets + UPSTROKE_S)
    assert se > 0.97
    assert ppv > 0.97
    assert jitter_s < 0.02


def test_irregular_beats_are_all_beats() -> None:
    rng = np.random.default_rng(11)
    onsets = rhythm(rng, 120.0, 0.8, 0.22)
    se, ppv, _ = scores(tracked_s(pulse(onsets, RATE_HZ, 120.0)), onsets + UPSTROKE_S)
    assert se > 0.93
    assert ppv > 0.97


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.integers(1, 700), min_size=1, max_size=40))
def test_live_beats_are_the_batch_beats_for_any_chunks(seed: int, chunks: list[int]) -> None:
    rng = np.random.default_rng(seed)
    wave = pulse(rhythm(rng, 40.0, 0.7, 0.1), RATE_HZ, 40.0) + rng.normal(0, 0.05, 2560)
    batch = [b.beat for b in track_all(find_ppg_beats, wave, RATE_HZ, refractory_s=0.27)]
    tracker = BeatTracker(find_ppg_beats, RATE_HZ, refractory_s=0.27)
    live, at = [], 0
    for n in chunks:
        live += [b.beat for b in tracker.push(at, wave[at : at + n])]
        at = min(len(wave), at + n)
    certain = [b for b in batch if b.position < at - 3 * RATE_HZ]
    assert live[: len(certain)] == certain
    assert live == batch[: len(live)]


def test_a_hole_ends_a_run_and_no_interval_reaches_over_it() -> None:
    rng = np.random.default_rng(5)
    onsets = rhythm(rng, 60.0, 0.8)
    wave = pulse(onsets, RATE_HZ, 60.0)
    tracker = BeatTracker(find_ppg_beats, RATE_HZ, refractory_s=0.27)
    found = [*tracker.push(0, wave[:1280]), *tracker.push(1600, wave[1600:]), *tracker.flush()]
    after = next(b for b in found if b.beat.position >= 1600)
    assert after.interval_s is None
    assert not [b for b in found if 1280 <= b.beat.position < 1600]
    assert [b.interval_s for b in found].count(None) == 2
    assert max(b.interval_s for b in found if b.interval_s) < 1.3


@pytest.mark.parametrize("rate_hz", [100.0, 125.0, 1000.0])
def test_pressures_of_an_arterial_wave(rate_hz: float) -> None:
    rng = np.random.default_rng(3)
    onsets = rhythm(rng, 60.0, 0.9, 0.05)
    wave = pressure(onsets, rate_hz, 60.0, 131.0, 74.0)
    beats = track_all(find_abp_beats, wave, rate_hz, refractory_s=abp_beats.REFRACTORY_S)
    assert len(beats) >= len(onsets) - 4
    mean = {round(b.onset / rate_hz, 1): b for b in (t.beat for t in beats)}
    for start, stop in pairwise(onsets[2:-3]):
        beat = mean.get(round(start, 1)) or mean.get(round(start - 0.1, 1)) or mean.get(round(start + 0.1, 1))
        assert beat is not None
        assert beat.sbp == pytest.approx(131, abs=2.5)
        assert beat.dbp == pytest.approx(74, abs=1.5)
        true_mean = wave[round(start * rate_hz) : round(stop * rate_hz)].mean()
        assert beat.map == pytest.approx(true_mean, abs=1.0)
        assert beat.hr_per_min == pytest.approx(60 / (stop - start), rel=0.03)


def square(rate_hz: float) -> np.ndarray:
    t = np.arange(round(20 * rate_hz)) / rate_hz
    return np.where((t % 1.0) < 0.5, 1.2, 0.2)


@pytest.mark.parametrize(
    "wave",
    [
        square(100.0),
        square(100.0) + np.random.default_rng(0).normal(0, 0.005, 2000),
        np.full(2000, 0.8),
        0.8 + np.random.default_rng(1).normal(0, 1e-4, 2000),
        np.linspace(0, 2, 2000),
        np.where((np.arange(2000) % 100) < 50, np.linspace(0, 1, 2000), 0),
        np.sin(np.arange(2000) / 100 * 2 * np.pi * 9),
    ],
    ids=["square", "noisy square", "flat", "flat noise", "ramp", "growing square", "hum"],
)
def test_what_is_no_artery_has_no_beats(wave: np.ndarray) -> None:
    assert len(track_all(find_abp_beats, wave, 100.0, refractory_s=0.27)) == 0


def test_a_clipped_wave_has_no_systole_to_report() -> None:
    wave = pressure(rhythm(np.random.default_rng(4), 20.0), 100.0, 20.0)
    assert track_all(find_abp_beats, np.minimum(wave, 110.0), 100.0, refractory_s=0.27) == []


def test_volts_become_mmhg_only_where_an_artery_allows() -> None:
    wave = pressure(rhythm(np.random.default_rng(4), 20.0), 100.0, 20.0) / 100
    beats = find_abp_beats(wave[:1000], 100.0)
    assert beats
    known = in_mmhg(beats[2], 100.0, 0.0)
    assert known is not None
    assert (known.sbp, known.dbp) == (pytest.approx(120, abs=3), pytest.approx(80, abs=2))
    assert in_mmhg(beats[2], 5.0, 0.0) is None
    assert in_mmhg(beats[2], 100.0, 300.0) is None


def judged(wave: np.ndarray, motion_g: float | None = None, rate_hz: float = RATE_HZ) -> quality.Quality:
    return quality.assess(wave, rate_hz, find_ppg_beats(wave, rate_hz), motion_g=motion_g)


def clean(seed: int = 0, cv: float = 0.03, seconds: float = 10.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return pulse(rhythm(rng, seconds, 0.8, cv), RATE_HZ, seconds) + rng.normal(
        0, 0.01, round(seconds * RATE_HZ)
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_clean_window_is_good(seed: int) -> None:
    found = judged(clean(seed), motion_g=0.01)
    assert found.fault is None
    assert found.sqi > 0.85
    assert found.rhythm == "regular"
    assert found.findings.hr_per_min == pytest.approx(75, abs=4)


def test_each_fault_has_its_name() -> None:
    rng = np.random.default_rng(1)
    wave = clean()
    frozen = wave.copy()
    frozen[200:260] = frozen[200]
    assert judged(frozen).fault == "poor-contact"
    assert judged(np.full(640, 2.0)).fault == "poor-contact"
    assert judged(np.clip(wave, 0.35, 0.6)).fault in ("clipped", "poor-contact")
    assert judged(np.minimum(wave, 0.45)).fault == "clipped"
    assert judged(wave, motion_g=0.4).fault == "motion"
    burst = wave + np.cumsum(rng.normal(0, 0.5, 640)) * (rng.random(640) > 0.5)
    assert judged(burst, motion_g=0.09).fault == "motion"
    assert judged(rng.normal(0, 1, 640)).fault in ("poor-signal", "too-few-beats")
    one = pulse(np.array([3.0]), RATE_HZ, 10.0) + rng.normal(0, 1e-3, 640)
    assert judged(one).fault in ("too-few-beats", "poor-signal")
    assert judged(rng.normal(0, 1, 640)).sqi == 0.0


def test_a_dim_signal_is_poor_contact_where_the_sensor_says_so() -> None:
    wave = clean() * 0.01
    beats = find_ppg_beats(wave, RATE_HZ)
    assert quality.assess(wave, RATE_HZ, beats).fault is None
    assert quality.assess(wave, RATE_HZ, beats, least_amplitude=0.1).fault == "poor-contact"


def test_an_irregular_rhythm_is_no_motion() -> None:
    verdicts = [judged(clean(seed, cv=0.22), motion_g=0.01) for seed in range(20)]
    usable = [v for v in verdicts if v.fault is None]
    assert len(usable) >= 14
    assert sum(v.rhythm == "irregular" for v in usable) >= 12
    assert not any(v.fault == "motion" for v in verdicts)


def test_motion_is_never_called_an_irregular_rhythm() -> None:
    assert all(judged(clean(seed, cv=0.22), motion_g=0.1).rhythm == "regular" for seed in range(10))


def test_gravity_is_no_motion() -> None:
    rate_hz, rng = 32.0, np.random.default_rng(2)
    t = np.arange(320) / rate_hz
    still = np.tile([0.1, 0.2, 0.97], (320, 1)) + rng.normal(0, 0.004, (320, 3))
    assert quality.motion_rms_g(still, rate_hz) < 0.02
    waving = still + 0.3 * np.sin(2 * np.pi * 1.7 * t)[:, None] * np.array([1.0, 0, 0])
    assert quality.motion_rms_g(waving, rate_hz) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


def test_e4_wrist_against_its_own_intervals(real_recordings: Path) -> None:
    """Half an hour of a real wrist: our beats against those the band itself was sure of."""
    with zipfile.ZipFile(real_recordings / "e4_stress_predict" / "S06.zip") as archive:
        names = {n.rsplit("/", 1)[-1]: n for n in archive.namelist()}
        bvp = np.loadtxt(io.BytesIO(archive.read(names["BVP.csv"])))
        lines = archive.read(names["IBI.csv"]).decode().splitlines()[1:]
    ibi = np.array([[float(v) for v in line.split(",")] for line in lines if line.strip()])
    ibi = ibi[ibi[:, 0] < 1800]
    beats = track_all(find_ppg_beats, bvp[2 : 2 + 1830 * 64], 64.0, refractory_s=ppg_beats.REFRACTORY_S)
    feet = np.array([b.beat.foot for b in beats]) / 64.0
    nearest = np.abs(feet[:, None] - ibi[None, :, 0]).min(axis=0)
    assert (nearest < 0.1).mean() > 0.97
