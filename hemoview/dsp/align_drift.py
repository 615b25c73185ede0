"""How well a drift between two clocks is known: from beats, from arrivals on one host clock, from both. Pure.

Beats carry the clocks **and** the way of the pulse, and a way that slowly grows shorter cannot be told from a clock
that runs faster. So a drift from beats is only as good as that way is steady: :data:`LAG_S` over the length of the
piece, 37 ppm in 10 min, 1 ppm in 6 h. Where one host stamped every packet of both devices, their rates are known from
that (:mod:`recorder.clock`), better than beats will ever tell, and the beats keep the offset; what is left is that
crystals wander (:func:`wander_ppm`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.time_map import PPM

Array = NDArray[np.float64]

LAG_S: Final = 0.022
"""By so much the way of the pulse may change from one end of a piece to the other: a sensor's contact alone moves the
foot by up to that (PMC8856571). Two patients on one clock: 17 ms in 10 min, 21 ms in 100 (decision 0060); of 90
simulated people 95 % within 5, the worst 17."""
WANDER_PPM, WANDER_S = 0.3, 300.0
"""Deviation of a crystal's rate about its mean, and how long it keeps one, as the emulated crystals have it: what one
degree does to a watch crystal 5 K off its turnover (2 · 0.034 ppm/K² · 5 K)."""
TOLD_BY_FIT: Final = 0.75
"""Part of a stretch's own wandering that a line under its arrivals follows (decision 0060)."""
BIN_S: Final = 30.0
LEAST_IN_BIN, LEAST_BINS = 5, 4
LAGS: Final = 3
"""Neighbouring bins that say the same thing: a motion, a breath like a sigh, lasts a minute or two."""
KNOWN_PPM: Final = 1.0
"""A drift is told as determined where its 95 % bound is no more."""


@dataclass(frozen=True, slots=True)
class SharedClock:
    """A stretch in which one host stamped both devices: there the session's times drift by nothing, but for this.

    Args:
        t0_s, t1_s: in the time of the session, s.
        error_ppm: 95 % bound of the difference of both fitted rates, were both crystals steady; 0 where one crystal
            times both devices.
    """

    t0_s: float
    t1_s: float
    error_ppm: float


def beats_error_ppm(t_s: Array, off_s: Array, length_s: float) -> float:
    """95 % bound of a slope from beats: what they scatter by, with what lasts (Newey–West), and what the way may do.

    Args:
        t_s, off_s: ``(n,)`` matched beats: time, and distance from the line, s.
        length_s: of the piece.
    """
    way = LAG_S / max(length_s, 1.0)
    middle_s, rest_s = _bins(t_s, off_s)
    if middle_s.size < LEAST_BINS:
        return float("inf")
    x = middle_s - middle_s.mean()
    pull = x * (rest_s - rest_s.mean())
    variance = float(pull @ pull)
    for lag in range(1, min(LAGS, x.size - 1) + 1):
        variance += 2.0 * (1.0 - lag / (LAGS + 1.0)) * float(pull[lag:] @ pull[:-lag])
    scatter = 2.0 * np.sqrt(max(variance, 0.0)) / float(x @ x)
    return float(np.hypot(way, scatter)) / PPM


def _bins(t_s: Array, off_s: Array) -> tuple[Array, Array]:
    """Medians of bins with beats enough."""
    if not t_s.size:
        return t_s, off_s
    number = ((t_s - t_s.min()) // BIN_S).astype(np.int64)
    kept = [
        n for n, count in zip(*np.unique(number, return_counts=True), strict=True) if count >= LEAST_IN_BIN
    ]
    middle = [float(np.median(t_s[number == n])) for n in kept]
    return np.array(middle), np.array([float(np.median(off_s[number == n])) for n in kept])


def clock_of(clocks: Sequence[SharedClock], t0_s: float, t1_s: float) -> SharedClock | None:
    """That of a stretch, which never spans two of them: a clock era begins another part."""
    middle_s = 0.5 * (t0_s + t1_s)
    return next((c for c in clocks if c.t0_s <= middle_s <= c.t1_s), None)


def arrivals_error_ppm(clock: SharedClock, length_s: float) -> float:
    """95 % bound of what is left between two clocks over a piece, once both were fitted to their arrivals."""
    if clock.error_ppm <= 0.0:
        return 0.0
    return float(np.hypot(clock.error_ppm, wander_ppm(length_s, clock.t1_s - clock.t0_s)))


def wander_ppm(piece_s: float, stretch_s: float) -> float:
    """95 % bound of the mean difference of two wandering crystals over a piece from what was fitted to a stretch.

    The mean rate over a piece varies by what an Ornstein–Uhlenbeck rate does; the piece lies in the stretch, whose own
    mean the fit follows by :data:`TOLD_BY_FIT`.
    """
    piece, stretch = _mean_variance(piece_s), _mean_variance(max(stretch_s, piece_s))
    return 2.0 * float(np.sqrt(2.0 * (piece - TOLD_BY_FIT * stretch)))


def _mean_variance(length_s: float) -> float:
    """Of the mean over a length of a rate with :data:`WANDER_PPM` and :data:`WANDER_S`, ppm²."""
    part = WANDER_S / max(length_s, 1.0)
    return float(WANDER_PPM**2 * 2.0 * part * (1.0 + part * np.expm1(-1.0 / part)))


def combined_ppm(
    drift_ppm: float, error_ppm: float, clock: SharedClock | None, length_s: float
) -> tuple[float, float]:
    """A drift from beats over a length and none from arrivals, weighed by their bounds: (drift, 95 % bound)."""
    if clock is None:
        return drift_ppm, error_ppm
    beats, arrivals = error_ppm**-2, max(arrivals_error_ppm(clock, length_s), 1e-3) ** -2
    return drift_ppm * beats / (beats + arrivals), (beats + arrivals) ** -0.5
