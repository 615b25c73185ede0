"""The emulated device's own oscillator: a constant error in ppm and a small random walk about it."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WALK_SD_PPM = 0.3
WALK_TAU_S = 300.0
"""A temperature-driven crystal moves by tenths of a ppm in minutes; it returns, so the mean stays ``ppm``."""


class DeviceClock:
    """Device seconds ↔ true seconds since the start. ``ppm`` > 0: the device runs fast, its rates are too high.

    Args:
        ppm: constant error.
        rng: draws the walk; one draw a device second, so results do not depend on how it is asked.
    """

    def __init__(self, ppm: float, rng: np.random.Generator) -> None:
        self._ppm, self._rng, self._walk_ppm = ppm, rng, 0.0
        self._first_s = 0
        self._true_s: list[float] = [0.0]

    def true_s(self, device_s: Array) -> Array:
        """True times, s, of device times ``(n,)`` (ascending, at most a minute back)."""
        if not device_s.size:
            return device_s
        self._reach(float(device_s[-1]) + 1.0)
        first = max(int(device_s[0]) - self._first_s, 0)
        true_s = np.array(self._true_s[first : int(device_s[-1]) - self._first_s + 2])
        knots = self._first_s + first + np.arange(true_s.size, dtype=np.float64)
        return np.asarray(np.interp(device_s, knots, true_s))

    def device_s(self, true_s: float) -> float:
        """Device time at a true time, s."""
        while self._true_s[-1] <= true_s:
            self._reach(self._first_s + len(self._true_s))
        k = bisect_right(self._true_s, true_s) - 1
        if k < 0:
            return true_s - self._true_s[0] + self._first_s
        begin, end = self._true_s[k], self._true_s[k + 1]
        return self._first_s + k + (true_s - begin) / (end - begin)

    def _reach(self, device_s: float) -> None:
        keep = np.exp(-1.0 / WALK_TAU_S)
        while self._first_s + len(self._true_s) - 1 < device_s:
            noise = float(self._rng.standard_normal())
            self._walk_ppm = float(self._walk_ppm * keep + WALK_SD_PPM * np.sqrt(1 - keep * keep) * noise)
            self._true_s.append(self._true_s[-1] + 1.0 / (1.0 + (self._ppm + self._walk_ppm) * 1e-6))
        if len(self._true_s) > 300:
            self._first_s += 150
            del self._true_s[:150]
