"""Change of rate by band-limited (windowed-sinc) interpolation on the source's own grid. No new timing is invented:
sample 0 of the result is sample 0 of the source.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

HALF_WIDTH = 12
"""Zero crossings of the sinc on each side: more than 60 dB down beyond 1.1 × the lower Nyquist frequency."""

_CUTOFF = 0.9
"""Cut-off as a part of the lower of both Nyquist frequencies."""


def n_resampled(n_samples: int, rate_in_hz: float, rate_out_hz: float) -> int:
    """How many samples ``n_samples`` at one rate are at another: the same duration, rounded."""
    return round(n_samples * rate_out_hz / rate_in_hz)


def resample(samples: NDArray[np.floating], rate_in_hz: float, rate_out_hz: float) -> NDArray[np.float64]:
    """``(..., n)`` at ``rate_in_hz`` → ``(..., m)`` at ``rate_out_hz`` with ``m = n_resampled(n, …)``, float64.

    Ends are continued by odd reflection. Equal rates return the samples unchanged.
    """
    x = np.asarray(samples, dtype=np.float64)
    if rate_in_hz == rate_out_hz:
        return x
    index, weight = _taps(x.shape[-1], float(rate_in_hz), float(rate_out_hz))
    pad = int(-index.min()) if index.size else 0
    pad = max(pad, int(index.max()) - x.shape[-1] + 1, 0)
    if pad >= x.shape[-1]:
        raise ValueError(f"resample: {x.shape[-1]} samples are too few to resample from {rate_in_hz:g} Hz")
    head = 2 * x[..., :1] - x[..., pad:0:-1]
    tail = 2 * x[..., -1:] - x[..., -2 : -pad - 2 : -1]
    extended = np.concatenate((head, x, tail), axis=-1)
    return np.asarray((extended[..., index + pad] * weight).sum(axis=-1))


@lru_cache(maxsize=32)
def _taps(n: int, rate_in_hz: float, rate_out_hz: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Source indices ``(m, taps)`` and their weights for every output sample."""
    position = np.arange(n_resampled(n, rate_in_hz, rate_out_hz)) * (rate_in_hz / rate_out_hz)
    bandwidth = _CUTOFF * min(1.0, rate_out_hz / rate_in_hz)
    reach = int(np.ceil(HALF_WIDTH / bandwidth))
    index = np.floor(position).astype(np.int64)[:, None] + np.arange(-reach + 1, reach + 1)
    distance = index - position[:, None]
    taper = np.cos(np.pi / 2 * np.clip(distance / reach, -1, 1)) ** 2
    weight = np.sinc(bandwidth * distance) * taper
    weight /= weight.sum(axis=1, keepdims=True)
    for array in (index, weight):
        array.flags.writeable = False
    return index, weight
