"""One shift, looked at beat by beat: a robust line from the reference's beats to the pulse's, and what speaks for it.

**Evidence** of a beat: it lies in an interval of the other device and has a distance r to the nearest beat there. Were
the shift wrong, r would be anywhere in the interval of length T; were it right, r would be noise of deviation σ, but
for a part ε of beats that say nothing. Its evidence is ln[((1 − ε)·N(r; σ) + ε/T)·T] nats, about +2 for a match and
ln ε for a miss; σ and ε are those of a few choices that suit the whole best. Both directions count half each, so that
missed and extra beats of either device count alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.beat_train import BeatTrain
from hemoview.dsp.time_map import PPM

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

NOISE_S: Final = (0.004, 0.007, 0.012, 0.020, 0.032)
"""Deviations of the detectors' noise that are tried; 32 ms is a moving wrist."""
MISSED: Final = (0.04, 0.12, 0.3)
"""Parts of beats that say nothing that are tried."""
DRIFT_PRIOR_PPM: Final = 100.0
"""Deviation of what crystals differ by (methods §E.1); keeps the slope of short stretches sane."""
MOST_DRIFT_PPM: Final = 300.0
SEARCH_S: Final = 0.45
"""A shift of the tachogram is good to this much, or to half a beat where that is less."""
KERNEL_S: Final = 0.04
TOLERANCES_S: Final = (0.16, 0.12, 0.09)
"""Matches that the line is fitted to, shrinking; then :data:`LEAST_TOLERANCE_S` or four deviations."""
LEAST_TOLERANCE_S: Final = 0.06
KEEP_NATS: Final = 0.35
"""A stretch ends where its beats stay below this: enough for chance to fit nothing for long."""
_MANY: Final = 1 << 20
TUKEY: Final = 4.685
"""Residuals of so many deviations count nothing: 95 % as good as least squares were the noise normal."""


@dataclass(frozen=True, slots=True)
class Line:
    """Pulse time of a reference time: ``t + offset_s + drift·(t − at_s)``."""

    at_s: float
    offset_s: float
    drift: float

    def pulse(self, t_ref_s: Array) -> Array:
        """Pulse times of reference times."""
        return np.asarray(t_ref_s + self.offset_s + self.drift * (t_ref_s - self.at_s))

    def reference(self, t_pulse_s: float) -> float:
        """Inverse of :meth:`pulse`."""
        return self.at_s + (t_pulse_s - self.at_s - self.offset_s) / (1.0 + self.drift)

    def lag_at(self, t_ref_s: float) -> float:
        """Pulse time − reference time."""
        return self.offset_s + self.drift * (t_ref_s - self.at_s)


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Distances to the nearest beat of the other device, of both directions, by reference time.

    Args:
        at_s: ``(n,)`` reference time of each, rising.
        value_s: ``(n,)`` pulse − line.
        period_s: ``(n,)`` the interval of the other device it lies in.
        forward: ``(n,)`` it is of a beat of the reference; else of one of the pulse.
        part: ``(n,)`` number of the part of each device it lies in, together: one time base on both sides.
    """

    at_s: Array
    value_s: Array
    period_s: Array
    forward: Flags
    part: NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many."""
        return int(self.at_s.size)

    def between(self, t0_s: float, t1_s: float) -> Residuals:
        """Those with ``t0_s`` ≤ time ≤ ``t1_s``."""
        a, b = np.searchsorted(self.at_s, t0_s), np.searchsorted(self.at_s, t1_s, side="right")
        return Residuals(
            self.at_s[a:b], self.value_s[a:b], self.period_s[a:b], self.forward[a:b], self.part[a:b]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A shift as a line, and what its beats say.

    Args:
        line: from reference to pulse.
        residuals: wherever both devices have beats.
        nats: ``(n,)`` evidence of each residual, both directions half each.
        t0_s, t1_s: stretch of the reference in which it fits best.
    """

    line: Line
    residuals: Residuals
    nats: Array
    t0_s: float
    t1_s: float

    @property
    def inside(self) -> Flags:
        """``(n,)`` residuals of the stretch."""
        return (self.residuals.at_s >= self.t0_s) & (self.residuals.at_s <= self.t1_s)

    @property
    def total(self) -> float:
        """Nats of the stretch."""
        return float(self.nats[self.inside].sum())

    @property
    def matched_fraction(self) -> float:
        """Part of the reference's beats that have a partner; what the pulse has too many costs evidence."""
        return matched(self.residuals, self.inside)[0]

    @property
    def residual_s(self) -> float:
        """Median absolute distance of the matched beats; NaN without any."""
        return matched(self.residuals, self.inside)[1]

    @property
    def n_matched(self) -> int:
        """Beats of the reference in the stretch that have a partner."""
        return matched(self.residuals, self.inside)[2]


def matched(r: Residuals, inside: Flags | slice = slice(None)) -> tuple[float, float, int]:
    """Part of the reference's beats that have a partner, their median distance (s), their number."""
    off = np.abs(r.value_s[inside][r.forward[inside]])
    near = off <= tolerance_s(off)
    if not near.any():
        return 0.0, float("nan"), 0
    return float(near.mean()), float(np.median(off[near])), int(near.sum())


def tolerance_s(r: Array) -> float:
    """How far a match may be off: four deviations of the near ones, at least :data:`LEAST_TOLERANCE_S`."""
    near = np.abs(r)[np.abs(r) <= TOLERANCES_S[0]]
    spread = 1.4826 * float(np.median(near)) if near.size else 0.0
    return min(max(LEAST_TOLERANCE_S, 4.0 * spread), TOLERANCES_S[0])


def residuals(line: Line, pulse: BeatTrain, reference: BeatTrain) -> Residuals:
    """Of every usable beat that lies in a whole interval of the other device."""
    there = line.pulse(reference.time_s)
    value, period, index = _nearest(there, reference.usable, pulse.time_s, pulse.whole)
    back, back_period, back_index = _nearest(pulse.time_s, pulse.usable, there, reference.whole)
    at = np.concatenate((reference.time_s[index], _at_reference(line, pulse.time_s[back_index])))
    order = np.argsort(at, kind="stable")
    forward = np.arange(at.size) < value.size
    part = np.concatenate(
        (
            _parts(reference.part[index], pulse, there[index]),
            _parts(pulse.part[back_index], reference, at[value.size :], first=False),
        )
    )
    return Residuals(
        at[order],
        np.concatenate((value, -back))[order],
        np.concatenate((period, back_period))[order],
        forward[order],
        part[order],
    )


def _parts(own: NDArray[np.int64], other: BeatTrain, at_s: Array, *, first: bool = True) -> NDArray[np.int64]:
    """One number for (part of the reference, part of the pulse)."""
    theirs = other.part[np.clip(np.searchsorted(other.time_s, at_s), 0, len(other) - 1)]
    reference, pulse = (own, theirs) if first else (theirs, own)
    return np.asarray(reference * _MANY + pulse)


def _at_reference(line: Line, t_pulse_s: Array) -> Array:
    return np.asarray(line.at_s + (t_pulse_s - line.at_s - line.offset_s) / (1.0 + line.drift))


def _nearest(of_s: Array, usable: Flags, to_s: Array, whole: Flags) -> tuple[Array, Array, NDArray[np.int64]]:
    """Distance to the nearest of ``to_s`` (that − this), its interval, and which of ``of_s`` lie in a whole one."""
    if to_s.size < 2:
        empty = np.zeros(0)
        return empty, empty, np.zeros(0, np.int64)
    after = np.searchsorted(to_s, of_s)
    inside = usable & (after > 0) & (after < to_s.size)
    index = np.flatnonzero(inside)
    after = after[index]
    kept = whole[after - 1]
    index, after = index[kept], after[kept]
    to_next, to_last = to_s[after] - of_s[index], of_s[index] - to_s[after - 1]
    return np.where(to_last <= to_next, -to_last, to_next), to_last + to_next, index


def evidence(r: Residuals) -> Array:
    """Nats of each residual, half counted."""
    if not r.size:
        return np.zeros(0)
    best: Array = np.zeros(0)
    top = -np.inf
    log_period = np.log(r.period_s)
    for noise in NOISE_S:
        near = np.exp(-0.5 * (r.value_s / noise) ** 2) / (noise * np.sqrt(2 * np.pi))
        for missed in MISSED:
            nats = np.log((1 - missed) * near + missed / r.period_s) + log_period
            total = float(nats.sum())
            if total > top:
                best, top = nats, total
    return 0.5 * best


def longest_good(nats: Array) -> tuple[int, int]:
    """Index range of consecutive values with the largest sum over :data:`KEEP_NATS` (half counted) each."""
    total = np.concatenate(([0.0], np.cumsum(nats - 0.5 * KEEP_NATS)))
    lowest = np.minimum.accumulate(total)
    stop = int(np.argmax(total - lowest))
    start = int(np.argmin(total[: stop + 1]))
    return start, stop


def _within_a_part(nats: Array, part: NDArray[np.int64]) -> tuple[int, int]:
    """:func:`longest_good` without a border of parts inside: over one, a shift of a beat may fit both sides."""
    borders = (np.flatnonzero(np.diff(part)) + 1).tolist()
    found = (0, 0)
    most = 0.0
    for a, b in pairwise([0, *borders, nats.size]):
        start, stop = longest_good(nats[a:b])
        total = float(nats[a + start : a + stop].sum())
        if total > most:
            found, most = (a + start, a + stop), total
    return found


def near_shift(lag_s: float, pulse: BeatTrain, reference: BeatTrain, reach_s: float = SEARCH_S) -> float:
    """The shift close to ``lag_s`` at which most usable beats fall on each other."""
    to_s, of_s = pulse.time_s[pulse.usable], reference.time_s[reference.usable]
    if to_s.size < 2 or not of_s.size:
        return lag_s
    shifts = lag_s + np.arange(-reach_s, reach_s + 0.01, 0.02)
    wanted = of_s[None, :] + shifts[:, None]
    after = np.clip(np.searchsorted(to_s, wanted), 1, to_s.size - 1)
    off = np.minimum(np.abs(to_s[after] - wanted), np.abs(wanted - to_s[after - 1]))
    return float(shifts[int(np.argmax(np.exp(-0.5 * (off / KERNEL_S) ** 2).sum(axis=1)))])


def fit_near(lag_s: float, pulse: BeatTrain, reference: BeatTrain, drift: float = 0.0) -> Fit | None:
    """The line near a shift, fitted to the stretch it fits best in; None where hardly a beat matches."""
    at_s = float(0.5 * (reference.time_s[0] + reference.time_s[-1]))
    line = Line(at_s, lag_s, drift)
    for tolerance in TOLERANCES_S:
        fitted = fit_line(line, residuals(line, pulse, reference), tolerance)
        if fitted is None:
            return None
        line = fitted
    fit = judged(line, pulse, reference)
    for _ in range(3):
        part = fit.residuals.between(fit.t0_s, fit.t1_s)
        fitted = fit_line(fit.line, part, tolerance_s(part.value_s))
        if fitted is None:
            return None
        fit = judged(fitted, pulse, reference)
    return fit


def judged(line: Line, pulse: BeatTrain, reference: BeatTrain) -> Fit:
    """A line with its evidence and its best stretch."""
    r = residuals(line, pulse, reference)
    nats = evidence(r)
    start, stop = _within_a_part(nats, r.part)
    if stop <= start:
        return Fit(line, r, nats, line.at_s, line.at_s)
    return Fit(line, r, nats, float(r.at_s[start]), float(r.at_s[stop - 1]))


def fit_line(
    line: Line, r: Residuals, tolerance: float, *, usual: float = 0.0, spread_ppm: float = DRIFT_PRIOR_PPM
) -> Line | None:
    """IRLS (Tukey) on residuals within a tolerance; None with fewer than 12 of them.

    Args:
        line: what the residuals are from.
        r: residuals.
        tolerance: s.
        usual, spread_ppm: the slope leans on this drift, by as much as crystals spread about it.
    """
    near = np.abs(r.value_s) <= tolerance
    if near.sum() < 12:
        return None
    at_s = float(r.at_s[near].mean())
    t, y = r.at_s[near] - at_s, r.value_s[near] + line.drift * (r.at_s[near] - at_s)
    base = line.lag_at(at_s)
    offset, slope = float(np.median(y)), line.drift
    for _ in range(12):
        off = y - offset - slope * t
        spread = max(1.4826 * float(np.median(np.abs(off))), 1e-4)
        w = np.clip(1.0 - (off / (TUKEY * spread)) ** 2, 0.0, None) ** 2
        # each pair counts twice, once a direction
        prior = 2.0 * (spread / (spread_ppm * PPM)) ** 2
        sw, st, sy = w.sum(), (w * t).sum(), (w * y).sum()
        stt, sty = (w * t * t).sum() + prior, (w * t * y).sum() + prior * usual
        bend = sw * stt - st * st
        if sw <= 0 or bend <= 0:
            return None
        was = (offset, slope)
        slope = float((sw * sty - st * sy) / bend)
        offset = float((sy - slope * st) / sw)
        if abs(offset - was[0]) < 1e-7 and abs(slope - was[1]) < 1e-10:
            break
    return Line(at_s, base + offset, slope)
