"""The same finger wave as other sensors would have seen it: what a wristband's band, noise and contact do to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.filters import band_pass
from hemoview.dsp.preprocess import model_inputs

F32 = NDArray[np.float32]

WRIST_CORNER_HZ: Final = (1.0, 5.0)
"""Corner of the one-pole smoothing that makes a finger wave round like a wrist wave. At 1.5 Hz the harmonics 2, 3, 4 of
the finger set (0.48, 0.28, 0.13 of the first) become those of real E4 recordings (0.34, 0.14, 0.05; LOG.md)."""
WRIST_NOISE: Final = (0.02, 0.15)
"""Deviation of added noise over that of the pulse."""
_CHUNK: Final = 256


def plain(raw: F32, rate_hz: float) -> F32:
    """Model inputs of windows ``(n, n_samples)`` as they are, ``(n, time)``."""
    return _preprocess(raw, rate_hz, lambda part, _: part, seed=0)


def wristlike(raw: F32, rate_hz: float, seed: int) -> F32:
    """Model inputs of windows as a wristband might have seen them: rounder, noisier, with wandering amplitude."""

    def blur(part: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        low_hz, high_hz = WRIST_CORNER_HZ
        corner_hz = np.exp(rng.uniform(math.log(low_hz), math.log(high_hz), len(part)))
        out = smooth(part, rate_hz, corner_hz)
        n = part.shape[1]
        pulse = out.std(axis=1, keepdims=True)
        noise = band_pass(rng.normal(size=part.shape), rate_hz, 0.0, 6.0)
        out += noise * pulse * rng.uniform(*WRIST_NOISE, (len(part), 1)) / noise.std()
        phase = rng.uniform(0, 2 * np.pi, (len(part), 1))
        breath = np.sin(2 * np.pi * rng.uniform(0.15, 0.4, (len(part), 1)) * np.arange(n) / rate_hz + phase)
        mean = out.mean(axis=1, keepdims=True)
        return np.asarray(mean + (out - mean) * (1 + rng.uniform(0, 0.15, (len(part), 1)) * breath))

    return _preprocess(raw, rate_hz, blur, seed)


def smooth(waves: NDArray[np.float64], rate_hz: float, corner_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Causal one-pole low-pass, every row of ``(n, n_samples)`` with its own corner; starts at rest."""
    share = 1 - np.exp(-2 * np.pi * corner_hz / rate_hz)
    out = np.empty_like(waves)
    now = waves[:, 0]
    for i in range(waves.shape[1]):
        now = now + share * (waves[:, i] - now)
        out[:, i] = now
    return out


def _preprocess(
    raw: F32,
    rate_hz: float,
    change: Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]],
    seed: int,
) -> F32:
    rng = np.random.default_rng(seed)
    parts = []
    for first in range(0, len(raw), _CHUNK):
        part = raw[first : first + _CHUNK].astype(np.float64)
        parts.append(model_inputs(change(part, rng), rate_hz))
    return np.concatenate(parts)
