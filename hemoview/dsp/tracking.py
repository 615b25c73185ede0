"""Beats of a whole stream from a detector of short stretches, the same live as offline.

Time is cut into turns of one second, counted in sample numbers. Each turn is searched in a stretch with room on both
sides, when the last sample of that stretch has come; so a beat is known at most 3 s after it happened, and which
beats are found does not depend on how the samples were chunked. A hole ends a run: its rest is searched as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.windows import SampleRing

TURN_S = 1.0
ROOM_BEFORE_S = 3.0
ROOM_AFTER_S = 2.0
LATE_S = 0.1
"""A beat may be claimed this long before its turn if the turn before did not see it."""
LONGEST_INTERVAL_S = 3.0
"""More than this between beats (20/min) is a pause of unknown cause, not an interval."""


class Positioned(Protocol):
    """A beat with a place in its stream, in samples."""

    @property
    def position(self) -> float:
        """Samples from sample 0 of what was searched."""
        ...

    def shifted(self, by: int) -> Self:
        """The same beat, ``by`` samples later."""
        ...


B = TypeVar("B", bound=Positioned)
Detector = Callable[[NDArray[np.float64], float], Sequence[B]]


@dataclass(frozen=True, slots=True)
class Tracked(Generic[B]):
    """A beat, placed in the stream's own numbering.

    Args:
        beat: as its detector describes it.
        interval_s: since the beat before; None at the start of a run or after a pause.
    """

    beat: B
    interval_s: float | None


class BeatTracker(Generic[B]):
    """Follows one channel of one stream.

    Args:
        detect: finds the beats of a stretch.
        rate_hz: nominal rate.
        refractory_s: shortest time between two beats.
    """

    def __init__(self, detect: Detector[B], rate_hz: float, *, refractory_s: float) -> None:
        self._detect = detect
        self.rate_hz = rate_hz
        self._refractory = refractory_s * rate_hz
        self._part = round(TURN_S * rate_hz)
        self._ring = SampleRing(round((ROOM_BEFORE_S + 2 * TURN_S + ROOM_AFTER_S) * rate_hz) + 2)
        self._next_turn = 0
        self._last: float | None = None

    def push(self, first_no: int, samples: NDArray[np.float64]) -> Iterator[Tracked[B]]:
        """Take consecutive samples ``(n,)``; yield the beats that are now certain, in order."""
        if self._ring.runs and first_no > self._ring.next_no:
            yield from self.flush()
        for start in range(0, len(samples), self._part):
            if self._ring.append(first_no + start, samples[start : start + self._part, None]):
                self._next_turn = int(self._ring.run_start_no // (TURN_S * self.rate_hz))
                self._last = None
            while self._turn_stop(self._next_turn) + self._room_after <= self._ring.next_no:
                yield from self._search(self._next_turn)
                self._next_turn += 1

    def cut(self) -> Iterator[Tracked[B]]:
        """Samples were lost that nobody could count: the run ends here, the next samples begin another."""
        yield from self.flush()
        self._ring.cut()

    def flush(self) -> Iterator[Tracked[B]]:
        """The run has ended: search what is left of it."""
        while self._ring.runs and self._turn_stop(self._next_turn - 1) < self._ring.next_no:
            yield from self._search(self._next_turn)
            self._next_turn += 1

    @property
    def _room_after(self) -> int:
        return round(ROOM_AFTER_S * self.rate_hz)

    def _turn_stop(self, turn: int) -> int:
        return round((turn + 1) * TURN_S * self.rate_hz)

    def _search(self, turn: int) -> Iterator[Tracked[B]]:
        begin, end = self._turn_stop(turn - 1), self._turn_stop(turn)
        first = max(self._ring.run_start_no, begin - round(ROOM_BEFORE_S * self.rate_hz))
        stretch = self._ring.read(first, min(self._ring.next_no, end + self._room_after))
        if stretch is None:
            return
        for beat in self._detect(stretch[:, 0], self.rate_hz):
            at = beat.position + first
            too_soon = self._last is not None and at < self._last + self._refractory
            if not too_soon and begin - LATE_S * self.rate_hz <= at < end:
                yield Tracked(beat.shifted(first), self._interval_s(at))
                self._last = at

    def _interval_s(self, at: float) -> float | None:
        if self._last is None:
            return None
        interval_s = (at - self._last) / self.rate_hz
        return interval_s if interval_s <= LONGEST_INTERVAL_S else None


def track_all(
    detect: Detector[B], samples: NDArray[np.float64], rate_hz: float, *, refractory_s: float
) -> list[Tracked[B]]:
    """Every beat of a recording without a hole: ``(n,)`` samples in, beats out; the live tracker run to the end."""
    tracker = BeatTracker(detect, rate_hz, refractory_s=refractory_s)
    return [*tracker.push(0, samples), *tracker.flush()]
