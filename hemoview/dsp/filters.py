"""Filters without phase shift: an edge of the filtered wave is where the edge of the raw wave was.

A window is short beside the time constant of its lowest frequency, so the response is applied in the frequency
domain to the window continued at both ends by its own odd reflection. There is no state: the same samples give the
same result live, stored and in training.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PPG_BAND_HZ = (0.5, 8.0)
"""Pulse rates from 30/min up to the eighth harmonic of 60/min (Charlton 2022, common practice for pulse waves)."""


def band_pass(
    samples: NDArray[np.floating],
    rate_hz: float,
    low_hz: float = PPG_BAND_HZ[0],
    high_hz: float = PPG_BAND_HZ[1],
    *,
    order: int = 2,
) -> NDArray[np.float64]:
    """Zero-phase band-pass along the last axis; gain is that of a Butterworth filter run forwards and backwards.

    Args:
        samples: ``(..., n_samples)``, finite.
        rate_hz: sampling rate.
        low_hz, high_hz: half-power frequencies of one run (quarter power of both); 0 or ∞ leaves that side open.
        order: of the Butterworth prototype.

    Returns:
        Same shape, float64.
    """
    x = np.asarray(samples, dtype=np.float64)
    n_samples = x.shape[-1]
    pad = n_samples - 1
    line = line_through_ends(x)
    straight = x - line
    extended = np.concatenate(
        (-straight[..., pad:0:-1], straight, -straight[..., -2 : -pad - 2 : -1]), axis=-1
    )
    length = _fast_length(extended.shape[-1])
    spectrum = np.fft.rfft(extended, n=length, axis=-1)
    filtered = np.fft.irfft(spectrum * _gain(length, rate_hz, low_hz, high_hz, order), n=length, axis=-1)
    kept = filtered[..., pad : pad + n_samples]
    return kept + line if low_hz <= 0 else kept


def low_pass(
    samples: NDArray[np.floating], rate_hz: float, high_hz: float, *, order: int = 2
) -> NDArray[np.float64]:
    """Zero-phase low-pass along the last axis; see :func:`band_pass`."""
    return band_pass(samples, rate_hz, 0.0, high_hz, order=order)


def line_through_ends(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """The straight line from the first to the last sample, same shape as ``samples``.

    With it removed both ends are 0, so an odd reflection continues the wave without a step.
    """
    ramp = _ramp(samples.shape[-1])
    first, last = samples[..., :1], samples[..., -1:]
    return np.asarray(first + (last - first) * ramp)


def detrend(samples: NDArray[np.floating]) -> NDArray[np.float64]:
    """Remove the least-squares straight line along the last axis."""
    x = np.asarray(samples, dtype=np.float64)
    k = np.arange(x.shape[-1]) - (x.shape[-1] - 1) / 2
    slope = (x * k).sum(axis=-1, keepdims=True) / max(float((k * k).sum()), 1.0)
    return np.asarray(x - x.mean(axis=-1, keepdims=True) - slope * k)


@lru_cache(maxsize=64)
def _ramp(n_samples: int) -> NDArray[np.float64]:
    """0 to 1."""
    ramp = np.linspace(0.0, 1.0, n_samples)
    ramp.flags.writeable = False
    return ramp


@lru_cache(maxsize=64)
def _gain(length: int, rate_hz: float, low_hz: float, high_hz: float, order: int) -> NDArray[np.float64]:
    """|H(f)|² of the Butterworth band-pass at the ``rfft`` frequencies of ``length`` points."""
    f_hz = np.fft.rfftfreq(length, 1 / rate_hz)
    gain = 1 / (1 + (f_hz / high_hz) ** (2 * order)) if np.isfinite(high_hz) else np.ones_like(f_hz)
    if low_hz > 0:
        ratio = (f_hz / low_hz) ** (2 * order)
        gain = gain * ratio / (1 + ratio)
    gain.flags.writeable = False
    return np.asarray(gain)


@lru_cache(maxsize=256)
def _fast_length(n: int) -> int:
    """Smallest 2ᵃ·3ᵇ·5ᶜ that is at least ``n`` (pocketfft is fast there)."""
    best = 1 << (n - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            candidate = three << max(0, (-(-n // three) - 1).bit_length())
            best = min(best, candidate) if candidate >= n else best
            three *= 3
        five *= 5
    return best
