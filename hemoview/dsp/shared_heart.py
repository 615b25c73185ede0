"""Do two devices feel the same heart? From the times of their beats alone.

**Residuals.** For a lag between the devices, each beat of one has a residual: its distance to the nearest beat of the
other. One heart leaves residuals that stay where they are, but for the noise of two detectors. Two hearts leave
residuals that wander: they are the difference of two counts, and move by the difference of the rates plus what both
hearts do by themselves.

**Two models of the same residuals** r₁…rₙ (a Kalman filter each, beat by beat, so both are proper densities of the
same data and their ratio is a Bayes factor):

* one heart: rₖ = level + noise; the level keeps still but for :data:`WANDER_S` a beat (transit time, clocks ±100 ppm),
  and may jump once, to anywhere (:data:`JUMP`): a starved computer or radio stamps late, and then goes on so. A jump
  speaks against two hearts, never for one: what it adds ends at 0 nats
* two hearts: the level moves by an unknown constant a beat (the difference of the rates, N(0, :data:`SLIP_S`)) and
  by a random step whose variance is that of both devices' own steps, detector noise taken off
* both: noise of deviation σ, and a part ε of beats that says nothing (missed, extra, moved): uniform over an interval.
  Steps are taken modulo the interval, as a residual is. Two hearts may also be plain uniform, whichever is likelier.

``log_ratio`` = ln p(r | one heart) − ln p(r | two hearts), the mean of both directions (beats of one against
the other's and the reverse), so that missed and extra beats count alike. Beats are correlated only through the level,
which both models carry; no independence of neighbouring intervals is assumed.

*Paced or metronomic hearts*: neither device has steps of its own, so both models become the same but for the rate
difference; at the same rate the ratio stays near 0 (an Occam factor of at most a few nats) and the answer is
"cannot tell". At different rates the level runs away, which one heart cannot explain: "different".
*Atrial fibrillation*: steps are large, so a level that keeps still is overwhelming evidence; a pulse deficit only costs
the beats that are missing.

The lag is whatever in :data:`LAG_S` makes one heart likeliest. That choice favours one heart by about
ln(range / spacing of what can be told apart) ≈ ln(3 s / 0.05 s) ≈ 4 nats in each look, well under :data:`SURE_NATS`.

Related: nearest-event matching of two event series (Nearest Advocate, EURASIP 2024); here the statistic is a likelihood
ratio against hearts that are each as they are. Thresholds and their figures: decision 0027.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, pi, sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["same", "different", "cannot-tell"]
Why = Literal["", "too-few-beats", "no-variability", "unsure"]

LAG_S: Final = (-1.0, 2.0)
"""Lag of the second device behind the first: transit times, radio and computer, as far as they can reach."""
LAG_STEP_S: Final = 0.01
SPAN_S: Final = 45.0
"""So much of the past is compared: long enough for the slowest hearts, short enough to notice a swap within 60 s."""
LEAST_BEATS: Final = 20
LEAST_SPAN_S: Final = 18.0
SURE_NATS: Final = 12.0
"""e^12: one heart is 160 000 times likelier than two, or the reverse, before either is said."""
NOISE_S: Final = (0.008, 0.012, 0.018, 0.027)
"""Deviations of the detectors' noise that are tried; 27 ms is a moving wrist."""
MISSED: Final = (0.08, 0.25)
"""Parts of beats that say nothing that are tried."""
WANDER_S: Final = 0.0015
SLIP_S: Final = 0.1
METRONOME_S: Final = 0.008
"""A heart that varies by less a beat has nothing that could be recognised."""
JUMP: Final = 0.001
"""How likely one jump of the lag is within what is compared. With where and whereto it costs one heart some 14 nats."""
CHOSEN_S: Final = 0.02
"""How near 0 the level is once the lag was chosen."""
LONGEST_S: Final = 2.2
"""Longest interval that two devices are compared in; a longer one is a hole."""
MATCH_S: Final = 0.08
"""Evidence only: beats this close at the best lag are called matched."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the beats of two devices say.

    Args:
        verdict: the answer.
        why: what is missing where it cannot tell, else empty.
        log_ratio: nats for one heart over two; 0 where nothing was compared.
        n_beats: beats compared, of the device that has fewer.
        span_s: from the first to the last of them.
        lag_s: of the second device behind the first at which they match best; whole intervals may be hidden in it.
        matched: part of the beats of both with a partner within 80 ms.
        spread_s: robust deviation of the residuals.
        correlation: of intervals between matched beats; NaN with fewer than eight.
        rates_per_min: of the first and the second device.
    """

    verdict: Verdict
    why: Why = ""
    log_ratio: float = 0.0
    n_beats: int = 0
    span_s: float = 0.0
    lag_s: float = float("nan")
    matched: float = float("nan")
    spread_s: float = float("nan")
    correlation: float = float("nan")
    rates_per_min: tuple[float, float] = (float("nan"), float("nan"))


Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """Beats of one device.

    Args:
        time_s: ``(n,)``, rising, s.
        usable: ``(n,)``, whether to believe it: good shape, no motion. Others only say that something was there.
    """

    time_s: Times
    usable: NDArray[np.bool_]

    def since(self, time_s: float) -> Beats:
        """Those from a time on."""
        kept = self.time_s >= time_s
        return Beats(self.time_s[kept], self.usable[kept])

    def later(self, by_s: float) -> Beats:
        """The same, later."""
        return Beats(self.time_s + by_s, self.usable)

    @property
    def whole(self) -> NDArray[np.bool_]:
        """``(n − 1,)``: intervals between two usable beats that are no hole."""
        return self.usable[1:] & self.usable[:-1] & (np.diff(self.time_s) <= LONGEST_S)

    @property
    def intervals_s(self) -> Times:
        """Lengths of the whole ones."""
        return np.diff(self.time_s)[self.whole]


def compare(first: Beats, second: Beats) -> Comparison:
    """Compare the beats of two devices, newest :data:`SPAN_S` seconds; times on one clock."""
    if min(first.time_s.size, second.time_s.size) < LEAST_BEATS:
        return Comparison("cannot-tell", "too-few-beats", n_beats=min(first.time_s.size, second.time_s.size))
    since_s = min(first.time_s[-1], second.time_s[-1]) - SPAN_S
    first, second = first.since(since_s), second.since(since_s)
    if min(first.intervals_s.size, second.intervals_s.size) < LEAST_BEATS:
        return Comparison(
            "cannot-tell", "too-few-beats", n_beats=int(min(first.usable.sum(), second.usable.sum()))
        )
    lag_s = _best_lag(first, second)
    shifted = first.later(lag_s)
    one, other = _residuals(second, shifted), _residuals(shifted, second)
    n_beats, span_s = min(one.size, other.size), float(one.period_s.sum())
    if n_beats < LEAST_BEATS or span_s < LEAST_SPAN_S:
        return Comparison("cannot-tell", "too-few-beats", n_beats=n_beats, span_s=span_s)
    own = _own_variance(first), _own_variance(second)
    ratio = _log_ratio(one, other, sum(own))
    verdict, why = _judged(ratio, sqrt(min(own)))
    near = [np.abs(r.value_s) <= MATCH_S for r in (one, other)]
    return Comparison(
        verdict,
        why,
        ratio,
        n_beats,
        span_s,
        lag_s,
        float(np.concatenate(near).mean()),
        float(1.4826 * np.median(np.abs(one.value_s - np.median(one.value_s)))),
        _correlation(one, shifted.time_s, second.time_s),
        (60.0 / float(np.median(first.intervals_s)), 60.0 / float(np.median(second.intervals_s))),
    )


def _judged(ratio: float, own_s: float) -> tuple[Verdict, Why]:
    if ratio >= SURE_NATS:
        return "same", ""
    if ratio <= -SURE_NATS:
        return "different", ""
    return "cannot-tell", "no-variability" if own_s <= METRONOME_S else "unsure"


@dataclass(frozen=True, slots=True, eq=False)
class _Residuals:
    """``value_s`` ``(n,)``: distance to the nearest beat of the other; ``period_s`` ``(n,)``: the other's interval
    there; ``index``: which beats they belong to; ``partner``: the nearest beat of the other.
    """

    value_s: Times
    period_s: Times
    index: NDArray[np.int64]
    partner: NDArray[np.int64]

    @property
    def size(self) -> int:
        return int(self.value_s.size)


def _best_lag(first: Beats, second: Beats) -> float:
    """The lag at which most beats of both have a partner near by, soft count of a 25 ms kernel."""
    first_s, second_s = first.time_s, second.time_s[second.usable]
    lags = np.arange(LAG_S[0], LAG_S[1] + LAG_STEP_S / 2, LAG_STEP_S)
    wanted = second_s[None, :] - lags[:, None]
    after = np.clip(np.searchsorted(first_s, wanted), 1, first_s.size - 1)
    to_next, to_last = np.abs(first_s[after] - wanted), np.abs(wanted - first_s[after - 1])
    usable = np.where(to_next < to_last, first.usable[after], first.usable[after - 1])
    near = np.exp(-0.5 * (np.minimum(to_next, to_last) / 0.025) ** 2)
    best = float(lags[int(np.argmax((near * usable).sum(axis=1)))])
    off = _residuals(second, first.later(best)).value_s
    off = off[np.abs(off) < 0.05]
    return best + float(np.median(off)) if off.size else best


def _residuals(of: Beats, to: Beats) -> _Residuals:
    """Of every usable beat that lies in a whole interval of the other device."""
    after = np.searchsorted(to.time_s, of.time_s)
    inside = of.usable & (after > 0) & (after < to.time_s.size)
    index = np.flatnonzero(inside)
    after = after[inside]
    whole = to.whole[after - 1]
    index, after = index[whole], after[whole]
    to_next, to_last = to.time_s[after] - of.time_s[index], of.time_s[index] - to.time_s[after - 1]
    nearer = to_last <= to_next
    value, partner = np.where(nearer, to_last, -to_next), np.where(nearer, after - 1, after)
    return _Residuals(value, to_last + to_next, index, partner)


def _own_variance(beats: Beats) -> float:
    """Variance of one device's own step a beat, s², without its detector's noise: a span of two intervals has the
    noise of two beats as one interval has, and what it varies by more is the heart's. A quarter more is asked for, so
    that chance seldom gives a metronome steps. Robust: missed beats make a few spans long.
    """
    both = beats.whole[:-1] & beats.whole[1:]
    spans_s = beats.time_s[2:][both] - beats.time_s[:-2][both]
    if spans_s.size < LEAST_BEATS // 2:
        return 0.0
    return max(0.0, _variance(spans_s) - 1.25 * _variance(beats.intervals_s))


def _variance(x: Times) -> float:
    deviation = 1.4826 * float(np.median(np.abs(x - np.median(x))))
    return deviation * deviation


def _log_ratio(one: _Residuals, other: _Residuals, step_var: float) -> float:
    """Nats for one heart. Noise and the part of beats that say nothing are those that suit each model best, of the
    same choices.
    """
    choices = [(noise_s, missed) for noise_s in NOISE_S for missed in MISSED]
    still, jumped = [], []
    for r in (one, other):
        uniform = -float(np.log(r.period_s).sum())
        different = max(uniform, *(_two_hearts(r, *choice, step_var) for choice in choices))
        still.append(max(_one_heart(r, *choice) for choice in choices) - different)
        jumped.append(max(_jumped_heart(r, *choice) for choice in choices) - different)
    ratio = float(np.mean(still))
    return ratio if ratio >= 0.0 else min(0.0, max(ratio, float(np.mean(jumped))))


def _one_heart(r: _Residuals, noise_s: float, missed: float) -> float:
    return _chosen(r) + float(_running(r, noise_s, missed, CHOSEN_S**2, step_var=WANDER_S**2)[-1])


def _jumped_heart(r: _Residuals, noise_s: float, missed: float) -> float:
    """One heart whose lag jumped between two beats; it was chosen on the beats before, or on those after."""
    back, anywhere, near = _reversed(r), _anywhere(r), CHOSEN_S**2

    def split(before: float, after: float) -> Times:
        first = _running(r, noise_s, missed, before, step_var=WANDER_S**2)
        last = _running(back, noise_s, missed, after, step_var=WANDER_S**2)
        return first[:-1] + last[-2::-1]

    jumps = np.concatenate([split(near, anywhere), split(anywhere, near)])
    top = float(jumps.max())
    return _chosen(r) + log(JUMP) + top + log(float(np.exp(jumps - top).mean()))


def _chosen(r: _Residuals) -> float:
    """The lag was chosen: what that choice was worth, e.g. a place within an interval, is taken off again."""
    return log(CHOSEN_S / float(np.median(r.period_s)))


def _two_hearts(r: _Residuals, noise_s: float, missed: float, step_var: float) -> float:
    steps = _running(r, noise_s, missed, _anywhere(r), step_var=step_var, slip_var=SLIP_S**2)
    return float(steps[-1])


def _anywhere(r: _Residuals) -> float:
    """Variance of a level that may be anywhere within an interval, s²."""
    return float(np.median(r.period_s)) ** 2 / 12.0


def _reversed(r: _Residuals) -> _Residuals:
    """The last beat first: a level that keeps still does so both ways."""
    return _Residuals(r.value_s[::-1], r.period_s[::-1], -r.index[::-1], r.partner[::-1])


def _running(
    r: _Residuals, noise_s: float, missed: float, level_var: float, *, step_var: float, slip_var: float = 0.0
) -> Times:
    """``(n,)`` ln p of the residuals up to each, by a Kalman filter of (level, slip a beat); a beat that looks like a
    miss moves the state by as much as it is likely not to be one.
    """
    level, slip = 0.0, 0.0
    p_ll, p_ls, p_ss = level_var, 0.0, slip_var
    noise_var = noise_s * noise_s
    likely, last = np.empty(r.size), int(r.index[0])
    for n, (value, period, index) in enumerate(
        zip(r.value_s.tolist(), r.period_s.tolist(), r.index.tolist(), strict=True)
    ):
        steps = index - last
        last = index
        level += steps * slip
        p_ll += steps * (2.0 * p_ls + steps * p_ss + step_var)
        p_ls += steps * p_ss
        off = (value - level + 0.5 * period) % period - 0.5 * period
        variance = p_ll + noise_var
        near = (1.0 - missed) * _wrapped(off, variance, period)
        likely[n] = near + missed / period
        share = near / likely[n]
        gain_l, gain_s = share * p_ll / variance, share * p_ls / variance
        level, slip = level + gain_l * off, slip + gain_s * off
        p_ss -= gain_s * p_ls
        p_ls -= gain_l * p_ls
        p_ll -= gain_l * p_ll
    return np.asarray(np.cumsum(np.log(likely)))


def _wrapped(off: float, variance: float, period: float) -> float:
    """Density of a normal deviation on a circle of length ``period``; flat once it is wide."""
    if variance > 0.16 * period * period:
        return 1.0 / period
    scale = 1.0 / sqrt(2.0 * pi * variance)
    below, above = off - period, off + period
    return scale * (
        exp(-0.5 * below * below / variance)
        + exp(-0.5 * off * off / variance)
        + exp(-0.5 * above * above / variance)
    )


def _correlation(r: _Residuals, first_s: Times, second_s: Times) -> float:
    """Of the intervals between neighbouring matched beats."""
    near = np.abs(r.value_s) <= MATCH_S
    index, partner = r.index[near], r.partner[near]
    follow = (np.diff(index) == 1) & (np.diff(partner) == 1)
    ours, theirs = np.diff(second_s[index])[follow], np.diff(first_s[partner])[follow]
    if ours.size < 8 or not np.ptp(ours) > 0 or not np.ptp(theirs) > 0:
        return float("nan")
    return float(np.corrcoef(ours, theirs)[0, 1])
