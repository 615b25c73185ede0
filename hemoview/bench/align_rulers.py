"""Rulers for the drift of an alignment that share no line with the product: slopes of the true lag, what is knowable.

A lag that wanders cannot be told from a clock by beats. So the bench says what two independent slopes of the true lag
leave of a drift error, and by how much the best linear unbiased estimate would be off if the lag's covariance were
known: where that is over 1 ppm, no unbiased linear method meets 1 ppm against the crystals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BIN_S: Final = 30.0
LEAST_IN_BIN, LEAST_BINS = 5, 6
TIME_SCALES_S: Final = (15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 960.0)
"""Over which a lag may keep what it was; the variogram chooses."""


def plain_slope(t_s: Array, lag_s: Array) -> float:
    """Ordinary least squares, s/s; NaN for fewer than two."""
    if t_s.size < 2:
        return float("nan")
    x = t_s - t_s.mean()
    return float(x @ lag_s / (x @ x))


def theil_sen_slope(t_s: Array, lag_s: Array) -> float:
    """Median slope of all pairs, s/s: bears 29 % of beats taken for another. NaN for fewer than two."""
    if t_s.size < 2:
        return float("nan")
    a, b = np.triu_indices(t_s.size, 1)
    apart_s = t_s[b] - t_s[a]
    return float(np.median((lag_s[b] - lag_s[a])[apart_s > 0] / apart_s[apart_s > 0]))


def lag_bins_ms(t_s: Array, lag_s: Array) -> tuple[float, ...]:
    """Medians of the lag, :data:`BIN_S` after :data:`BIN_S`, ms; NaN where too few beats lie."""
    if not t_s.size:
        return ()
    number = ((t_s - t_s.min()) // BIN_S).astype(np.int64)
    bins = (lag_s[number == n] for n in range(int(number.max()) + 1))
    return tuple(1000.0 * float(np.median(b)) if b.size >= LEAST_IN_BIN else float("nan") for b in bins)


def best_sigmas_ppm(sessions: Sequence[tuple[float, ...]]) -> list[float]:
    """For each session's bins the standard error, ppm, of the best linear unbiased slope under the covariance that all
    of them together have; NaN for a session of too few bins.

    The variogram (of differences: no mean and no person's own delay is in it) is fitted by white scatter and one
    exponential, weighed by the number of pairs.
    """
    white, size, scale_s = _covariance(sessions)
    return [_sigma_ppm(np.array(bins), white, size, scale_s) for bins in sessions]


def _covariance(sessions: Sequence[tuple[float, ...]]) -> tuple[float, float, float]:
    """(white variance, lasting variance, ms²; time scale, s)."""
    far = max((len(s) for s in sessions), default=0) * 2 // 3
    lags_s, gamma, pairs = [], [], []
    for apart in range(1, far + 1):
        gone = [np.array(s[apart:]) - np.array(s[:-apart]) for s in sessions if len(s) > apart]
        known = np.concatenate(gone) if gone else np.zeros(0)
        known = known[np.isfinite(known)]
        if known.size:
            lags_s.append(apart * BIN_S)
            gamma.append(0.5 * float(np.mean(known**2)))
            pairs.append(float(known.size))
    if len(gamma) < 3:
        return float("nan"), float("nan"), 1.0
    return _fitted(np.array(lags_s), np.array(gamma), np.sqrt(np.array(pairs)))


def _fitted(lag_s: Array, gamma: Array, weight: Array) -> tuple[float, float, float]:
    best, least = (float(gamma.mean()), 0.0, 1.0), float("inf")
    for scale_s in TIME_SCALES_S:
        rising = 1.0 - np.exp(-lag_s / scale_s)
        columns = np.column_stack((np.ones(lag_s.size), rising))
        white, size = np.linalg.lstsq(columns * weight[:, None], gamma * weight, rcond=None)[0]
        white = max(float(white), 1e-4)
        size = max(float(size), 0.0)
        off = float(np.sum((weight * (gamma - white - size * rising)) ** 2))
        if off < least:
            best, least = (white, size, scale_s), off
    return best


def _sigma_ppm(bins_ms: Array, white: float, size: float, scale_s: float) -> float:
    known = np.flatnonzero(np.isfinite(bins_ms))
    if known.size < LEAST_BINS or not np.isfinite(white + size):
        return float("nan")
    t_s = known * BIN_S
    covariance = size * np.exp(-np.abs(t_s[:, None] - t_s) / scale_s) + white * np.eye(known.size)
    design = np.column_stack((np.ones(known.size), t_s - t_s.mean()))
    information = design.T @ np.linalg.solve(covariance, design)
    return float(np.sqrt(np.linalg.inv(information)[1, 1])) * 1000.0
