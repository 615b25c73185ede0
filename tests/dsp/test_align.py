"""Two devices' beats give an alignment that is right, or a refusal; never an exception, never a wrong lock."""

from __future__ import annotations

import numpy as np
import pytest
from heartbeats import felt, heart
from hypothesis import given, settings
from hypothesis import strategies as st

from hemoview.dsp.align import Found, align_beats
from hemoview.dsp.align_lags import TACHOGRAM_HZ, by_tachogram, tachogram, without_slow_mean
from hemoview.dsp.beat_train import BeatTrain
from hemoview.dsp.time_map import PPM, to_pulse, to_reference

RIGHT_S = 0.02


def offset_at(found: Found, t_ref_s: float) -> float:
    return float(to_pulse(found.pieces, np.array([t_ref_s]))[0]) - t_ref_s


@st.composite
def trains(draw: st.DrawFn) -> BeatTrain:
    """Anything that is a beat train."""
    n = draw(st.integers(0, 400))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    gaps = rng.exponential(draw(st.sampled_from([0.01, 0.8, 30.0])), n) + draw(
        st.sampled_from([1e-6, 0.3, 0.8])
    )
    if draw(st.booleans()):
        gaps[:] = 0.8
    times = np.cumsum(gaps) + draw(st.floats(-1e5, 1e5))
    quality = rng.random(n) if draw(st.booleans()) else np.ones(n)
    number = np.sort(rng.integers(0, draw(st.sampled_from([1, 2, 50])), n))
    return BeatTrain.of(times, quality, None, number, number)


@settings(max_examples=40, deadline=None)
@given(trains(), trains())
def test_any_beats_give_an_alignment_or_a_refusal(pulse: BeatTrain, reference: BeatTrain) -> None:
    found = align_beats(pulse, reference)
    assert bool(found.pieces) != bool(found.refused_because)
    for before, after in zip(found.pieces[:-1], found.pieces[1:], strict=True):
        assert before.t1_s <= after.t0_s


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000), st.floats(-3600, 3600), st.floats(-100, 100), st.floats(0.0, 0.4))
def test_a_lock_is_right_whatever_clock_and_however_many_beats_are_missed(
    seed: int, offset_s: float, ppm: float, lost: float
) -> None:
    beats = heart(seed)
    pulse = felt(beats, seed, offset_s=offset_s, ppm=ppm, lost=lost)
    found = align_beats(pulse, felt(beats, seed + 1))
    assert found.pieces, found.refused_because
    for t_s in (100.0, 350.0, 600.0):
        assert offset_at(found, t_s) == pytest.approx(offset_s + ppm * PPM * t_s, abs=RIGHT_S)
    assert found.pieces[0].drift_ppm == pytest.approx(ppm, abs=8.0)


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1e5, 1e5))
def test_shifting_both_changes_nothing_but_the_times(seed: int, by_s: float) -> None:
    beats = heart(seed, 250.0)
    pulse, reference = felt(beats, seed, offset_s=12.5), felt(beats, seed + 1)
    found = align_beats(pulse, reference)
    later = align_beats(pulse.timed(pulse.time_s + by_s), reference.timed(reference.time_s + by_s))
    assert bool(found.pieces) == bool(later.pieces)
    for one, other in zip(found.pieces, later.pieces, strict=True):
        assert one.offset_s == pytest.approx(other.offset_s, abs=1e-3)
        # which far beats count is decided on grids, so the line may turn by a fraction of what four minutes can tell
        assert one.drift_ppm == pytest.approx(other.drift_ppm, abs=2.0)


def test_drift_is_recovered_to_a_ppm_in_ten_minutes_of_good_beats() -> None:
    beats = heart(5, 640.0)
    found = align_beats(
        felt(beats, 1, ppm=83.0, offset_s=2000.0, noise_s=0.002), felt(beats, 2, noise_s=0.001)
    )
    assert found.pieces[0].drift_ppm == pytest.approx(83.0, abs=1.0)


def test_dropping_two_beats_of_five_leaves_the_alignment() -> None:
    beats = heart(3)
    pulse, reference = felt(beats, 3, offset_s=-77.0, ppm=40.0), felt(beats, 4)
    whole, part = (
        align_beats(pulse, reference),
        align_beats(felt(beats, 3, offset_s=-77.0, ppm=40.0, lost=0.4), reference),
    )
    assert offset_at(part, 300.0) == pytest.approx(offset_at(whole, 300.0), abs=0.005)


def test_pieces_break_where_a_device_reconnected() -> None:
    beats = heart(7)
    pulse = felt(beats, 7, offset_s=10.0)
    late = pulse.time_s > 310.0
    jumped = BeatTrain.of(pulse.time_s + 0.09 * late, None, None, late.astype(int), late.astype(int))
    found = align_beats(jumped, felt(beats, 8))
    assert len(found.pieces) == 2
    assert found.pieces[0].t1_s == pytest.approx(300.0, abs=4.0)
    steps = [offset_at(found, t) for t in (150.0, 500.0)]
    assert steps == pytest.approx([10.0, 10.09], abs=0.006)


def test_a_reconnect_that_is_late_by_just_one_beat_is_not_bridged() -> None:
    beats = heart(7, sd_s=0.025)
    pulse = felt(beats, 7, offset_s=10.0)
    late = pulse.time_s > 310.0
    beat_s = float(np.median(np.diff(beats)))
    jumped = BeatTrain.of(pulse.time_s + beat_s * late, None, None, late.astype(int), late.astype(int))
    found = align_beats(jumped, felt(beats, 8))
    steps = [offset_at(found, t) for t in (150.0, 500.0)]
    assert steps == pytest.approx([10.0, 10.0 + beat_s], abs=0.01)


def test_a_wave_counted_twice_is_refused_as_nobody_can_tell_which_rise_is_the_beat() -> None:
    beats = heart(13)
    twice = np.sort(np.concatenate((beats, beats + 0.34)))
    found = align_beats(felt(twice, 1, offset_s=50.0, noise_s=0.003), felt(beats, 2, noise_s=0.003))
    assert found.refused_because == "ambiguous"


def test_an_hour_that_comes_twice_is_found_though_nobody_declared_it() -> None:
    beats = heart(9)
    pulse = felt(beats, 9, offset_s=5.0)
    found = align_beats(pulse.timed(pulse.time_s + 3600.0 * (pulse.time_s > 355.0)), felt(beats, 10))
    assert [round(p.offset_s) for p in found.pieces] == [5, 3605]
    assert np.isnan(to_reference(found.pieces, np.array([2000.0]))).all()


@pytest.mark.parametrize("seed", range(4))
def test_two_hearts_are_refused_and_named(seed: int) -> None:
    found = align_beats(felt(heart(seed), 1, offset_s=600.0), felt(heart(seed + 100), 2))
    assert found.refused_because == "not-the-same-heart"
    assert found.evidence["chance_nats_max"] > 0


@pytest.mark.parametrize("noise_s", [0.001, 0.006, 0.015])
def test_a_pacemaker_is_refused_as_ambiguous_unless_taps_tell(noise_s: float) -> None:
    beats = heart(1, sd_s=0.0)
    pulse, reference = felt(beats, 1, offset_s=300.0, noise_s=noise_s), felt(beats, 2, noise_s=noise_s)
    assert align_beats(pulse, reference).refused_because == "ambiguous"
    anchored = align_beats(pulse, reference, 299.9)
    assert offset_at(anchored, 300.0) == pytest.approx(300.0, abs=RIGHT_S)


def test_one_early_beat_in_an_even_rhythm_does_not_make_a_lock_wrong() -> None:
    beats = heart(1, sd_s=0.0)
    beats[400:] += 0.25
    found = align_beats(felt(beats, 1, offset_s=300.0), felt(beats, 2))
    assert found.refused_because == "ambiguous" or offset_at(found, 300.0) == pytest.approx(
        300.0, abs=RIGHT_S
    )


def test_breathing_like_a_clock_is_right_or_refused() -> None:
    k = np.arange(900)
    beats = np.cumsum(0.8 + 0.05 * np.sin(2 * np.pi * k / 12.5))
    found = align_beats(felt(beats, 1, offset_s=40.0), felt(beats, 2))
    assert found.refused_because == "ambiguous" or offset_at(found, 300.0) == pytest.approx(40.0, abs=RIGHT_S)


def test_too_few_beats_are_said() -> None:
    beats = heart(2, 60.0)
    assert align_beats(felt(beats, 1), felt(beats, 2)).refused_because == "too-few-beats"


def test_the_mean_at_the_ends_is_of_what_is_there() -> None:
    """A mean padded with zeros leaves half the interval's length as a step at both ends of both recordings; the best
    shift is then the one that lays ends on ends.
    """
    level = np.full(2000, np.log(0.85))
    known = np.ones(2000, bool)
    np.testing.assert_allclose(without_slow_mean(level, known), 0.0, atol=1e-9)
    width = round(30.0 * TACHOGRAM_HZ) | 1
    padded = level - np.convolve(level, np.ones(width) / width, "same")
    assert abs(padded[0]) > 0.05  # what it must not do

    beats = heart(11)
    cut = beats[beats > 200.0]
    lags = by_tachogram(felt(cut, 1, offset_s=20.0), felt(beats, 2)).maxima(1)
    assert lags[0] == pytest.approx(20.0, abs=0.3)


def test_a_missed_beat_is_cut_off_in_the_tachogram() -> None:
    beats = heart(12, 120.0)
    values, known = tachogram(felt(np.delete(beats, 60), 1), 0.0, 480)
    assert known.any() and float(np.abs(values).max()) <= 0.3 + 1e-9
