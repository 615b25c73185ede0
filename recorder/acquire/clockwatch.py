"""Notices that the machine slept or that its wall clock was set. Pure: compares two readings of the clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

ASLEEP_S: Final = 1.0
"""The clock that runs on in suspend may lead the other by scheduling noise, never by a second."""
STEPPED_S: Final = 0.5
"""NTP slews at 500 ppm: 0.25 ms in half a second. More than this was a step."""
LATE_S: Final = 20.0
"""Without a clock that runs on in suspend, a loop of 0.5 s that comes back so late was asleep."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All clocks, read together, in ns. ``boottime_ns`` runs on in suspend; None where there is none."""

    monotonic_ns: int
    wall_ns: int
    boottime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Interruption:
    """What happened between two readings, and by how much."""

    kind: Literal["suspend", "clock-step"]
    seconds: float


def compare(before: Reading, after: Reading) -> Interruption | None:
    """What happened to the clocks between two readings, if anything."""
    passed = after.monotonic_ns - before.monotonic_ns
    stepped = (after.wall_ns - before.wall_ns - passed) / 1e9
    asleep = _asleep_s(before, after, passed)
    if asleep is not None:
        return Interruption("suspend", asleep)
    if abs(stepped) > STEPPED_S:
        return Interruption("clock-step", stepped)
    return None


def _asleep_s(before: Reading, after: Reading, passed_ns: int) -> float | None:
    if before.boottime_ns is not None and after.boottime_ns is not None:
        asleep = (after.boottime_ns - before.boottime_ns - passed_ns) / 1e9
        return asleep if asleep > ASLEEP_S else None
    late = passed_ns / 1e9
    return late if late > LATE_S else None


class ClockWatch:
    """Remembers the last reading.

    Args:
        read: all clocks at once, in real time (not scaled).
    """

    def __init__(self, read: Callable[[], Reading]) -> None:
        self._read = read
        self._last = read()

    def look(self) -> Interruption | None:
        """What happened since the last look."""
        before, self._last = self._last, self._read()
        return compare(before, self._last)


def read_clocks(boottime_ns: Callable[[], int | None]) -> Reading:
    """The clocks of this machine."""
    return Reading(time.monotonic_ns(), time.time_ns(), boottime_ns())
