"""Beats of made-up hearts, and what two devices make of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.beat_train import BeatTrain

Array = NDArray[np.float64]


def heart(seed: int, seconds: float = 700.0, *, sd_s: float = 0.04, mean_s: float = 0.85) -> Array:
    """Beat times: breathing, a slow wander, and a little that is new at each beat; ``sd_s`` 0 is a pacemaker."""
    rng = np.random.default_rng(seed)
    n = int(seconds / mean_s) + 2
    wander = np.zeros(n)
    for k in range(1, n):
        wander[k] = 0.98 * wander[k - 1] + np.sqrt(1 - 0.98**2) * rng.standard_normal()
    breath = np.sin(2 * np.pi * np.arange(n) / rng.uniform(3.5, 6.0) + rng.uniform(0, 6))
    intervals = mean_s + sd_s * (0.7 * wander + 0.7 * breath + 0.3 * rng.standard_normal(n))
    return np.cumsum(np.maximum(intervals, 0.3))


def felt(
    beats: Array,
    seed: int,
    *,
    offset_s: float = 0.0,
    ppm: float = 0.0,
    noise_s: float = 0.006,
    lost: float = 0.0,
) -> BeatTrain:
    """As a device writes them: late, by a crystal that is off, with noise, some missed."""
    rng = np.random.default_rng([seed, 1])
    kept = beats[rng.random(beats.size) >= lost]
    times = np.sort(kept + rng.normal(0, noise_s, kept.size)) * (1 + ppm * 1e-6) + offset_s
    return BeatTrain.of(times[np.concatenate(([True], np.diff(times) > 1e-6))])
