"""Pulse waves with known beats, made on the spot: no physiology, only shape and time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

UPSTROKE_S = 0.06
"""The steepest point of :func:`pulse` comes this long after its onset."""


def rhythm(rng: np.random.Generator, seconds: float, rr_s: float = 0.85, cv: float = 0.03) -> np.ndarray:
    """Onsets of beats with independent intervals of this mean and spread."""
    n = int(seconds / rr_s * 2) + 5
    intervals = np.clip(rng.normal(rr_s, cv * rr_s, n), 0.35, 2.0)
    onsets = 0.3 + np.cumsum(intervals)
    return onsets[onsets < seconds - 0.2]


def pulse(onsets_s: np.ndarray, rate_hz: float, seconds: float) -> np.ndarray:
    """Rounded wave with a dicrotic bump; each beat is 1 high, systole upwards."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = np.zeros_like(t)
    for onset in onsets_s:
        since = t - onset
        rise = 0.5 * (1 + np.tanh((since - UPSTROKE_S) / 0.036))
        decay = np.where(since > 0, np.exp(-np.clip(since - 0.15, 0, None) / 0.25), 1.0)
        bump = 0.18 * np.exp(-(((since - 0.42) / 0.06) ** 2))
        wave += rise * decay + bump * (since > 0)
    return wave


def pressure(
    onsets_s: np.ndarray, rate_hz: float, seconds: float, sbp: float = 120.0, dbp: float = 80.0
) -> np.ndarray:
    """Arterial wave that falls to ``dbp`` before each beat and reaches ``sbp`` in it."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = np.full_like(t, np.nan)
    edges = [*onsets_s, seconds + 0.9]
    for start, stop in pairwise(edges):
        part = (t >= start) & (t < stop)
        x = (t[part] - start) / (stop - start)
        shape = np.minimum(x / 0.16, 1.0) ** 1.5 * (1 - np.clip((x - 0.16) / 0.84, 0, 1)) ** 1.3
        wave[part] = dbp + (sbp - dbp) * shape
    wave[t < onsets_s[0]] = dbp
    return wave
