"""Is this window of pulse wave good enough to say anything? Hard rules first, then one number from 0 to 1.

A rhythm that is irregular by nature (atrial fibrillation) fails every rule about even beats. It is told from motion by
what stays true of it: the arm is still, each beat has the shape of a beat, and two different detectors agree on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.filters import band_pass
from hemoview.dsp.ppg_beats import FAINT_RISE, PulseBeat, find_ppg_beats

Fault = Literal["poor-contact", "clipped", "motion", "too-few-beats", "poor-signal"]
Rhythm = Literal["regular", "irregular"]

LONGEST_FLAT_S = 0.5
CLIPPED_PART = 0.05
"""Largest part of a window that may sit at its own extreme in runs of three or more."""
FAINTEST = 1e-5
"""A pulse smaller than this part of the samples themselves is rounding, not blood."""
MOTION_G, MUCH_MOTION_G = 0.04, 0.15
"""RMS acceleration 0.5–10 Hz: above the first a broken rule is put down to motion, above the second nothing is
believed (decision 0009 has how they were chosen)."""
HR_PER_MIN = (40.0, 180.0)
LONGEST_RR_S = 3.0
RR_RATIO = 2.2
TEMPLATE_R = 0.86
"""Orphanidou 2015 for a PPG: rate 40–180/min, no interval above 3 s, longest/shortest ≤ 2.2, mean template r ≥ 0.86."""
IRREGULAR_TEMPLATE_R = 0.80
"""The same where the rhythm is irregular: fillings differ, so beats do, but they stay beats."""
IRREGULAR_CV = 0.12
"""Deviation over mean of the beat intervals that breathing alone does not reach at rest."""
EDGE_R = 0.5
"""Least correlation with the median beat of the first and the last beat that bound an interval."""
AGREEMENT = 0.80
"""Least share of beats on which both detectors agree."""
LEAST_BEATS = 5
MATCH_S = 0.15


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured on a window.

    Args:
        n_beats: beats in it.
        amplitude: their median amplitude, in the stream's unit.
        intervals_s: between those of them that are whole, see :func:`whole_beats`.
        flat_s: longest stretch without any change.
        clipped_part: part of the samples at an extreme.
        template_r: mean correlation of the beats with their template.
        agreement: share of beats both detectors found.
        motion_g: RMS acceleration, None without an accelerometer.
        faint_intervals_s: as ``intervals_s`` with every pulse that left any trace; only looked for where the
            intervals are uneven, else empty.
    """

    n_beats: int
    amplitude: float
    intervals_s: tuple[float, ...]
    flat_s: float
    clipped_part: float
    template_r: float
    agreement: float
    motion_g: float | None
    faint_intervals_s: tuple[float, ...] = ()

    @property
    def hr_per_min(self) -> float | None:
        """60 over the mean interval; None without an interval."""
        return 60.0 / float(np.mean(self.intervals_s)) if self.intervals_s else None

    @property
    def interval_cv(self) -> float:
        """Deviation over mean of the intervals."""
        return variation(self.intervals_s)


@dataclass(frozen=True, slots=True)
class Quality:
    """The judgement: ``sqi`` 0 to 1 (0 with a fault), the first ``fault`` if any, and the rhythm, which is a finding
    and never a fault.
    """

    sqi: float
    fault: Fault | None
    rhythm: Rhythm
    findings: Findings


def assess(
    samples: NDArray[np.floating],
    rate_hz: float,
    beats: Sequence[PulseBeat],
    *,
    motion_g: float | None = None,
    least_amplitude: float = 0.0,
) -> Quality:
    """Judge a window.

    Args:
        samples: ``(n_samples,)``, 5 to 10 s, finite.
        rate_hz: their rate.
        beats: those of this window, positions counted from its first sample.
        motion_g: from :func:`motion_rms_g`; None = not known.
        least_amplitude: below this a sensor of this kind is not on skin, in the stream's unit.
    """
    found = measure(samples, rate_hz, beats, motion_g)
    rhythm = rhythm_of(found)
    faintest = FAINTEST * float(np.abs(samples).max())
    fault = fault_of(found, rhythm, max(least_amplitude, faintest))
    return Quality(0.0 if fault else found.template_r * found.agreement, fault, rhythm, found)


def measure(
    samples: NDArray[np.floating], rate_hz: float, beats: Sequence[PulseBeat], motion_g: float | None
) -> Findings:
    """Every figure the rules need; arguments as :func:`assess`."""
    upstrokes = np.array([b.upstroke for b in beats])
    whole = np.array([b.upstroke for b in whole_beats(beats)])
    intervals_s = tuple((np.diff(whole) / rate_hz).tolist())
    uneven = variation(intervals_s) > IRREGULAR_CV
    shapes = [b.quality for b in beats if b.quality > 0]
    return Findings(
        n_beats=len(beats),
        amplitude=float(np.median([b.amplitude for b in beats])) if beats else 0.0,
        intervals_s=intervals_s,
        flat_s=longest_run(np.diff(samples) == 0) / rate_hz,
        clipped_part=clipped_part(samples),
        template_r=float(np.mean(shapes)) if shapes else 0.0,
        agreement=agreement(upstrokes, energy_beats(samples, rate_hz), rate_hz),
        motion_g=motion_g,
        faint_intervals_s=_faint_intervals_s(samples, rate_hz, whole) if uneven else (),
    )


def variation(intervals_s: Sequence[float]) -> float:
    """Deviation over mean; 0 without an interval."""
    return float(np.std(intervals_s) / np.mean(intervals_s)) if intervals_s else 0.0


def _faint_intervals_s(
    samples: NDArray[np.floating], rate_hz: float, whole: NDArray[np.float64]
) -> tuple[float, ...]:
    """Intervals between all pulses, weak ones too, from the first to the last whole beat."""
    slack = MATCH_S * rate_hz
    found = [b.upstroke for b in find_ppg_beats(samples, rate_hz, least_rise=FAINT_RISE)]
    inside = [u for u in found if whole[0] - slack <= u <= whole[-1] + slack]
    return tuple((np.diff(inside) / rate_hz).tolist())


def whole_beats(beats: Sequence[PulseBeat]) -> Sequence[PulseBeat]:
    """The beats from the first to the last whose shape is that of the others. A window cuts a beat at either end, and
    what is left of it may look like a beat: its notch does. Leaving one out there costs an interval and no accuracy.
    """
    alike = [i for i, beat in enumerate(beats) if beat.quality >= EDGE_R]
    return beats[alike[0] : alike[-1] + 1] if alike else beats[:0]


def rhythm_of(found: Findings) -> Rhythm:
    """Irregular: uneven intervals that motion does not explain, between beats two detectors agree on."""
    still = found.motion_g is None or found.motion_g <= MOTION_G
    uneven = found.interval_cv > IRREGULAR_CV and found.n_beats >= LEAST_BEATS
    beats_hold = found.template_r >= IRREGULAR_TEMPLATE_R and found.agreement >= AGREEMENT
    return "irregular" if uneven and still and beats_hold else "regular"


def fault_of(found: Findings, rhythm: Rhythm, least_amplitude: float = 0.0) -> Fault | None:
    """The first rule broken, in the order an operator would act on them."""
    if found.flat_s > LONGEST_FLAT_S or found.amplitude <= least_amplitude:
        return "poor-contact"
    if found.clipped_part > CLIPPED_PART:
        return "clipped"
    if found.motion_g is not None and found.motion_g > MUCH_MOTION_G:
        return "motion"
    if _beats_hold(found, rhythm):
        return None
    if found.motion_g is not None and found.motion_g > MOTION_G:
        return "motion"
    return "too-few-beats" if found.n_beats < LEAST_BEATS else "poor-signal"


def _beats_hold(found: Findings, rhythm: Rhythm) -> bool:
    if found.n_beats < LEAST_BEATS or found.agreement < AGREEMENT or found.hr_per_min is None:
        return False
    shortest, longest = min(found.intervals_s), max(found.intervals_s)
    if longest > LONGEST_RR_S or not HR_PER_MIN[0] <= found.hr_per_min <= HR_PER_MIN[1]:
        return False
    if rhythm == "irregular":
        return found.template_r >= IRREGULAR_TEMPLATE_R
    return found.template_r >= TEMPLATE_R and longest <= RR_RATIO * shortest


def motion_rms_g(acceleration_g: NDArray[np.floating], rate_hz: float) -> float:
    """RMS length of the acceleration vector ``(n, 3)`` in g, 0.5 to 10 Hz: gravity and its slow turns left out."""
    high_hz = min(10.0, 0.45 * rate_hz)
    moving = band_pass(np.asarray(acceleration_g, dtype=np.float64).T, rate_hz, 0.5, high_hz)
    return float(np.sqrt((moving**2).sum(axis=0).mean()))


def longest_run(true: NDArray[np.bool_]) -> int:
    """Length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], true, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0


def clipped_part(samples: NDArray[np.floating]) -> float:
    """Part of ``(n,)`` samples at the window's highest or lowest value, in runs of three or more."""
    total = 0
    for extreme in (samples.max(), samples.min()):
        at = samples == extreme
        inside = at[:-2] & at[1:-1] & at[2:]
        total += int(np.count_nonzero(np.convolve(inside, np.ones(3))))
    return total / len(samples)


def energy_beats(samples: NDArray[np.floating], rate_hz: float) -> NDArray[np.float64]:
    """The second opinion, of another kind (Elgendi 2013): upstrokes as blocks where the rectified, squared wave is
    above its own average over a beat. Positions in samples.
    """
    wave = band_pass(samples, rate_hz)
    rising = np.maximum(np.gradient(wave), 0.0) ** 2
    short, long = _moving_mean(rising, round(0.111 * rate_hz)), _moving_mean(rising, round(0.667 * rate_hz))
    inside = short > long + 0.02 * rising.mean()
    edges = np.flatnonzero(np.diff(np.concatenate(([False], inside, [False])).astype(np.int8)))
    blocks = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 0.08 * rate_hz]
    heights = np.array([short[a:b].max() for a, b in blocks])
    if not blocks:
        return np.empty(0)
    strong = heights >= 0.12 * np.median(np.sort(heights)[len(heights) // 2 :])
    return np.array(
        [a + float(np.argmax(rising[a:b])) for (a, b), keep in zip(blocks, strong, strict=True) if keep]
    )


def agreement(one: NDArray[np.float64], other: NDArray[np.float64], rate_hz: float) -> float:
    """Matched beats over all beats (F1), 0 to 1; a match is within 150 ms."""
    if one.size == 0 or other.size == 0:
        return 0.0
    nearest = np.abs(one[:, None] - other).min(axis=1)
    matched = min(int((nearest <= MATCH_S * rate_hz).sum()), other.size)
    return 2.0 * matched / (one.size + other.size)


def _moving_mean(x: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    half = max(1, width // 2)
    total = np.concatenate(([0.0], np.cumsum(x)))
    index = np.arange(len(x))
    low, high = np.maximum(index - half, 0), np.minimum(index + half + 1, len(x))
    return np.asarray((total[high] - total[low]) / (high - low))
