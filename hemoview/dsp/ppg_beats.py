"""Beats of a pulse wave, by the multi-scale trough idea of MSPTD (Bishop & Ercole 2018) at the 20 Hz of MSPTDfast
(Charlton 2025), with fixed scales and an adaptive least rise. Feet are searched, not peaks: at a wrist the peak is
round and often double, the foot is sharp (decision 0009 has the figures and what else was tried).

A beat's time is its **upstroke**: the steepest point of the systolic rise, to a part of a sample. It is less moved
by contact pressure and filtering than foot or peak, and it is what two devices are compared by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.filters import band_pass, detrend
from hemoview.dsp.resample import resample

DETECTOR = "mspt-foot-upstroke"
VERSION = "2"

COARSE_HZ = 20.0
_HALF_BEAT_S = 0.2
"""Scales searched: half a beat at 150/min; slower rates need no larger scale, small rises are dropped instead."""
LEAST_RISE = 0.3
"""Part of the typical rise (median of the larger half) below which a trough is a dicrotic notch or noise."""
FAINT_RISE = 0.05
"""The same where every pulse counts that left any trace: beats too early to eject much, but notches too."""
REFRACTORY_S = 0.27
"""Shortest time between beats, 220/min."""
_RISE_S = 0.45
"""The peak is looked for this long after its foot (crest time of a wrist pulse is 0.1 to 0.3 s)."""
_UPSTROKE_S = 0.2
"""The steepest point of the rise is looked for this long after the foot."""
_TEMPLATE_S = (-0.15, 0.40)
"""Part of a beat compared with the mean beat, around the upstroke: the part an irregular rhythm leaves alone."""


@dataclass(frozen=True, slots=True)
class PulseBeat:
    """One beat; positions in samples (a fraction is meant) from sample 0 of the stream.

    Args:
        upstroke: steepest point of the rise: the beat's time.
        foot: lowest point before it.
        peak: highest point after it.
        amplitude: peak − foot of the band-passed wave, in the stream's unit.
        quality: correlation with the mean beat around it, 0 to 1.
    """

    upstroke: float
    foot: float
    peak: float
    amplitude: float
    quality: float

    @property
    def position(self) -> float:
        """The beat's time."""
        return self.upstroke

    def shifted(self, by: int) -> PulseBeat:
        """The same beat, ``by`` samples later."""
        return replace(self, upstroke=self.upstroke + by, foot=self.foot + by, peak=self.peak + by)


def find_ppg_beats(
    samples: NDArray[np.floating], rate_hz: float, *, least_rise: float = LEAST_RISE
) -> list[PulseBeat]:
    """Beats of a stretch of about 2 to 15 s without a hole, in order; for more see :mod:`hemoview.dsp.tracking`.

    Args:
        samples: ``(n_samples,)``, finite, upright.
        rate_hz: 20 Hz or more.
        least_rise: smallest pulse, as a part of the typical one.
    """
    return beats_and_slope(samples, rate_hz, least_rise=least_rise)[0]


def beats_and_slope(
    samples: NDArray[np.floating], rate_hz: float, *, least_rise: float = LEAST_RISE
) -> tuple[list[PulseBeat], NDArray[np.float64]]:
    """:func:`find_ppg_beats`, and the slope ``(n_samples,)`` they were found in; empty where nothing was looked for."""
    if len(samples) < 2 * rate_hz or not np.ptp(samples) > 0:
        return [], np.empty(0)
    wave = band_pass(detrend(samples), rate_hz)
    slope = np.gradient(wave)
    coarse = _coarse_feet(wave, rate_hz, least_rise)
    feet = [_lowest_near(wave, round(p * rate_hz / COARSE_HZ), rate_hz) for p in coarse]
    marks = []
    for foot, end in zip(feet, [*feet[1:], len(wave)], strict=True):
        limit = min(end, foot + round(_RISE_S * rate_hz))
        if limit - foot < 3:
            continue
        rise = foot + int(np.argmax(slope[foot : min(limit, foot + round(_UPSTROKE_S * rate_hz))]))
        peak = rise + int(np.argmax(wave[rise:limit]))
        if slope[rise] > 0 and wave[peak] > wave[foot]:
            marks.append((foot, rise, peak))
    return _described(wave, slope, marks, rate_hz), slope


def _coarse_feet(wave: NDArray[np.float64], rate_hz: float, least_rise: float) -> NDArray[np.int64]:
    """Feet at 20 Hz: troughs lowest on every scale up to 0.2 s and followed by a rise that is no dicrotic one."""
    x = resample(wave, rate_hz, COARSE_HZ)
    is_foot: NDArray[np.bool_] = np.logical_and.reduce(
        _higher_than_neighbours(-x, round(_HALF_BEAT_S * COARSE_HZ)), axis=0
    )
    is_foot[[0, -1]] = False
    feet = np.flatnonzero(is_foot)
    if feet.size == 0:
        return feet
    ends = np.append(feet[1:], len(x) - 1)
    rise = _rises(x, feet, ends)
    least = least_rise * float(np.median(np.sort(rise)[rise.size // 2 :]))
    missed = rise < least
    late = _late_feet(x, feet[missed], ends[missed])
    late = late[_rises(x, late, ends[missed]) >= least]
    return np.asarray(np.union1d(feet[~missed], late))


def _rises(x: NDArray[np.float64], feet: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """How far the wave rises after each foot, before the next trough."""
    limits = np.minimum(ends, feet + round(_RISE_S * COARSE_HZ))
    return np.array([x[foot : limit + 1].max() - x[foot] for foot, limit in zip(feet, limits, strict=True)])


def _late_feet(
    x: NDArray[np.float64], troughs: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Where the steepest rise between a trough and the next one sets in. At a slow rate the trough of a beat may be
    the notch of the one before, from which the wave creeps up for most of a second and has no trough of its own.
    """
    reach = round(_UPSTROKE_S * COARSE_HZ)
    return np.array(
        [
            max(i, i + int(np.argmax(np.diff(x[i : k + 1]))) - reach)
            for i, k in zip(troughs, ends, strict=True)
        ],
        dtype=np.int64,
    )


def _higher_than_neighbours(x: NDArray[np.float64], n_scales: int) -> NDArray[np.bool_]:
    """``[k, i]``: x[i] is above x[i − k − 1] and x[i + k + 1]; beyond the ends counts as lower."""
    edge = np.full(n_scales, -np.inf)
    padded = np.concatenate((edge, x, edge))
    left = np.lib.stride_tricks.sliding_window_view(padded, len(x))[n_scales - 1 :: -1]
    right = np.lib.stride_tricks.sliding_window_view(padded, len(x))[n_scales + 1 :]
    higher: NDArray[np.bool_] = np.logical_and(x > left, x >= right)
    return higher


def _lowest_near(wave: NDArray[np.float64], near: int, rate_hz: float) -> int:
    reach = round(1.5 * rate_hz / COARSE_HZ)
    low = max(0, near - reach)
    return low + int(np.argmin(wave[low : near + reach + 1]))


def _described(
    wave: NDArray[np.float64], slope: NDArray[np.float64], marks: list[tuple[int, int, int]], rate_hz: float
) -> list[PulseBeat]:
    if not marks:
        return []
    foot, rise, peak = (np.array(column) for column in zip(*marks, strict=True))
    quality = template_correlation(wave, rise, rate_hz)
    upstroke = rise + _vertex(slope, rise)
    amplitude = wave[peak] - wave[foot]
    columns = (upstroke, foot.astype(float), peak.astype(float), amplitude, quality)
    return [PulseBeat(*map(float, row)) for row in zip(*columns, strict=True)]


def _vertex(x: NDArray[np.float64], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """Offset, −½ to ½ sample, of the top of the parabola through each maximum and its neighbours."""
    i = np.clip(at, 1, len(x) - 2)
    left, middle, right = x[i - 1], x[i], x[i + 1]
    bend = left - 2 * middle + right
    return np.where(bend < 0, np.clip(0.5 * (left - right) / np.where(bend < 0, bend, -1.0), -0.5, 0.5), 0.0)


def template_correlation(
    wave: NDArray[np.float64], upstrokes: NDArray[np.int64], rate_hz: float
) -> NDArray[np.float64]:
    """Correlation of each beat with the median beat, 0 to 1; 0 where the beat is cut by an end or alone."""
    offsets = np.arange(round(_TEMPLATE_S[0] * rate_hz), round(_TEMPLATE_S[1] * rate_hz))
    index = np.asarray(upstrokes)[:, None] + offsets
    whole = (index[:, 0] >= 0) & (index[:, -1] < len(wave))
    result = np.zeros(len(index))
    if whole.sum() < 2:
        return result
    beats = wave[index[whole]]
    beats = beats - beats.mean(axis=1, keepdims=True)
    beats /= np.maximum(np.linalg.norm(beats, axis=1, keepdims=True), 1e-12)
    template = np.median(beats, axis=0)
    template /= max(float(np.linalg.norm(template)), 1e-12)
    result[whole] = np.clip(beats @ template, 0.0, 1.0)
    return result
