"""Our beats and indices beside those of NeuroKit2, which is no dependency of ours: an oracle, on waves with known
beats and on real ones. It is no truth: on a slow finger pulse with a deep notch its MSPTD counts half of the notches.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pulse_waves import UPSTROKE_S, pulse, rhythm

from hemoview.dsp.fiducials import in_seconds, pulse_fiducials
from hemoview.dsp.filters import band_pass, detrend
from hemoview.dsp.ppg_beats import REFRACTORY_S, find_ppg_beats
from hemoview.dsp.quality import motion_rms_g
from hemoview.dsp.sqi import band_ratio, moment, quality_indices
from hemoview.dsp.tracking import track_all

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("oracle")]

DETECTORS = ("msptdfast", "elgendi")
RATE_HZ = 64


@pytest.fixture(scope="module")
def oracle() -> None:
    """Imported late: it takes seconds, and most runs of the suite collect this file for nothing."""
    global nk, stats  # noqa: PLW0603
    nk = pytest.importorskip("neurokit2", reason="neurokit2 (extra dev) is the oracle")
    stats = pytest.importorskip("scipy.stats")


def peaks_s(wave: np.ndarray, rate_hz: int) -> np.ndarray:
    """Systolic peaks by us, s."""
    beats = [t.beat for t in track_all(find_ppg_beats, wave, float(rate_hz), refractory_s=REFRACTORY_S)]
    return in_seconds(pulse_fiducials(wave, rate_hz, beats), rate_hz)[:, 2]


def theirs_s(wave: np.ndarray, rate_hz: int, detector: str) -> np.ndarray:
    """Systolic peaks by NeuroKit2, s; its rate must be a whole number."""
    cleaned = nk.ppg_clean(wave, sampling_rate=rate_hz)
    return (
        np.asarray(nk.ppg_findpeaks(cleaned, sampling_rate=rate_hz, method=detector)["PPG_Peaks"]) / rate_hz
    )


def f1_and_distance(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """F1 of beats within 150 ms of each other, and the median distance of those, s."""
    nearest = np.abs(one[:, None] - other).min(axis=1)
    hits = nearest < 0.15
    return 2 * hits.sum() / (len(one) + len(other)), float(np.median(nearest[hits]))


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("per_min", [55, 75, 110])
def test_the_oracles_own_pulse(per_min: int, detector: str) -> None:
    wave = nk.ppg_simulate(
        duration=120, sampling_rate=RATE_HZ, heart_rate=per_min, random_state=per_min,
        powerline_amplitude=0, motion_amplitude=0.2,
    )  # fmt: skip
    f1, distance_s = f1_and_distance(peaks_s(wave, RATE_HZ), theirs_s(wave, RATE_HZ, detector))
    assert f1 >= 0.99
    assert distance_s <= 1 / RATE_HZ


@pytest.mark.parametrize("noise", [0.02, 0.08, 0.2])
def test_where_the_beats_are_known_we_are_no_worse(noise: float) -> None:
    rng = np.random.default_rng(round(100 * noise))
    onsets = rhythm(rng, 180.0, 0.8, 0.06)
    t = np.arange(180 * RATE_HZ) / RATE_HZ
    wave = pulse(onsets, RATE_HZ, 180.0) + 0.5 * np.sin(2 * np.pi * 0.1 * t) + rng.normal(0, noise, t.size)
    peaks = onsets + UPSTROKE_S + 0.08
    ours, _ = f1_and_distance(peaks_s(wave, RATE_HZ), peaks)
    best = max(f1_and_distance(theirs_s(wave, RATE_HZ, d), peaks)[0] for d in DETECTORS)
    assert ours >= best - 0.01
    assert ours >= 0.97


def read_csv(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Columns of a file of an E4 archive, its two header lines dropped."""
    path = next(n for n in archive.namelist() if n.endswith(name))
    skipped = 1 if name == "IBI.csv" else 2
    return np.loadtxt(io.BytesIO(archive.read(path)), delimiter=",", skiprows=skipped)


def share_found(sure_s: np.ndarray, found_s: np.ndarray) -> float:
    """Part of the beats with one of ours at the usual delay, s, give or take 0.25: a wrist pulse has two peaks, and
    which of them is the higher one changes from beat to beat.
    """
    after = found_s[np.clip(np.searchsorted(found_s, sure_s), 0, len(found_s) - 1)] - sure_s
    usual_s = float(np.median(after[after < 0.6]))
    return float((np.abs(found_s[:, None] - sure_s - usual_s).min(axis=0) < 0.25).mean())


@pytest.mark.parametrize("subject", ["S01", "S06", "S10", "S20"])
def test_twenty_minutes_of_a_real_wrist(real_recordings: Path, subject: str) -> None:
    """Agreement is asked for while the arm is still by its accelerometer, which no detector sees; of the beats the
    band itself is sure of, in motion too, we find no fewer than the oracle.
    """
    with zipfile.ZipFile(real_recordings / "e4_stress_predict" / f"{subject}.zip") as archive:
        wave = read_csv(archive, "BVP.csv")[: 1200 * RATE_HZ]
        acc_g = read_csv(archive, "ACC.csv")[: 1200 * 32] / 64
        sure_s = read_csv(archive, "IBI.csv")[:, 0]
    still = [motion_rms_g(acc_g[i * 320 : (i + 1) * 320], 32.0) < 0.01 for i in range(len(acc_g) // 320)]

    def in_stillness(at_s: np.ndarray) -> np.ndarray:
        return at_s[[int(t // 10) < len(still) and still[int(t // 10)] for t in at_s]]

    ours = peaks_s(wave, RATE_HZ)
    sure_s = sure_s[sure_s < 1190]
    for detector in DETECTORS:
        theirs = theirs_s(wave, RATE_HZ, detector)
        f1, distance_s = f1_and_distance(in_stillness(ours), in_stillness(theirs))
        assert f1 >= 0.8
        assert distance_s <= 1 / RATE_HZ
        assert share_found(sure_s, ours) >= share_found(sure_s, theirs)


def test_ten_minutes_of_a_finger_in_the_operating_theatre(real_recordings: Path) -> None:
    stored = np.load(real_recordings / "surgery_ev1000" / "wt01_waves.npz")
    rate_hz = int(stored["PLETH_fs"])
    wave = stored["PLETH"][10_000 : 10_000 + 600 * rate_hz].astype(float)
    f1, distance_s = f1_and_distance(peaks_s(wave, rate_hz), theirs_s(wave, rate_hz, "elgendi"))
    assert f1 >= 0.98
    assert distance_s <= 1 / rate_hz


@pytest.mark.parametrize("seed", range(4))
def test_moments_are_those_of_scipy_and_of_the_oracle(seed: int) -> None:
    x = np.random.default_rng(seed).gamma(3.0, size=640)
    assert moment(x, 3) == pytest.approx(stats.skew(x), rel=1e-12)
    assert moment(x, 4) - 3 == pytest.approx(stats.kurtosis(x), rel=1e-12)
    window = {"sampling_rate": RATE_HZ, "window_sec": 10, "overlap_sec": 9}
    assert moment(x, 3) == pytest.approx(nk.ppg_quality(x, method="skewness", **window)[0], rel=1e-9)
    wave = pulse(rhythm(np.random.default_rng(seed), 10.0), RATE_HZ, 10.0)
    filtered = band_pass(detrend(wave), RATE_HZ)
    found = quality_indices(wave, RATE_HZ)
    assert found.skewness == pytest.approx(stats.skew(filtered), rel=1e-9)
    assert found.excess_kurtosis == pytest.approx(stats.kurtosis(filtered), rel=1e-9)


def test_template_agreement_and_power_beside_the_oracles() -> None:
    wave = nk.ppg_simulate(
        duration=120, sampling_rate=RATE_HZ, heart_rate=75, random_state=1,
        powerline_amplitude=0, motion_amplitude=0.1,
    )  # fmt: skip
    cleaned = nk.ppg_clean(wave, sampling_rate=RATE_HZ)
    windows = [wave[i : i + 640] for i in range(0, 11 * 640, 640)]
    ours = [quality_indices(w, RATE_HZ) for w in windows]
    template = nk.ppg_quality(cleaned, sampling_rate=RATE_HZ, method="templatematch")
    assert np.mean([q.template_r for q in ours]) == pytest.approx(np.mean(template), abs=0.03)
    agreed = nk.ppg_quality(cleaned, sampling_rate=RATE_HZ, method="ho2025")
    assert np.mean([q.agreement for q in ours]) == pytest.approx(np.mean(agreed), abs=0.05)
    for window in windows:
        theirs = nk.ppg_quality(
            window,
            ppg_raw=window,
            sampling_rate=RATE_HZ,
            method="relative_power",
            window_sec=10,
            overlap_sec=9,
        )[0]
        assert band_ratio(window, RATE_HZ, (1.0, 2.25)) == pytest.approx(theirs, abs=0.12)
