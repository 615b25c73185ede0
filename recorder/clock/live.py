"""The same time base while it is being recorded: cheap, and time never runs backwards for whoever draws it."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from recorder.clock.fit import MIN_POINTS, MIN_SPAN_S, common_slope

_BUCKET_S = 1.0
_HISTORY_BUCKETS = 900
_STEP_S = 0.5
_STEP_HELD_S = 1.0
_SLOWEST = 0.5
"""Where a better fit moves the line back, issued times go on at no less than this share of real speed."""


class LiveTimebase:
    """Online lower-envelope time base of one stream.

    It restarts by itself where samples keep coming late by more than 0.5 s for 1 s (a reconnect whose loss
    nobody could count) or come before they can have been taken (the numbering jumped); the rate is kept.

    Args:
        nominal_rate_hz: what the maker says; used until 20 s have been seen.
    """

    def __init__(self, nominal_rate_hz: float) -> None:
        self.nominal_rate_hz = float(nominal_rate_hz)
        self._slope = 0.0
        self._anchor: tuple[int, int] | None = None  # (sample no, host ns) that x = y = 0 stand for
        self._offset_s = 0.0
        self._buckets: deque[list[float]] = deque(
            maxlen=_HISTORY_BUCKETS
        )  # [bucket no, x, late] of its lowest
        self._late_since_ns: int | None = None
        self._issued: tuple[int, int] | None = None

    @property
    def rate_hz(self) -> float:
        """Samples a second of host time, as fitted so far."""
        return self.nominal_rate_hz / (1.0 + self._slope)

    @property
    def drift_ppm(self) -> float:
        """How much faster (+) than nominal the device samples, 1e-6."""
        return (self.rate_hz / self.nominal_rate_hz - 1.0) * 1e6

    def update(self, first_sample_no: int, n_samples: int, t_host_ns: int) -> None:
        """A block arrived. Call once a block, in order."""
        last = first_sample_no + n_samples - 1
        if self._anchor is None:
            self._restart(last, t_host_ns)
        x, late = self._coordinates(last, t_host_ns)
        above = late - self._slope * x - self._offset_s
        if above < -_STEP_S or self._stays_late(above, t_host_ns):
            self._restart(last, t_host_ns)
            x, late, above = 0.0, 0.0, 0.0
        self._keep(x, late)
        self._offset_s = min(self._offset_s, late - self._slope * x)

    def restart(self) -> None:
        """Forget the offset, keep the rate: the next block begins a new run (after a reported gap)."""
        self._anchor = None

    def t_ns(self, sample_no: NDArray[np.integer] | int) -> NDArray[np.int64]:
        """Host time, ns, at which each sample was taken; later samples never get earlier times than were issued.

        Raises:
            ValueError: nothing has arrived yet.
        """
        if self._anchor is None:
            raise ValueError("the live time base has seen no block since it started")
        numbers = np.asarray(sample_no, dtype=np.int64)
        period_ns = 1e9 / self.rate_hz
        elapsed = (numbers - self._anchor[0]) * period_ns + self._offset_s * 1e9
        times: NDArray[np.int64] = self._anchor[1] + np.rint(elapsed).astype(np.int64)
        if numbers.size == 0:
            return times
        if self._issued is not None:
            times = self._not_before(numbers, times, period_ns)
        newest = int(np.argmax(numbers))
        no, t = int(numbers.flat[newest]), int(times.flat[newest])
        if self._issued is None or no > self._issued[0]:
            self._issued = (no, t)
        return times

    def _not_before(
        self, numbers: NDArray[np.int64], times: NDArray[np.int64], period_ns: float
    ) -> NDArray[np.int64]:
        assert self._issued is not None
        after = numbers - self._issued[0]
        slowest = self._issued[1] + (after * (_SLOWEST * period_ns)).astype(np.int64)
        latest = self._issued[1] + (after * period_ns).astype(np.int64)
        return np.where(after > 0, np.maximum(times, slowest), np.minimum(times, latest))

    def _coordinates(self, last: int, t_host_ns: int) -> tuple[float, float]:
        assert self._anchor is not None
        x = (last - self._anchor[0]) / self.nominal_rate_hz
        return x, (t_host_ns - self._anchor[1]) / 1e9 - x

    def _restart(self, last: int, t_host_ns: int) -> None:
        self._anchor = (last, t_host_ns)
        self._offset_s = 0.0
        self._buckets.clear()
        self._late_since_ns = None

    def _stays_late(self, above_s: float, t_host_ns: int) -> bool:
        if above_s < _STEP_S:
            self._late_since_ns = None
            return False
        if self._late_since_ns is None:
            self._late_since_ns = t_host_ns
        return t_host_ns - self._late_since_ns >= _STEP_HELD_S * 1e9

    def _keep(self, x: float, late: float) -> None:
        bucket = float(x // _BUCKET_S)
        if self._buckets and self._buckets[-1][0] == bucket:
            if late < self._buckets[-1][2]:
                self._buckets[-1] = [bucket, x, late]
            return
        if len(self._buckets) >= MIN_POINTS and x - self._buckets[0][1] >= MIN_SPAN_S:
            self._refit()
        self._buckets.append([bucket, x, late])

    def _refit(self) -> None:
        points = np.asarray(self._buckets)
        self._slope = common_slope(points[:, 1], points[:, 2], np.zeros(1, dtype=np.intp))
        self._offset_s = float(np.min(points[:, 2] - self._slope * points[:, 1]))
