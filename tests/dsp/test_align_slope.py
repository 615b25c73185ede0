"""The slope of a piece: restless beats count less, and a heart that slows down is no clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemoview.dsp.align import align_beats
from hemoview.dsp.align_match import Line, Residuals, fit_line
from hemoview.dsp.align_slope import (
    LEAST_PAIRS,
    PER_INTERVAL,
    intervals_around,
    pressures_at,
    refined,
    scale_around,
)
from hemoview.dsp.beat_train import BeatTrain
from hemoview.dsp.time_map import PPM

SECONDS = 700.0


def heart(seed: int, *, slowing_s: float = 0.0, varies_s: float = 0.03) -> np.ndarray:
    """Beats of 700 s whose intervals breathe and, on the way, grow by ``slowing_s``."""
    rng = np.random.default_rng(seed)
    n = round(SECONDS / 0.8)
    grows = slowing_s * np.linspace(-0.5, 0.5, n)
    return np.cumsum(0.8 + grows + varies_s * np.sin(np.arange(n) * 1.3) + rng.normal(0, 0.1 * varies_s, n))


def plain(t_s: np.ndarray, lag_s: np.ndarray) -> Line:
    n = t_s.size
    rest = Residuals(t_s, lag_s, np.ones(n), np.ones(n, np.bool_), np.zeros(n, np.int64))
    line = fit_line(Line(float(t_s.mean()), 0.0, 0.0), rest, float("inf"))
    assert line is not None
    return line


def twice(values: np.ndarray) -> np.ndarray:
    """Each pair once a direction."""
    return np.repeat(values, 2)


def test_stretches_in_which_the_wrist_moves_a_little_cost_little() -> None:
    by_plain, by_refined = [], []
    for seed in range(40):
        beat_s = heart(seed)
        rng = np.random.default_rng(100 + seed)
        moving = np.repeat(rng.random(beat_s.size // 20 + 1) < 0.4, 20)[: beat_s.size]
        lag_s = rng.normal(0, np.where(moving, 0.012, 0.001))
        line = plain(twice(beat_s), twice(lag_s))
        by_plain.append(line.drift / PPM)
        by_refined.append(refined(line, twice(beat_s), twice(lag_s), BeatTrain.of(beat_s))[0].drift / PPM)
    rms_plain, rms_refined = (float(np.sqrt(np.mean(np.square(v)))) for v in (by_plain, by_refined))
    assert rms_refined < 0.8 * rms_plain and rms_refined < 0.35


def test_a_heart_that_slows_down_is_not_taken_for_a_clock() -> None:
    beat_s = heart(1, slowing_s=0.08)
    intervals = np.diff(beat_s, prepend=beat_s[0] - 0.8)
    lag_s = 0.016 + 5.0 * PPM * beat_s + 0.02 * intervals
    reference = BeatTrain.of(beat_s)
    line = plain(twice(beat_s), twice(lag_s))
    assert abs(line.drift / PPM - 5.0) > 1.5
    better, rest_s = refined(line, twice(beat_s), twice(lag_s), reference)
    assert better.drift / PPM == pytest.approx(5.0, abs=0.1)
    assert float(np.ptp(rest_s - better.lag_at(0.0) - better.drift * twice(beat_s))) < 0.0005
    assert better.lag_at(350.0) == pytest.approx(
        0.016 + 5.0 * PPM * 350.0 + 0.02 * float(np.median(intervals)), abs=2e-4
    )
    (piece,) = align_beats(BeatTrain.of(beat_s + lag_s), reference).pieces
    assert piece.drift_ppm == pytest.approx(5.0, abs=0.1)


def pressures(seed: int, n: int, *, rising: float = 0.0) -> np.ndarray:
    """Mean and pulse of each beat, mmHg: breathing, wandering over a minute, the mean rising by so much on the way."""
    rng = np.random.default_rng([seed, 9])
    wander = np.zeros((n, 2))
    for k in range(1, n):
        wander[k] = 0.987 * wander[k - 1] + rng.normal(0, (0.5, 0.3))
    breath = np.sin(np.arange(n) * 1.1)[:, None] * (2.0, 1.5)
    trend = np.column_stack((rising * np.linspace(-0.5, 0.5, n), np.zeros(n)))
    return np.array([85.0, 40.0]) + wander + breath + trend


def test_a_pressure_that_rises_is_not_taken_for_a_clock() -> None:
    beat_s = heart(5)
    pressure = pressures(5, beat_s.size, rising=20.0)
    lag_s = 0.016 + 5.0 * PPM * beat_s - 0.0004 * (pressure[:, 0] - 85.0) + 0.0002 * (pressure[:, 1] - 40.0)
    lag_s = lag_s + np.random.default_rng(5).normal(0, 0.0005, beat_s.size)
    line = plain(twice(beat_s), twice(lag_s))
    assert abs(line.drift / PPM - 5.0) > 5.0
    reference = BeatTrain.of(beat_s, pressure=pressure)
    better = refined(line, twice(beat_s), twice(lag_s), reference)[0]
    assert better.drift / PPM == pytest.approx(5.0, abs=0.4)
    in_volts = BeatTrain.of(beat_s, pressure=pressure * 0.01 + [0.3, 0.0])
    assert refined(line, twice(beat_s), twice(lag_s), in_volts)[0].drift == pytest.approx(
        better.drift, rel=1e-6
    )
    (piece,) = align_beats(BeatTrain.of(beat_s + lag_s), reference).pieces
    assert piece.drift_ppm == pytest.approx(5.0, abs=0.4)


def test_a_pressure_that_has_nothing_to_do_with_the_lag_costs_nothing() -> None:
    without, with_it = [], []
    for seed in range(30):
        beat_s = heart(seed)
        lag_s = np.random.default_rng(seed).normal(0, 0.002, beat_s.size)
        line = plain(twice(beat_s), twice(lag_s))
        pressure = pressures(seed, beat_s.size, rising=15.0)
        for into, reference in (
            (without, BeatTrain.of(beat_s)),
            (with_it, BeatTrain.of(beat_s, pressure=pressure)),
        ):
            into.append(refined(line, twice(beat_s), twice(lag_s), reference)[0].drift / PPM)
    rms, rms_with = (float(np.sqrt(np.mean(np.square(v)))) for v in (without, with_it))
    assert rms_with < 1.15 * rms


def test_pressures_are_in_units_of_the_usual_pulse_and_what_is_not_known_is_as_usual() -> None:
    beat_s = np.arange(0.0, 10.0)
    pressure = np.column_stack((np.full(10, 80.0), np.full(10, 40.0)))
    pressure[3], pressure[5] = (90.0, 60.0), (np.nan, np.nan)
    at = pressures_at(beat_s + 0.2, BeatTrain.of(beat_s, pressure=pressure))
    assert at[3] == pytest.approx([0.25, 0.5]) and not at[[0, 5, 9]].any()
    assert not pressures_at(beat_s, BeatTrain.of(beat_s)).any()


def test_a_paced_heart_tells_nothing_by_its_intervals_and_keeps_its_line() -> None:
    beat_s = np.arange(0.0, SECONDS, 0.8)
    lag_s = np.random.default_rng(2).normal(0, 0.001, beat_s.size) + 3.0 * PPM * beat_s
    line = plain(twice(beat_s), twice(lag_s))
    better = refined(line, twice(beat_s), twice(lag_s), BeatTrain.of(beat_s))[0]
    assert better.drift == pytest.approx(line.drift, abs=0.15 * PPM)


def test_few_pairs_keep_their_plain_line() -> None:
    beat_s = heart(3)[: LEAST_PAIRS - 1]
    lag_s = 0.01 * np.sin(beat_s)
    line = plain(beat_s, lag_s)
    assert refined(line, beat_s, lag_s, BeatTrain.of(beat_s)) == (line, pytest.approx(lag_s))


def test_an_interval_over_a_missed_beat_says_nothing() -> None:
    beat_s = heart(4)
    reference = BeatTrain.of(beat_s, None, np.arange(beat_s.size) != 50)
    around = intervals_around(beat_s, reference)
    assert around.shape == (beat_s.size, 4)
    assert (around[50, 2], around[51, 2], around[49, 3]) == (0.0, 0.0, 0.0) and around[53, 2] != 0.0
    assert float(np.abs(around).max()) < 0.1 and around[0, 2] == 0.0


def test_the_scale_is_that_of_the_neighbours_but_never_less_than_that_of_all() -> None:
    rest_s = np.full(200, 0.001)
    rest_s[80:140] = 0.010
    scale = scale_around(rest_s)
    assert scale[20] == pytest.approx(1.4826 * 0.001) and scale[110] == pytest.approx(1.4826 * 0.010)


@settings(max_examples=25, deadline=None)
@given(st.floats(-90.0, 90.0), st.floats(-1.0, 1.0), st.integers(0, 9))
def test_another_clock_and_another_offset_change_the_line_by_just_that(
    ppm: float, offset_s: float, seed: int
) -> None:
    beat_s = heart(seed)
    lag_s = np.random.default_rng(seed).normal(0, 0.002, beat_s.size)
    moved_s = lag_s + offset_s + ppm * PPM * beat_s
    reference = BeatTrain.of(beat_s)
    one = refined(plain(beat_s, lag_s), beat_s, lag_s, reference)[0]
    other = refined(plain(beat_s, moved_s), beat_s, moved_s, reference)[0]
    # but for what leans on crystals being alike
    assert (other.drift - one.drift) / PPM == pytest.approx(ppm, abs=0.02)
    assert other.lag_at(350.0) - one.lag_at(350.0) - ppm * PPM * 350.0 == pytest.approx(offset_s, abs=2e-5)
    assert PER_INTERVAL > 0
