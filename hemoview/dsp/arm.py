"""Was the arm turned? From where gravity points in the wristband, once it is still again. Raw is never corrected.

A wrist that shakes or works moves about its old place; an arm that is laid down elsewhere is still afterwards, and
gravity points elsewhere in it. Turning about the vertical is not seen, and does not change the height of the hand.
Turning the palm is seen and may leave the height as it was; that is why somebody is asked.

What a turn may mean for pressure at the wrist: 0.77 mmHg a centimetre of height (ρ·g of blood: 1060 kg/m³ · 9.81 m/s²
= 104 Pa/cm). The height itself is not in the accelerometer. An upper arm that stays and a forearm of 25 cm (elbow to
wrist, adult mean 24 to 27) that turns by θ moves the wrist by at most the chord, 2·25·sin(θ/2) cm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.quality import motion_rms_g
from hemoview.dsp.windows import SampleRing

MMHG_PER_CM: Final = 0.77
FOREARM_CM: Final = 25.0
TURN_S: Final = 1.0
SPAN_S: Final = 2.0
"""Every second, the mean direction of the newest 2 s."""
STILL_G: Final = 0.04
"""RMS of 0.5 to 10 Hz above which an arm moves (decision 0009)."""
GRAVITY_G: Final = (0.85, 1.15)
"""Length of a mean that can be gravity."""
SETTLED: Final = 5
"""Seconds in a row that must be still and point the same way."""
SAME_DEG: Final = 10.0
TURNED_DEG: Final = 30.0
"""10 mmHg and more at the hand for a forearm that turns so far."""


@dataclass(frozen=True, slots=True)
class Turned:
    """The arm lies otherwise than when it was still last.

    Args:
        sample_no: when it was known.
        angle_deg: between the two directions of gravity.
    """

    sample_no: int
    angle_deg: float

    @property
    def height_cm(self) -> float:
        """By how much the wrist may be higher or lower now."""
        return plausible_height_cm(self.angle_deg)


def plausible_height_cm(angle_deg: float) -> float:
    """Most that a wrist rises or falls when a forearm turns by ``angle_deg``, cm."""
    return float(2.0 * FOREARM_CM * np.sin(np.radians(angle_deg) / 2.0))


class ArmTracker:
    """Follows one accelerometer; what it finds does not depend on how the samples were chunked.

    Args:
        rate_hz: nominal.
    """

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._ring = SampleRing(round((SPAN_S + 2 * TURN_S) * rate_hz) + 2, 3)
        self._part = max(1, round(TURN_S * rate_hz))
        self._settling: list[NDArray[np.float64]] = []
        self._lies: NDArray[np.float64] | None = None

    def push(self, first_no: int, acceleration_g: NDArray[np.float64]) -> Iterator[Turned]:
        """Take consecutive samples ``(n, 3)``, g."""
        for start in range(0, len(acceleration_g), self._part):
            before = self._ring.next_no
            part = acceleration_g[start : start + self._part]
            if self._ring.append(first_no + start, part):
                before = self._ring.run_start_no
                self._settling = []
            yield from self._turns(before)

    def cut(self) -> None:
        """Samples were lost; where the arm lay before is still known."""
        self._ring.cut()

    def _turns(self, after_no: int) -> Iterator[Turned]:
        turn = int(after_no // (TURN_S * self.rate_hz)) + 1
        while (end_no := round(turn * TURN_S * self.rate_hz)) <= self._ring.next_no:
            if end_no > after_no:
                yield from self._look(end_no)
            turn += 1

    def _look(self, end_no: int) -> Iterator[Turned]:
        held = self._ring.read(end_no - round(SPAN_S * self.rate_hz), end_no)
        direction = None if held is None else still_direction(held, self.rate_hz)
        if direction is None:
            self._settling = []
            return
        if self._settling and angle_deg(self._settling[0], direction) > SAME_DEG:
            self._settling = []
        self._settling.append(direction)
        if len(self._settling) < SETTLED:
            return
        lies = _unit(np.sum(self._settling, axis=0))
        self._settling = self._settling[1:]
        before, self._lies = self._lies, lies if self._lies is None else self._lies
        if before is not None and (angle := angle_deg(before, lies)) > TURNED_DEG:
            self._lies = lies
            yield Turned(end_no, angle)


def still_direction(acceleration_g: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64] | None:
    """Unit vector of gravity in ``(n, 3)`` samples, None while the arm moves."""
    if not np.isfinite(acceleration_g).all() or motion_rms_g(acceleration_g, rate_hz) > STILL_G:
        return None
    mean: NDArray[np.float64] = acceleration_g.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return mean / length if GRAVITY_G[0] <= length <= GRAVITY_G[1] else None


def angle_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Between two unit vectors."""
    return float(np.degrees(np.arccos(np.clip(one @ other, -1.0, 1.0))))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector))
