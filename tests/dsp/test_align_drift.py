"""How well a drift is known: a bound that holds, arrivals that outweigh beats, a wave that is not its own echo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.bench.align_session import simulate
from hemoview.dsp.align import align_beats
from hemoview.dsp.align_drift import (
    LAG_S,
    SharedClock,
    arrivals_error_ppm,
    beats_error_ppm,
    clock_of,
    combined_ppm,
    wander_ppm,
)
from hemoview.dsp.beat_train import BeatTrain, find_pulse_rises
from hemoview.dsp.time_map import PPM
from recorder.clock import fit_timebase
from recorder.devices.sim.device_clock import DeviceClock

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
    assert piece.drift_error_ppm is not None and abs(piece.drift_ppm) < piece.drift_error_ppm < 40.0


def test_where_one_host_stamped_both_the_clock_is_not_the_way() -> None:
    at_s = beats_of(SECONDS)
    growing = 0.004 * at_s / SECONDS
    known = (SharedClock(0.0, SECONDS, 0.3),)
    (piece,) = align_beats(*pair(growing, at_s), None, known).pieces
    assert abs(piece.drift_ppm) < 0.1 and piece.drift_error_ppm == pytest.approx(0.43, abs=0.02)
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
    assert beats_error_ppm(at_s, slow, 600.0) > 1.15 * bounds[0]
    assert beats_error_ppm(at_s[:8], slow[:8], 600.0) == float("inf")


@given(st.floats(-300, 300), st.floats(0.01, 200), st.floats(0, 200))
def test_two_grounds_together_lie_between_and_are_surer_than_either(
    drift_ppm: float, beats_ppm: float, arrivals_ppm: float
) -> None:
    clock = SharedClock(0.0, 700.0, arrivals_ppm)
    both, error_ppm = combined_ppm(drift_ppm, beats_ppm, clock, 600.0)
    assert min(0.0, drift_ppm) - 1e-9 <= both <= max(0.0, drift_ppm) + 1e-9
    assert error_ppm <= min(beats_ppm, max(arrivals_error_ppm(clock, 600.0), 1e-3)) + 1e-9
    assert combined_ppm(drift_ppm, beats_ppm, None, 600.0) == (drift_ppm, beats_ppm)


def test_one_crystal_for_both_does_not_wander_from_itself_and_a_piece_of_a_stretch_wanders_more() -> None:
    assert arrivals_error_ppm(SharedClock(0.0, 700.0, 0.0), 600.0) == 0.0
    assert arrivals_error_ppm(SharedClock(0.0, 700.0, 0.3), 700.0) > 0.3
    assert wander_ppm(300.0, 7200.0) > wander_ppm(300.0, 300.0) > wander_ppm(7200.0, 7200.0) > 0.0
    assert wander_ppm(300.0, 200.0) == wander_ppm(300.0, 300.0)


def test_the_bound_of_arrivals_holds_for_crystals_that_wander() -> None:
    """Under many packets a line is far surer than any crystal is steady."""
    inside = bare = 0
    sessions = 30
    for seed in range(sessions):
        rng = np.random.default_rng([5, seed])
        errors, bounds = zip(*(fitted_crystal(rng) for _ in range(2)), strict=True)
        clock = SharedClock(0.0, SECONDS, float(np.hypot(*bounds)))
        inside += abs(errors[0] - errors[1]) <= arrivals_error_ppm(clock, SECONDS)
        bare += abs(errors[0] - errors[1]) <= clock.error_ppm
    assert inside >= 0.93 * sessions and bare <= 0.6 * sessions


def fitted_crystal(rng: np.random.Generator) -> tuple[float, float]:
    """Error and own bound, ppm, of a fit to fifty packets a second of an emulated crystal, 5 to 60 ms late."""
    crystal = DeviceClock(40.0, rng)
    first_no = np.arange(0, round(SECONDS * 100.0), 2)
    taken_s = np.concatenate([crystal.true_s(part) for part in np.array_split((first_no + 1) / 100.0, 70)])
    arrived_ns = np.rint((taken_s + rng.uniform(0.005, 0.06, taken_s.size)) * 1e9).astype(np.int64)
    base = fit_timebase(first_no, np.full(first_no.size, 2), np.maximum.accumulate(arrived_ns), 100.0)
    true_ppm = (float((first_no[-1] - first_no[0]) / 100.0 / (taken_s[-1] - taken_s[0])) - 1.0) / PPM
    return base.drift_ppm - true_ppm, base.drift_error_ppm


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
