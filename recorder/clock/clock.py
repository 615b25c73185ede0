"""The one reader of time. ``--speed`` scales every process by the same rule, handed down in the environment."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

CLOCK_ENV = "HEMOVIEW_CLOCK"
"""``speed:base_monotonic_ns:base_wall_ns``; set by the command that starts the processes."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Host time: monotonic for order and length, wall for the calendar.

    Args:
        speed: how much faster than real time it runs; claims on latency, loss and drift hold for 1 only.
        base_monotonic_ns, base_wall_ns: the moment at which scaled and real time agree.
    """

    speed: float = 1.0
    base_monotonic_ns: int = 0
    base_wall_ns: int = 0

    def __post_init__(self) -> None:
        if not 0.1 <= self.speed <= 100:
            raise ValueError(f"speed {self.speed:g} is outside 0.1 to 100")

    @classmethod
    def from_environment(cls) -> Self:
        """The clock of the process that started this one; real time where there is none."""
        text = os.environ.get(CLOCK_ENV, "")
        if not text:
            return cls()
        speed, monotonic, wall = text.split(":")
        return cls(float(speed), int(monotonic), int(wall))

    @classmethod
    def scaled(cls, speed: float) -> Self:
        """A clock that runs ``speed`` times as fast from now on."""
        return cls(speed, time.monotonic_ns(), time.time_ns())

    def to_environment(self) -> dict[str, str]:
        """What to add to a child's environment so that it shares this clock."""
        return {CLOCK_ENV: f"{self.speed}:{self.base_monotonic_ns}:{self.base_wall_ns}"}

    def monotonic_ns(self) -> int:
        """Host monotonic time, ns; never steps, stops in suspend on Linux."""
        now = time.monotonic_ns()
        if self.speed == 1.0:
            return now
        return self.base_monotonic_ns + int((now - self.base_monotonic_ns) * self.speed)

    def wall_ns(self) -> int:
        """UTC wall time, ns since 1970; may step."""
        now = time.time_ns()
        if self.speed == 1.0:
            return now
        return self.base_wall_ns + int((now - self.base_wall_ns) * self.speed)

    def sleep(self, seconds: float) -> None:
        """Sleep ``seconds`` of this clock."""
        if seconds > 0:
            time.sleep(seconds / self.speed)

    def real_timeout(self, seconds: float) -> float:
        """``seconds`` of this clock as real seconds, for calls that wait."""
        return seconds / self.speed


@dataclass(frozen=True, slots=True)
class ClockEra:
    """One run of one host clock: host times of different eras are never subtracted.

    Args:
        number: index in the session, from 0.
        era_id: unique.
        boot_id: of the operating system, empty where it has none.
        monotonic_ns, wall_ns: read together when the era began.
        reason: why it began: ``start``, ``recorder-restart``, ``resume``, ``reboot``.
        speed: scale of the clock.
    """

    number: int
    era_id: str
    boot_id: str
    monotonic_ns: int
    wall_ns: int
    reason: str = "start"
    speed: float = 1.0

    def wall_at(self, t_host_ns: int) -> int:
        """UTC wall time, ns, of a host time of this era."""
        return self.wall_ns + (t_host_ns - self.monotonic_ns)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`."""
        return cls(**{k: v for k, v in value.items() if k in cls.__dataclass_fields__})


def begin_era(clock: Clock, number: int = 0, reason: str = "start") -> ClockEra:
    """A new era that begins now."""
    return ClockEra(
        number, uuid.uuid4().hex, boot_id(), clock.monotonic_ns(), clock.wall_ns(), reason, clock.speed
    )


def boot_id() -> str:
    """Identity of this boot of the machine, empty where the system tells none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
