"""At which shifts could two devices have felt the same heart? Candidates over every shift that lets them overlap.

Two views of the same beats, each over all shifts at once by FFT, so whole- and half-hour errors of zones and repeated
hours need no list of their own:

* the **tachogram**: interval lengths at 4 Hz, without their 30-s mean; says something where the rhythm breathes
* the **beats** themselves at 50 Hz: how many of one fall on one of the other; says something where it is irregular

Means at the ends are over what is there: a mean padded with zeros makes a step at both ends of both recordings that
outweighs the rhythm, and the best shift is then always the one that lays the ends on each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.beat_train import BeatTrain

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

TACHOGRAM_HZ: Final = 4.0
BEATS_HZ: Final = 50.0
MEAN_S: Final = 30.0
LARGEST_LOG: Final = 0.3
"""Interval lengths further than this (natural log) from their mean are cut off: a missed beat is ln 2."""
NEAR_S: Final = 0.04
"""Deviation of the kernel of the beats: 100 ppm over a quarter of an hour are ±45 ms."""
LEAST_OVERLAP_S: Final = 90.0
APART_S: Final = 1.5
"""Maxima closer than this are one."""


@dataclass(frozen=True, slots=True, eq=False)
class Landscape:
    """How well each shift fits.

    Args:
        lag_s: ``(m,)`` shifts: pulse time − reference time.
        score: ``(m,)`` in deviations from what chance gives; −∞ where there is too little overlap.
    """

    lag_s: Array
    score: Array

    def maxima(self, n: int) -> list[float]:
        """The ``n`` highest shifts, :data:`APART_S` apart."""
        step_s = float(self.lag_s[1] - self.lag_s[0]) if self.lag_s.size > 1 else 1.0
        apart = max(1, round(APART_S / step_s))
        score = self.score.copy()
        found: list[float] = []
        while len(found) < n and score.size:
            at = int(np.argmax(score))
            if not np.isfinite(score[at]):
                break
            found.append(float(self.lag_s[at]))
            score[max(0, at - apart) : at + apart + 1] = -np.inf
        return found


def tachogram(beats: BeatTrain, begin_s: float, n: int) -> tuple[Array, Flags]:
    """ln of the interval lengths over their local mean, and where there are any.

    Args:
        beats: at least one.
        begin_s: of the grid, s.
        n: grid points at :data:`TACHOGRAM_HZ`.
    """
    grid_s = begin_s + np.arange(n) / TACHOGRAM_HZ
    after = np.searchsorted(beats.time_s, grid_s, side="right")
    inside = (after > 0) & (after < len(beats))
    index = np.clip(after, 1, max(len(beats) - 1, 1)) - 1
    known = inside & beats.whole[index] if len(beats) > 1 else np.zeros(n, np.bool_)
    length = np.where(known, np.log(np.diff(beats.time_s)[index]) if len(beats) > 1 else 0.0, 0.0)
    fast = np.clip(without_slow_mean(length, known), -LARGEST_LOG, LARGEST_LOG)
    return np.where(known, fast, 0.0), known


def without_slow_mean(x: Array, known: Flags) -> Array:
    """``x`` minus its mean over :data:`MEAN_S`, over what is known: fewer points at the ends, never zeros."""
    width = round(MEAN_S * TACHOGRAM_HZ) | 1
    total, count = (_moving_sum(v, width) for v in (np.where(known, x, 0.0), known.astype(np.float64)))
    return np.asarray(np.where(known, x - total / np.maximum(count, 1.0), 0.0))


def _moving_sum(x: Array, width: int) -> Array:
    summed = np.concatenate(([0.0], np.cumsum(x)))
    at = np.arange(x.size)
    low, high = np.maximum(at - width // 2, 0), np.minimum(at + width // 2 + 1, x.size)
    return np.asarray(summed[high] - summed[low])


def by_tachogram(pulse: BeatTrain, reference: BeatTrain) -> Landscape:
    """Normalised correlation of both tachograms where both are known, in deviations."""
    first, second, n_first, n_second = _grids(pulse, reference, TACHOGRAM_HZ)
    (x, mx), (y, my) = tachogram(pulse, first, n_first), tachogram(reference, second, n_second)
    one, other = mx.astype(np.float64), my.astype(np.float64)
    cross = _Correlations(n_first, n_second)
    n = cross.of(one, other)
    some = np.maximum(n, 1.0)
    sx, sy = cross.of(x, other), cross.of(one, y)
    vx = np.maximum(cross.of(x * x, other) - sx * sx / some, 1e-9)
    vy = np.maximum(cross.of(one, y * y) - sy * sy / some, 1e-9)
    r = (cross.of(x, y) - sx * sy / some) / np.sqrt(vx * vy)
    independent = np.maximum(some / (TACHOGRAM_HZ * 2.0), 4.0)  # a breath or two beats are one draw
    score = np.arctanh(np.clip(r, -0.999, 0.999)) * np.sqrt(independent - 3.0)
    enough = n >= LEAST_OVERLAP_S * TACHOGRAM_HZ
    return Landscape(cross.lags / TACHOGRAM_HZ + first - second, np.where(enough, score, -np.inf))


def by_beats(pulse: BeatTrain, reference: BeatTrain) -> Landscape:
    """Beats of the reference that fall on one of the pulse, against as many at random."""
    first, second, n_first, n_second = _grids(pulse, reference, BEATS_HZ)
    one, covered = _impulses(pulse, first, n_first)
    other, _ = _impulses(reference, second, n_second)
    reach = round(4 * NEAR_S * BEATS_HZ)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (NEAR_S * BEATS_HZ)) ** 2)
    near = np.minimum(np.convolve(one, kernel, "same"), 1.0) * covered
    cross = _Correlations(n_first, n_second)
    n = cross.of(covered, other)
    hits = cross.of(near, other)
    some = np.maximum(n, 1.0)
    chance = float(near.sum() / max(covered.sum(), 1.0))
    spread = float(np.sqrt(max((near * near).sum() / max(covered.sum(), 1.0) - chance**2, 1e-6)))
    score = (hits - some * chance) / (spread * np.sqrt(some))
    rate = max(float(other.sum()) / max(reference.usable_s, 1.0), 0.3)
    enough = n >= LEAST_OVERLAP_S * rate
    return Landscape(cross.lags / BEATS_HZ + first - second, np.where(enough, score, -np.inf))


def _impulses(beats: BeatTrain, begin_s: float, n: int) -> tuple[Array, Array]:
    """1 at each usable beat; and 1 wherever there is a whole interval."""
    at = np.clip(np.rint((beats.time_s[beats.usable] - begin_s) * BEATS_HZ).astype(np.int64), 0, n - 1)
    hits = np.zeros(n)
    hits[at] = 1.0
    edges = np.zeros(n + 1)
    whole = np.flatnonzero(beats.whole)
    start = np.clip(np.rint((beats.time_s[whole] - begin_s) * BEATS_HZ).astype(np.int64), 0, n)
    stop = np.clip(np.rint((beats.time_s[whole + 1] - begin_s) * BEATS_HZ).astype(np.int64), 0, n)
    np.add.at(edges, start, 1.0)
    np.add.at(edges, stop, -1.0)
    return hits, (np.cumsum(edges)[:n] > 0).astype(np.float64)


def _grids(pulse: BeatTrain, reference: BeatTrain, rate_hz: float) -> tuple[float, float, int, int]:
    first, second = float(pulse.time_s[0]), float(reference.time_s[0])
    n_first = int((pulse.time_s[-1] - first) * rate_hz) + 2
    n_second = int((reference.time_s[-1] - second) * rate_hz) + 2
    return first, second, n_first, n_second


class _Correlations:
    """Σ a[k + lag]·b[k] at every lag for arrays of two fixed lengths; spectra of the same array are made once."""

    def __init__(self, n_first: int, n_second: int) -> None:
        self.lags: Array = np.arange(-(n_second - 1), n_first, dtype=np.float64)
        self._length = 1 << int(n_first + n_second - 1).bit_length()
        self._n_second = n_second
        self._known: dict[int, tuple[Array, NDArray[np.complex128]]] = {}

    def of(self, a: Array, b: Array) -> Array:
        """``(n_first + n_second − 1,)``, for :attr:`lags`."""
        whole = np.fft.irfft(self._spectrum(a) * np.conj(self._spectrum(b)), n=self._length)
        negative = whole[self._length - (self._n_second - 1) :] if self._n_second > 1 else whole[:0]
        return np.concatenate((negative, whole[: self.lags.size - negative.size]))

    def _spectrum(self, x: Array) -> NDArray[np.complex128]:
        if id(x) not in self._known:
            self._known[id(x)] = (x, np.fft.rfft(x, n=self._length))
        return self._known[id(x)][1]
