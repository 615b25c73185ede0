"""Heart rate from windows that cut beats, from notches deeper than feet, and from a pulse that has lost beats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulse_waves import pulse, rhythm

from hemoview.dsp.ppg_beats import FAINT_RISE, find_ppg_beats
from hemoview.dsp.quality import Quality, assess, whole_beats
from hemoview.estimate.estimator import WIDEST_HR_HALF_WIDTH_PER_MIN, heart_rate_span, uneven_rate_span

RATE_HZ = 64.0


def deep_notch(onsets_s: np.ndarray, seconds: float) -> np.ndarray:
    """A narrow systole, a notch below the foot, then a creep upwards into the next beat, which has no foot of its
    own: the finger wave of a monitor at a slow rate.
    """
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = np.zeros_like(t)
    for onset in onsets_s:
        since = t - onset
        wave += np.exp(-(((since - 0.16) / 0.09) ** 2))
        wave -= 0.10 * (since > 0.4) * np.exp(-np.clip(since - 0.4, 0, None) / 0.35) * (since < 1.6)
    return wave


def judged(wave: np.ndarray) -> Quality:
    return assess(wave, RATE_HZ, find_ppg_beats(wave, RATE_HZ))


@pytest.mark.parametrize("rr_s", [1.2, 1.3, 1.45])
def test_where_a_window_cuts_a_slow_wave_does_not_matter(rr_s: float) -> None:
    wave = deep_notch(np.arange(0.2, 40, rr_s), 40.0) + np.random.default_rng(1).normal(0, 0.003, 2560)
    for first in range(640, 640 + round(2 * rr_s * RATE_HZ), 3):
        span = heart_rate_span(judged(wave[first : first + 640]))
        assert not isinstance(span, str), first
        assert span[0] == pytest.approx(60 / rr_s, abs=1.0), first


def test_a_notch_cut_off_by_the_window_bounds_no_interval() -> None:
    wave = deep_notch(np.arange(0.2, 40, 1.25), 40.0)
    cut_off = 0
    for first in range(640, 640 + round(1.25 * RATE_HZ)):
        beats = find_ppg_beats(wave[first : first + 640], RATE_HZ)
        kept = whole_beats(beats)
        cut_off += len(beats) - len(kept)
        gaps_s = np.diff([b.upstroke for b in kept]) / RATE_HZ
        assert gaps_s == pytest.approx(np.full(len(gaps_s), 1.25), abs=0.05), first
    assert cut_off > 0


def test_pauses_of_beats_that_reach_no_artery_are_filled() -> None:
    """104/min with every eighth beat too early to eject anything: the heart beats 104 times."""
    onsets = np.arange(0.3, 60, 60 / 104)
    heard = np.delete(onsets, np.arange(5, len(onsets), 8))
    wave = pulse(heard, RATE_HZ, 60.0) + np.random.default_rng(2).normal(0, 0.005, 3840)
    for first in range(0, 3200, 640):
        verdict = judged(wave[first : first + 640])
        span = heart_rate_span(verdict)
        assert verdict.rhythm == "irregular"
        assert not isinstance(span, str)
        value, low, high = span
        assert value == pytest.approx(104, abs=2)
        assert low <= verdict.findings.hr_per_min <= high, "what was counted is never outside"
        assert high - low <= 2 * WIDEST_HR_HALF_WIDTH_PER_MIN


def fibrillating(seed: int, mean_rr_s: float, weakest: float) -> tuple[np.ndarray, float]:
    """Beats eject what they had time to fill with; rate of all of them."""
    rng = np.random.default_rng(seed)
    onsets = rhythm(rng, 14.0, mean_rr_s, 0.25)
    filling = np.clip((np.diff(onsets, prepend=onsets[0] - mean_rr_s) - 0.3) / 0.4, weakest, 1.0)
    wave = sum(a * pulse(np.array([at]), RATE_HZ, 14.0) for a, at in zip(filling, onsets, strict=True))
    inside = onsets[(onsets >= 2) & (onsets < 12)]
    part = np.asarray(wave)[128:768] + rng.normal(0, 0.005, 640)
    return part, 60 / float(np.diff(inside).mean())


def test_in_fibrillation_the_interval_holds_the_rate_or_nothing_is_shown() -> None:
    """Harsher than the patient in ``tests/real`` (0.92): beats here may leave no trace at all."""
    shown, covered = 0, 0
    for seed in range(120):
        wave, rate = fibrillating(seed, 0.6 + 0.004 * (seed % 50), weakest=0.02)
        verdict = judged(wave)
        span = heart_rate_span(verdict) if verdict.fault is None else verdict.fault
        if isinstance(span, str):
            assert span in ("irregular-pulse", "poor-signal", "too-few-beats")
            continue
        assert span[2] - span[1] <= 2 * WIDEST_HR_HALF_WIDTH_PER_MIN
        shown += 1
        covered += span[1] <= rate <= span[2]
    assert shown >= 20
    assert covered / shown >= 0.85


def test_a_pulse_that_lost_many_beats_has_no_heart_rate() -> None:
    refused = 0
    for seed in range(30):
        verdict = judged(fibrillating(seed, 0.52, weakest=0.0)[0])
        refused += verdict.fault is not None or isinstance(heart_rate_span(verdict), str)
    assert refused >= 20


def test_faint_pulses_are_found_when_asked_for() -> None:
    onsets = np.arange(0.3, 10, 0.7)
    weak = np.where(np.arange(len(onsets)) % 3 == 2, 0.15, 1.0)
    wave = np.asarray(
        sum(a * pulse(np.array([at]), RATE_HZ, 10.0) for a, at in zip(weak, onsets, strict=True))
    )
    plain, faint = (find_ppg_beats(wave, RATE_HZ, least_rise=rise) for rise in (0.3, FAINT_RISE))
    assert len(plain) <= 0.75 * len(faint)
    assert len(faint) >= len(onsets) - 2


INTERVALS = st.lists(st.floats(0.27, 3.0), min_size=2, max_size=30)


@given(INTERVALS, INTERVALS)
def test_the_value_lies_within_and_so_does_the_plain_count(
    plain_s: list[float], faint_s: list[float]
) -> None:
    value, low, high = uneven_rate_span(np.array(plain_s), np.array(faint_s))
    assert low <= value <= high
    assert low <= 60 / np.mean(plain_s) <= high
