"""How well a drift is known: a bound that holds, arrivals that outweigh beats, a wave that is not its own echo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.bench.align_session import simulate
from hemoview.dsp.align import align_beats
from hemoview.dsp.align_drift import LAG_S, SharedClock, beats_error_ppm, clock_of, combined_ppm
from hemoview.dsp.beat_train import BeatTrain, find_pulse_rises
from hemoview.dsp.time_map import PPM

SECONDS = 700.0


def pair(lag_s: np.ndarray, beat_s: np.ndarray) -> tuple[BeatTrain, BeatTrain]:
    return BeatTrain.of(beat_s + 3.0 + lag_s), BeatTrain.of(beat_s)


def beats_of(seconds: float, seed: int = 5) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).normal(0.85, 0.04, round(seconds / 0.85)))


def test_a_way_that_grows_is_taken_for_a_clock_by_beats_and_the_bound_says_so() -> None:
    at_s = beats_of(SECONDS)
    growing = 0.004 * at_s / SECONDS
    found = align_beats(*pair(growing, at_s))
    (piece,) = found.pieces
    assert piece.drift_ppm == pytest.approx(0.004 / SECONDS / PPM, abs=0.3)
    assert piece.drift_error_ppm is not None and abs(piece.drift_ppm) < piece.drift_error_ppm < 12.0


def test_where_one_host_stamped_both_the_clock_is_not_the_way() -> None:
    at_s = beats_of(SECONDS)
    growing = 0.004 * at_s / SECONDS
    known = (SharedClock(0.0, SECONDS, 0.3),)
    (piece,) = align_beats(*pair(growing, at_s), None, known).pieces
    assert abs(piece.drift_ppm) < 0.1 and piece.drift_error_ppm == pytest.approx(0.3, abs=0.02)
    middle_s = np.array([0.5 * SECONDS])
    assert float(piece.to_pulse(middle_s)[0] - middle_s[0]) == pytest.approx(3.002, abs=0.001)


def test_an_era_of_another_clock_says_nothing_of_this_one() -> None:
    at_s = beats_of(SECONDS)
    elsewhere = (SharedClock(5000.0, 9000.0, 0.1),)
    (piece,) = align_beats(*pair(0.004 * at_s / SECONDS, at_s), None, elsewhere).pieces
    assert piece.drift_ppm > 5.0
    assert clock_of(elsewhere, 0.0, SECONDS) is None


def test_the_bound_shrinks_with_length_and_grows_with_what_lasts() -> None:
    rng = np.random.default_rng(1)
    bounds = []
    for seconds in (600.0, 6000.0):
        at_s = beats_of(seconds)
        bounds.append(beats_error_ppm(at_s, rng.normal(0, 0.002, at_s.size), seconds))
    assert bounds[1] < bounds[0] / 8 and bounds[0] >= LAG_S / 600.0 / PPM
    at_s = beats_of(600.0)
    slow = 0.01 * np.sin(2 * np.pi * at_s / 240.0)
    assert beats_error_ppm(at_s, slow, 600.0) > 1.3 * bounds[0]
    assert beats_error_ppm(at_s[:8], slow[:8], 600.0) == float("inf")


@given(st.floats(-300, 300), st.floats(0.01, 200), st.floats(0, 200))
def test_two_grounds_together_lie_between_and_are_surer_than_either(
    drift_ppm: float, beats_ppm: float, arrivals_ppm: float
) -> None:
    both, error_ppm = combined_ppm(drift_ppm, beats_ppm, SharedClock(0.0, 1.0, arrivals_ppm))
    assert min(0.0, drift_ppm) - 1e-9 <= both <= max(0.0, drift_ppm) + 1e-9
    assert error_ppm <= min(beats_ppm, max(arrivals_ppm, 1e-3)) + 1e-9
    assert combined_ppm(drift_ppm, beats_ppm, None) == (drift_ppm, beats_ppm)


@pytest.mark.parametrize("wave", [np.zeros(640), np.full(640, np.pi)])
def test_a_wave_without_a_beat_has_no_rise(wave: np.ndarray) -> None:
    assert find_pulse_rises(wave, 64.0) == []


@pytest.mark.slow
def test_a_dicrotic_wave_the_detector_takes_for_the_beat_does_not_shift_the_lock() -> None:
    """A soft artery, a fast heart: the second rise, a third of a second late, was locked on, as still as the first."""
    session = simulate("slow-breathing", 102, 18)
    assert abs(float(np.median(session.lag_s))) < 0.1
    found = align_beats(session.pulse, session.reference)
    (piece,) = found.pieces
    middle_s = np.array([0.5 * (piece.t0_s + piece.t1_s)])
    true_s = session.pulse_clock.written(session.reference_clock.true(middle_s))
    assert abs(float(piece.to_pulse(middle_s)[0] - true_s[0])) < 0.1
