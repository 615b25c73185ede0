"""The same time base while it is being recorded: cheap, and time never runs backwards for whoever draws it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from recorder.clock.envelope import common_slope

MIN_POINTS = 20
MIN_SPAN_S = 20.0
"""Below either the nominal rate is used: with 60 ms of jitter a shorter fit is off by more than a crystal is."""
_BUCKET_S = 1.0
_HISTORY_BUCKETS = 900
_STEP_S = 0.5
_STEP_HELD_S = 1.0
_SLIP_S = 0.08
_SLIP_BUCKETS = 5
"""A lost wireless packet of an E4 that nobody counted is 172 ms or more; five seconds tell it from jitter."""
_SLOWEST = 0.5
"""Where a better fit moves the line back, issued times go on at no less than this share of real speed."""


@dataclass(slots=True)
class _Bucket:
    """The earliest arrival of one second: nominal time, delay, and the piece of the line it belongs to."""

    number: int
    x: float
    late: float
    piece: int


class LiveTimebase:
    """Online lower-envelope time base of one stream.

    The line begins anew, at the same rate, where samples keep coming late by more than 0.5 s for 1 s (a reconnect
    whose loss nobody could count) or 0.08 s for 5 s (a packet lost), or before they can have been taken.

    Args:
        nominal_rate_hz: what the maker says; used until 20 s have been seen.
    """

    def __init__(self, nominal_rate_hz: float) -> None:
        self.nominal_rate_hz = float(nominal_rate_hz)
        self._slope = 0.0
        self._anchor: tuple[int, int] | None = None  # (sample no, host ns) that x = y = 0 stand for
        self._offset_s = 0.0
        self._buckets: deque[_Bucket] = deque(maxlen=_HISTORY_BUCKETS)
        self._piece = 0
        self._fresh = True
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
            self._anchor = (last, t_host_ns)
        x = (last - self._anchor[0]) / self.nominal_rate_hz
        late = (t_host_ns - self._anchor[1]) / 1e9 - x
        floor = late - self._slope * x
        if (
            self._fresh
            or floor - self._offset_s < -_STEP_S
            or self._stays_late(floor - self._offset_s, t_host_ns)
        ):
            self._begin_piece(floor)
        self._keep(x, late)
        self._offset_s = min(self._offset_s, floor)

    def restart(self) -> None:
        """Forget the offset, keep the rate: the next block begins a new run (after a reported gap)."""
        self._fresh = True

    def t_ns(self, sample_no: NDArray[np.integer] | int) -> NDArray[np.int64]:
        """Host time, ns, at which each sample was taken; later samples never get earlier times than were issued.

        Raises:
            ValueError: nothing has arrived yet.
        """
        if self._anchor is None or self._fresh:
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

    def _begin_piece(self, floor_s: float) -> None:
        self._piece += 1
        self._offset_s = floor_s
        self._fresh = False
        self._late_since_ns = None

    def _stays_late(self, above_s: float, t_host_ns: int) -> bool:
        if above_s < _STEP_S:
            self._late_since_ns = None
            return False
        if self._late_since_ns is None:
            self._late_since_ns = t_host_ns
        return t_host_ns - self._late_since_ns >= _STEP_HELD_S * 1e9

    def _keep(self, x: float, late: float) -> None:
        number = int(x // _BUCKET_S)
        newest = self._buckets[-1] if self._buckets else None
        if newest is not None and (newest.number, newest.piece) == (number, self._piece):
            if late < newest.late:
                newest.x, newest.late = x, late
            return
        self._find_slip()
        self._refit()
        self._buckets.append(_Bucket(number, x, late, self._piece))

    def _find_slip(self) -> None:
        """The last seconds all lie above the line, and did not come in one burst: they are a piece of their own."""
        recent = [
            bucket for bucket in islice(reversed(self._buckets), _SLIP_BUCKETS) if bucket.piece == self._piece
        ]
        floor = min((bucket.late - self._slope * bucket.x for bucket in recent), default=0.0)
        arrivals = [bucket.x + bucket.late for bucket in recent]
        held = len(recent) == _SLIP_BUCKETS and arrivals[0] - arrivals[-1] > (_SLIP_BUCKETS - 2) * _BUCKET_S
        if held and floor - self._offset_s > _SLIP_S:
            self._begin_piece(floor)
            for bucket in recent:
                bucket.piece = self._piece

    def _refit(self) -> None:
        buckets = self._buckets
        if len(buckets) < MIN_POINTS or buckets[-1].x - buckets[0].x < MIN_SPAN_S:
            return
        x = np.array([bucket.x for bucket in buckets])
        late = np.array([bucket.late for bucket in buckets])
        pieces = np.array([bucket.piece for bucket in buckets])
        starts = np.flatnonzero(np.diff(pieces, prepend=-1))
        self._slope = common_slope(x, late, starts)
        own = pieces == self._piece
        if own.any():
            self._offset_s = float(np.min((late - self._slope * x)[own]))
