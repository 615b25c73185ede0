"""Beats of an arterial pressure wave: systolic, diastolic and the mean integrated over the beat.

A beat runs from onset to onset. Calibration squares, flat lines, clipped tops and beats no artery makes are left
out, never repaired. The wave may be in volts: every shape rule is relative; :func:`in_mmhg` applies a calibration
and the absolute rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.filters import band_pass, low_pass
from hemoview.dsp.resample import resample

DETECTOR = "abp-onset-integral"
VERSION = "1"
REFRACTORY_S = 0.27

WORK_HZ = 100.0
"""Faster waves are brought to this first: enough for a pressure pulse (nothing above 20 Hz)."""

_SLOWEST_S, _FASTEST_S = 2.2, 0.27
_TOP_DWELL, _BOTTOM_DWELL = 0.20, 0.45
"""Largest part of a beat within 5 % of its top, of its bottom: 0.04 and 0.18 in arteries (99 %: 0.11 and, after the
pauses of atrial fibrillation, 0.49); a calibration square has half a beat of each."""
_LEAST_ABOVE_NOISE = 15.0
"""Pulse over the deviation of what the 16 Hz low-pass removed: 30 and more in arteries, 7 in a dead line's noise."""
_CLIPPED_DWELL = 0.12
"""Part of a beat exactly at its highest value: a few samples in an artery, a plateau when the ADC is full."""
_FORM_FACTOR = (0.15, 0.62)
"""(mean − diastolic) / pulse pressure: 0.33 to 0.42 in arteries; outside this it is no pressure pulse."""
_QUICKEST_RISE_S = 0.03
"""10 to 90 % of the upstroke takes an artery 50 ms or more."""

_GRID = np.linspace(0, 1, 50)

SBP_MMHG, DBP_MMHG, LEAST_PULSE_MMHG = (40.0, 300.0), (15.0, 200.0), 10.0
"""Absolute limits once calibrated (labels of methods §E are narrower)."""


@dataclass(frozen=True, slots=True)
class PressureBeat:
    """One beat; positions in samples of the stream, pressures in the stream's unit.

    Args:
        onset: foot of the beat, its time.
        end: foot of the next beat.
        sbp, map, dbp: highest, integrated mean, lowest at the onset.
        hr_per_min: from onset to onset.
        quality: 0 to 1, correlation with the beats around it.
    """

    onset: float
    end: float
    sbp: float
    map: float
    dbp: float
    hr_per_min: float
    quality: float

    @property
    def position(self) -> float:
        """The beat's time."""
        return self.onset

    def shifted(self, by: int) -> PressureBeat:
        """The same beat, ``by`` samples later."""
        return replace(self, onset=self.onset + by, end=self.end + by)


def find_abp_beats(samples: NDArray[np.floating], rate_hz: float) -> list[PressureBeat]:
    """Whole, plausible beats of a stretch of about 2 to 15 s without a hole, in order.

    Args:
        samples: ``(n_samples,)``, finite, upright.
        rate_hz: 40 Hz or more.
    """
    if len(samples) < 2 * rate_hz or not np.ptp(samples) > 0:
        return []
    work_hz = min(rate_hz, WORK_HZ)
    raw = resample(samples, rate_hz, work_hz)
    wave = low_pass(raw, work_hz, 16.0)
    onsets = _onsets(wave, work_hz)
    scale = rate_hz / work_hz
    beats = []
    for start, stop in pairwise(onsets):
        beat = _beat(raw, wave, start, stop, work_hz)
        if beat is not None:
            same = scale == 1.0
            beats.append(beat if same else replace(beat, onset=beat.onset * scale, end=beat.end * scale))
    return _with_quality(beats, wave, scale)


def in_mmhg(beat: PressureBeat, gain_mmhg_per_unit: float, offset_mmhg: float) -> PressureBeat | None:
    """The beat in mmHg, or None where no artery has such pressures."""
    sbp, mean, dbp = (gain_mmhg_per_unit * p + offset_mmhg for p in (beat.sbp, beat.map, beat.dbp))
    plausible = (
        SBP_MMHG[0] <= sbp <= SBP_MMHG[1]
        and DBP_MMHG[0] <= dbp <= DBP_MMHG[1]
        and sbp - dbp >= LEAST_PULSE_MMHG
    )
    return replace(beat, sbp=sbp, map=mean, dbp=dbp) if plausible else None


def _onsets(wave: NDArray[np.float64], rate_hz: float) -> list[int]:
    """Feet: the lowest point before each steep rise; rises by slope sum (Zong 2003) over 120 ms."""
    rising = np.maximum(np.diff(band_pass(wave, rate_hz, 0.5, 16.0)), 0.0)
    width = max(2, round(0.12 * rate_hz))
    slope_sum = np.convolve(rising, np.ones(width), mode="full")[: len(rising)]
    threshold = 0.5 * _typical_top(slope_sum, rate_hz)
    above = slope_sum > threshold
    starts = np.flatnonzero(above[1:] & ~above[:-1]) + 1
    feet: list[int] = []
    for start in starts.tolist():
        earliest = feet[-1] + round(_FASTEST_S * rate_hz) if feet else 0
        low = max(earliest, start - round(0.25 * rate_hz))
        if low >= start:
            continue
        feet.append(low + int(np.argmin(wave[low : start + 1])))
    return feet


def _typical_top(x: NDArray[np.float64], rate_hz: float) -> float:
    """Median of the highest values of each second: one beat or more lies in most."""
    step = round(rate_hz)
    tops = [float(x[i : i + step].max()) for i in range(0, max(1, len(x) - step // 2), step)]
    return float(np.median(tops))


def _beat(
    raw: NDArray[np.float64], wave: NDArray[np.float64], start: int, stop: int, rate_hz: float
) -> PressureBeat | None:
    """The beat between two feet, or None if its shape or length is no artery's."""
    seconds = (stop - start) / rate_hz
    if not _FASTEST_S <= seconds <= _SLOWEST_S:
        return None
    part = wave[start:stop]
    top, bottom = float(part.max()), float(part[0])
    pulse = top - bottom
    if pulse <= 0 or abs(float(wave[stop]) - bottom) > 0.5 * pulse:
        return None
    relative = (part - bottom) / pulse
    whole = raw[start:stop]
    top_dwell, bottom_dwell = _part(relative > 0.95), _part(relative < 0.05)
    rest = whole - part
    rest -= rest.sum() / rest.size
    noise = float(np.sqrt((rest * rest).sum() / rest.size))
    clipped = _part(whole >= whole.max() - 1e-9 * max(1.0, abs(top)))
    rise_s = float(np.argmax(relative > 0.9) - np.argmax(relative > 0.1)) / rate_hz
    form = float(relative.sum() / relative.size)
    if (
        top_dwell > _TOP_DWELL
        or bottom_dwell > _BOTTOM_DWELL
        or pulse < _LEAST_ABOVE_NOISE * noise
        or clipped > _CLIPPED_DWELL
        or rise_s < _QUICKEST_RISE_S
        or not _FORM_FACTOR[0] <= form <= _FORM_FACTOR[1]
    ):
        return None
    mean = float(whole.sum() / whole.size)
    return PressureBeat(float(start), float(stop), top, mean, bottom, 60.0 / seconds, 1.0)


def _part(chosen: NDArray[np.bool_]) -> float:
    return np.count_nonzero(chosen) / chosen.size


def _with_quality(beats: list[PressureBeat], wave: NDArray[np.float64], scale: float) -> list[PressureBeat]:
    """Each beat's correlation with the median beat, both stretched to 50 points."""
    if len(beats) < 3:
        return [replace(beat, quality=0.5) for beat in beats]
    grid, places = _GRID, np.arange(len(wave))
    shapes = np.array(
        [np.interp(b.onset / scale + grid * (b.end - b.onset) / scale, places, wave) for b in beats]
    )
    shapes -= shapes.mean(axis=1, keepdims=True)
    shapes /= np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 1e-12)
    middle = np.median(shapes, axis=0)
    r = shapes @ (middle / max(float(np.linalg.norm(middle)), 1e-12))
    return [replace(beat, quality=float(np.clip(q, 0, 1))) for beat, q in zip(beats, r, strict=True)]
