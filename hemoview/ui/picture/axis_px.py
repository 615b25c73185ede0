"""Elapsed seconds ↔ pixels, with the margins shared by the picture and the minimap under it."""

from __future__ import annotations

from dataclasses import dataclass

GUTTER_PX = 84
RIGHT_PX = 10


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """A span of elapsed time drawn from pixel ``left`` over ``width`` pixels."""

    t0_s: float
    t1_s: float
    left: float
    width: float

    def x(self, t_s: float) -> float:
        """Pixel of a moment."""
        return self.left + (t_s - self.t0_s) * self.width / (self.t1_s - self.t0_s)

    def t(self, x: float) -> float:
        """Moment at a pixel."""
        return self.t0_s + (x - self.left) * (self.t1_s - self.t0_s) / self.width
