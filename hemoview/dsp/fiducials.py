"""The points of a pulse that a researcher measures from: foot, steepest upstroke, systolic peak and, where the wave
shows one, the dicrotic notch. The same for a pulse wave and for a pressure wave.

Slopes are those of a cubic fitted to 0.14 s around each sample (Savitzky & Golay 1964): they reach 0.07 s to either
side and no further, so a point is the same in a window, in a stretch and in a whole day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.abp_beats import PressureBeat
from hemoview.dsp.ppg_beats import PulseBeat

Floats = NDArray[np.float64]

_FIT_S = 0.14
"""Width of the fitted cubic: 9 samples of a wristband, 15 of a 100 Hz pressure wave; a notch is 0.1 s wide or more."""
_PEAK_S = 0.40
"""A pressure's peak is looked for this long after its onset."""
_NOTCH_S = (0.05, 0.55)
"""The notch is looked for in this time after the peak, and never past the next foot."""
_LEAST_SLOWING = 0.03
"""What the fall must slow down by and then quicken again to count as a notch, as a part of the steepest upstroke. An
even run-off slows all the way and never quickens."""


@dataclass(frozen=True, slots=True)
class Fiducials:
    """Positions in samples, a fraction is meant.

    Args:
        foot: lowest point before the beat; the onset of a pressure beat.
        upstroke: steepest point of the rise.
        peak: highest point of systole.
        notch: lowest point between systole and the dicrotic wave or, where the fall only slows, its sharpest bend;
            None where the wave falls without either.
    """

    foot: float
    upstroke: float
    peak: float
    notch: float | None


def pulse_fiducials(
    samples: NDArray[np.floating], rate_hz: float, beats: Sequence[PulseBeat]
) -> list[Fiducials]:
    """Fiducials of each beat, in order.

    Args:
        samples: ``(n_samples,)`` of one run, finite, upright.
        rate_hz: their rate, 40 Hz or more.
        beats: found in these samples, positions counted from the first of them.
    """
    slope, bend = derivatives(samples, rate_hz)
    found = []
    ends = [*(round(after.foot) for after in beats[1:]), len(slope)]
    for beat, end in zip(beats, ends, strict=False):
        notch = _notch((slope, bend), round(beat.upstroke), round(beat.peak), end, rate_hz)
        found.append(Fiducials(beat.foot, beat.upstroke, beat.peak, notch))
    return found


def pressure_fiducials(
    samples: NDArray[np.floating], rate_hz: float, beats: Sequence[PressureBeat]
) -> list[Fiducials]:
    """Fiducials of each pressure beat, in order; arguments as :func:`pulse_fiducials`."""
    x = np.asarray(samples, dtype=np.float64)
    slope, bend = derivatives(x, rate_hz)
    found = []
    for beat in beats:
        onset, end = round(beat.onset), min(round(beat.end), len(x))
        stop = min(end, onset + round(_PEAK_S * rate_hz))
        if stop - onset < 3:
            continue
        peak = onset + int(np.argmax(x[onset:stop]))
        rise = onset + int(np.argmax(slope[onset : max(peak, onset + 1)]))
        notch = _notch((slope, bend), rise, peak, end, rate_hz)
        found.append(Fiducials(beat.onset, _top(slope, rise), float(peak), notch))
    return found


def in_seconds(fiducials: Sequence[Fiducials], rate_hz: float) -> Floats:
    """``(n_beats, 4)``: foot, upstroke, peak, notch in s from sample 0; NaN where there is no notch."""
    rows = [astuple(f) for f in fiducials]
    return np.array(rows, dtype=np.float64).reshape(-1, 4) / rate_hz


def derivatives(samples: NDArray[np.floating], rate_hz: float) -> tuple[Floats, Floats]:
    """First and second derivative per sample, ``(n_samples,)`` each; the ends repeat the last value known."""
    x = np.asarray(samples, dtype=np.float64)
    half = max(2, round(_FIT_S * rate_hz / 2))
    padded = np.pad(x, half, mode="edge")
    first, second = _fit(half)
    return np.convolve(padded, first[::-1], "valid"), np.convolve(padded, second[::-1], "valid")


@lru_cache(maxsize=16)
def _fit(half: int) -> tuple[Floats, Floats]:
    """Weights of slope and bend of a least-squares cubic over ``2 · half + 1`` samples."""
    k = np.arange(-half, half + 1, dtype=np.float64)
    weights = np.linalg.pinv(np.vander(k, 4, increasing=True))
    return weights[1], 2 * weights[2]


def _notch(curve: tuple[Floats, Floats], rise: int, peak: int, end: int, rate_hz: float) -> float | None:
    """Where the fall after ``peak`` is held up before it goes on; ``curve`` is slope and bend."""
    slope, bend = curve
    first = peak + round(_NOTCH_S[0] * rate_hz)
    stop = min(end, peak + round(_NOTCH_S[1] * rate_hz), len(slope))
    part = slope[peak:stop]
    inner = np.arange(first - peak, len(part) - 1)
    if inner.size == 0 or slope[rise] <= 0:
        return None
    crest = inner[(part[inner] >= part[inner - 1]) & (part[inner] > part[inner + 1])]
    if crest.size == 0:
        return None
    before = np.minimum.accumulate(part)[crest]
    after = np.minimum.accumulate(part[::-1])[::-1][crest]
    slowing = part[crest] - np.maximum(before, after)
    best = int(np.argmax(slowing))
    if slowing[best] < _LEAST_SLOWING * slope[rise]:
        return None
    held = peak + int(crest[best])
    steepest = peak + int(np.argmin(part[: crest[best] + 1]))
    rising = np.flatnonzero(slope[steepest : held + 1] > 0)
    if rising.size and rising[0] > 0:
        at = steepest + int(rising[0])
        return at - float(slope[at] / (slope[at] - slope[at - 1]))
    return _top(bend, steepest + int(np.argmax(bend[steepest : held + 1])))


def _top(x: Floats, at: int) -> float:
    """Top of the parabola through a maximum and its neighbours."""
    if not 0 < at < len(x) - 1:
        return float(at)
    left, middle, right = (float(v) for v in x[at - 1 : at + 2])
    curve = left - 2 * middle + right
    return at + (float(np.clip(0.5 * (left - right) / curve, -0.5, 0.5)) if curve < 0 else 0.0)
