"""The last word on a piece's slope: beats count by how quiet it is around them, and by what their heart just did. Pure.

Three things put ppm on a robust line through all matched beats (decisions 0060 and 0062 have the figures):

- **A wrist that moves a little.** Beats below the motion limit are still five to fifteen times less sharp than those of
  a still wrist, and good enough to count. Each therefore has a scale of its own: the scatter of the beats around it, at
  least that of all (robust regression with unequal scatter: Carroll & Ruppert, Ann. Statist. 10, 1982, 429).
- **A heart that slows down.** What is left of the beats before lies under the beginning of the next rise and moves it,
  at the wrist by another amount than at the finger: some ms for each second of interval. Where the rate wanders over
  minutes that looks like a clock. The intervals around a beat are known better than anything else here, so they are
  columns of the regression; breathing varies them fast enough to tell their part from a trend.
- **A pressure that rises.** Stiffer arteries carry a pulse faster, and the tissue under the strap fills earlier. The
  reference knows the pressure of every beat, so its mean and its pulse are columns too, in units of the usual pulse:
  a wave in volts says as much as one in mmHg.

A column that explains nothing would only cost certainty: each leans on 0 the more the less it explains (automatic
relevance determination by expectation maximisation: Tipping, J. Mach. Learn. Res. 1, 2001, 211).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.align_match import DRIFT_PRIOR_PPM, TUKEY, Line
from hemoview.dsp.beat_train import BeatTrain, nearest
from hemoview.dsp.time_map import PPM

Array = NDArray[np.float64]

INTERVALS: Final = (-2, -1, 0, 1)
"""Which intervals: that which ends with the beat is 0."""
PER_INTERVAL: Final = 0.02
"""Seconds of lag for a second of interval, at most: 95 % of simulated persons (seeds 401, 402) lie within, real ones
but for one."""
PER_PULSE: Final = 0.04
"""Seconds of lag for a pressure higher by the usual pulse, at most: 1 ms/mmHg at a pulse of 40 mmHg."""
AROUND: Final = 10
"""Residuals before and after that tell how quiet it is: five beats each, as every pair counts twice."""
LEAST_PAIRS: Final = 120
"""Residuals below which a piece keeps its plain robust line: a minute of beats."""
_MOST: Final = np.array([PER_INTERVAL] * len(INTERVALS) + [PER_PULSE] * 2)
_LEAST_PART: Final = 1e-4
"""Of :data:`_MOST`, how little a column that explains nothing is left with."""
_STEPS: Final = 40
_LEAST_SCALE_S: Final = 1e-4


def refined(
    line: Line,
    t_s: Array,
    lag_s: Array,
    reference: BeatTrain,
    *,
    usual: float = 0.0,
    spread_ppm: float = DRIFT_PRIOR_PPM,
) -> tuple[Line, Array]:
    """A line, and the lags ``(n,)`` less what the heart explains of them; as given where there are too few.

    The line is that of the median intervals and pressures.

    Args:
        line: robust line through the pairs, where the search begins.
        t_s, lag_s: ``(n,)`` matched pairs by reference time, rising, each once a direction.
        reference: beats of the reference, for their intervals and pressures.
        usual, spread_ppm: as :func:`hemoview.dsp.align_match.fit_line` has them.
    """
    if t_s.size < LEAST_PAIRS:
        return line, lag_s
    at_s = float(t_s.mean())
    length_s = max(float(t_s.std()), 1.0)
    known = np.hstack((intervals_around(t_s, reference), pressures_at(t_s, reference)))
    columns = np.column_stack((np.ones(t_s.size), (t_s - at_s) / length_s, known))
    leaning = np.zeros(columns.shape[1])
    leaning[1] = usual * length_s
    found: Array = np.zeros(columns.shape[1])
    found[:2] = line.lag_at(at_s), line.drift * length_s
    spread = _MOST
    for _ in range(_STEPS):
        rest = lag_s - columns @ found
        scale = scale_around(rest)
        weight = np.clip(1.0 - (rest / (TUKEY * scale)) ** 2, 0.0, None) ** 2 / scale**2
        weighed = columns * weight[:, None]
        # each pair counts twice, once a direction
        prior = 2.0 / np.concatenate(([np.inf, length_s * spread_ppm * PPM], spread)) ** 2
        information = weighed.T @ columns + np.diag(prior)
        if np.linalg.cond(information) > 1e15:
            return line, lag_s
        was, found = found, np.asarray(np.linalg.solve(information, weighed.T @ lag_s + prior * leaning))
        variance = 2.0 * np.diag(np.linalg.inv(information))
        spread = np.clip(np.sqrt(found**2 + variance)[2:], _LEAST_PART * _MOST, _MOST)
        if np.abs(found - was)[:2].max() < 1e-9:
            break
    return Line(at_s, float(found[0]), float(found[1]) / length_s), lag_s - known @ found[2:]


def intervals_around(t_s: Array, reference: BeatTrain) -> Array:
    """``(n, 4)``: the intervals of :data:`INTERVALS` around the beat nearest each time, less their median, s.

    0 where one is not known whole.
    """
    beat = nearest(t_s, reference.time_s)
    before = np.concatenate(([np.nan], np.where(reference.whole, np.diff(reference.time_s), np.nan)))
    around = np.full((t_s.size, len(INTERVALS)), np.nan)
    for column, of in enumerate(INTERVALS):
        there = (beat + of >= 0) & (beat + of < before.size)
        around[there, column] = before[beat[there] + of]
    return _less_median(around)


def pressures_at(t_s: Array, reference: BeatTrain) -> Array:
    """``(n, 2)``: mean and pulse of the beat nearest each time, less their median, in units of the usual pulse.

    0 where they are not known.
    """
    at = reference.pressure[nearest(t_s, reference.time_s)]
    pulse = at[np.isfinite(at[:, 1]), 1]
    usual = float(np.median(pulse)) if pulse.size else 0.0
    return _less_median(at) / usual if usual > 0.0 else np.zeros(at.shape)


def _less_median(columns: Array) -> Array:
    """What is not known is as usual: 0."""
    known = np.isfinite(columns)
    usual = [np.median(columns[ok, k]) if ok.any() else 0.0 for k, ok in enumerate(known.T)]
    return np.where(known, columns - usual, 0.0)


def scale_around(rest_s: Array) -> Array:
    """Robust deviation of the :data:`AROUND` residuals on both sides of each, at least that of all; ``(n,)``, s."""
    off = np.pad(np.abs(rest_s), AROUND, mode="reflect")
    near = np.median(np.lib.stride_tricks.sliding_window_view(off, 2 * AROUND + 1), axis=1)
    return np.asarray(
        1.4826 * np.maximum(np.maximum(near, np.median(np.abs(rest_s))), _LEAST_SCALE_S / 1.4826)
    )
