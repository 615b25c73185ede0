"""The same finger wave as other sensors would have seen it: what a wristband's band, noise and contact do to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.filters import PPG_BAND_HZ, band_pass
from hemoview.dsp.preprocess import MODEL_RATE_HZ, model_inputs
from hemoview.dsp.resample import resample
from hemoview.learn.noise_bank import NoiseBank

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

WRIST_CORNER_HZ: Final = (1.0, 5.0)
"""Corner of the one-pole smoothing that makes a finger wave round like a wrist wave. At 1.5 Hz the harmonics 2, 3, 4 of
the finger set (0.48, 0.28, 0.13 of the first) become those of real E4 recordings (0.34, 0.14, 0.05; LOG.md)."""
WRIST_NOISE: Final = (0.02, 0.15)
"""Deviation of added noise over that of the pulse, where no real noise is at hand."""
SNR_DB: Final = (30.0, 24.0, 18.0, 12.0, 6.0)
"""Ladder of pulse over real wrist noise that teaches. Of clean finger windows of 5 s the quality gate refuses 15 %, at
6 dB 37 % (LOG.md)."""
_CHUNK: Final = 256


def plain(raw: F32, rate_hz: float) -> F32:
    """Model inputs of windows ``(n, n_samples)`` as they are, ``(n, time)``."""
    return _preprocess(raw, rate_hz, lambda part, _: part, seed=0)


def short(raw: F32, rate_hz: float) -> F32:
    """Windows below 5 s as a network in pre-training sees them, ``(n, time)`` at 64 Hz: band and scale of
    :func:`hemoview.dsp.preprocess.model_input`, whose lower bound stays what it is: nothing estimates from these.
    """
    pulse = band_pass(resample(raw.astype(np.float64), rate_hz, MODEL_RATE_HZ), MODEL_RATE_HZ, *PPG_BAND_HZ)
    centred = pulse - pulse.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-12), np.float32)


def wristlike(raw: F32, rate_hz: float, seed: int, noise: NoiseBank | None = None) -> F32:
    """Model inputs of windows as a wristband might have seen them: at its 64 Hz, rounder, noisier, with wandering
    amplitude.

    Args:
        raw: ``(n, n_samples)``.
        rate_hz: their rate.
        seed: of every draw.
        noise: of real wrists, at a step of :data:`SNR_DB` each; None = coloured noise.
    """

    def worn(part: F64, rng: np.random.Generator) -> F64:
        return on_wrist(part, rate_hz, rng, noise, rng.choice(SNR_DB, len(part)) if noise else None)

    return _preprocess(raw, rate_hz, worn, seed, MODEL_RATE_HZ)


def on_wrist(
    raw: F64, rate_hz: float, rng: np.random.Generator, noise: NoiseBank | None, snr_db: F64 | None
) -> F64:
    """Finger waves as a wristband might have recorded them, ``(n, time)`` at 64 Hz.

    Args:
        raw: ``(n, n_samples)`` at ``rate_hz``.
        rng: of every draw.
        noise, snr_db: of real wrists, and ``(n,)`` how much of it; None = a little coloured noise.
    """
    low_hz, high_hz = WRIST_CORNER_HZ
    corner_hz = np.exp(rng.uniform(math.log(low_hz), math.log(high_hz), len(raw)))
    out = smooth(resample(raw, rate_hz, MODEL_RATE_HZ), MODEL_RATE_HZ, corner_hz)
    phase = rng.uniform(0, 2 * np.pi, (len(raw), 1))
    seconds = np.arange(out.shape[1]) / MODEL_RATE_HZ
    breath = np.sin(2 * np.pi * rng.uniform(0.15, 0.4, (len(raw), 1)) * seconds + phase)
    mean = out.mean(axis=1, keepdims=True)
    out = mean + (out - mean) * (1 + rng.uniform(0, 0.15, (len(raw), 1)) * breath)
    if noise is not None and snr_db is not None:
        return noise.over(out, snr_db, rng)
    pulse = out.std(axis=1, keepdims=True)
    coloured = band_pass(rng.normal(size=out.shape), MODEL_RATE_HZ, 0.0, 6.0)
    return np.asarray(out + coloured * pulse * rng.uniform(*WRIST_NOISE, (len(raw), 1)) / coloured.std())


def smooth(waves: F64, rate_hz: float, corner_hz: F64) -> F64:
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
    change: Callable[[F64, np.random.Generator], F64],
    seed: int,
    changed_hz: float | None = None,
) -> F32:
    """Model inputs of changed windows; ``changed_hz``: rate after the change, where that is another."""
    rng = np.random.default_rng(seed)
    parts = []
    for first in range(0, len(raw), _CHUNK):
        part = raw[first : first + _CHUNK].astype(np.float64)
        parts.append(model_inputs(change(part, rng), changed_hz or rate_hz))
    return np.concatenate(parts)
