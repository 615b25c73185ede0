"""How long a device's battery lasts, from the levels it told. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Final

CHARGED: Final = 0.03
"""A level that rises by more than this was charged, or is another battery: what was known of the old one ends."""
EVERY_NS: Final = 60_000_000_000
"""Levels nearer to each other than a minute tell nothing new."""
KEPT: Final = 240
LEAST_SPAN_H: Final = 0.25
LEAST_DROP: Final = 0.02
"""Before a quarter of an hour and two percent nothing is forecast: levels come in steps of a percent."""
LONGEST_H: Final = 240.0


@dataclass(slots=True)
class BatteryWatch:
    """One device's battery since it was last charged.

    Args:
        level: the last one told, 0 to 1; None until one is known.
    """

    level: float | None = None
    _told: list[tuple[int, float]] = field(default_factory=list)
    _pace: float | None = None

    def told(self, t_host_ns: int, level: float) -> None:
        """The device said ``level``."""
        if self.level is not None and level > self.level + CHARGED:
            self._told.clear()
        self.level = level
        if not self._told or t_host_ns - self._told[-1][0] >= EVERY_NS:
            self._told.append((t_host_ns, level))
            del self._told[:-KEPT]
            self._pace = self._per_hour()

    def hours_left(self, now_ns: int) -> float | None:
        """From ``now_ns`` on, at the median pace of all pairs half of the span or more apart (Theil 1950, Sen 1968:
        one wrong level in four moves it little); None until the pace is known.
        """
        if self._pace is None or self.level is None:
            return None
        since_h = (now_ns - self._told[-1][0]) / 3.6e12
        return min(LONGEST_H, max(0.0, self.level / self._pace - since_h))

    def _per_hour(self) -> float | None:
        """Part of a full battery used in an hour, above 0."""
        if not self._told or self._told[0][1] - self._told[-1][1] < LEAST_DROP:
            return None
        times_h = [t / 3.6e12 for t, _ in self._told]
        span_h = times_h[-1] - times_h[0]
        if span_h < LEAST_SPAN_H:
            return None
        slopes = [
            (self._told[i][1] - self._told[j][1]) / (times_h[j] - times_h[i])
            for i in range(len(times_h))
            for j in range(i + 1, len(times_h))
            if times_h[j] - times_h[i] >= span_h / 2
        ]
        pace = median(slopes)
        return pace if pace > 0 else None
