"""Clock points of a device with its own crystal, for the tests of the time base."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass
class Points:
    first: NDArray[np.int64]
    n: NDArray[np.int64]
    t_host_ns: NDArray[np.int64]
    truth_ns: NDArray[np.int64]
    """When the first sample of each block was really taken."""


def device_points(
    *,
    ppm: float,
    seconds: float,
    seed: int,
    rate_hz: float = 64.0,
    block: int = 11,
    jitter_ms: tuple[float, float] = (5.0, 60.0),
    t0_ns: int = 7_000_000_000,
) -> Points:
    """A device ``ppm`` fast that sends blocks over a link with uniform jitter that keeps their order."""
    rng = np.random.default_rng(seed)
    first = np.arange(0, int(seconds * rate_hz) - block, block, dtype=np.int64)
    period_ns = 1e9 / (rate_hz * (1 + ppm * 1e-6))
    truth = t0_ns + np.rint(first * period_ns).astype(np.int64)
    last_taken = truth + int((block - 1) * period_ns)
    delay = rng.uniform(*jitter_ms, size=first.size) * 1e6
    arrival = np.maximum.accumulate(last_taken + delay.astype(np.int64))
    return Points(first, np.full(first.size, block, dtype=np.int64), arrival, truth)
