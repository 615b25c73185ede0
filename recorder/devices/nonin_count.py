"""Numbering of Nonin frames. The device numbers nothing but the first of 25: how many frames are missing is known
modulo 25 from there, and whole packets only show as a lag behind their pace that does not go away. Pure.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from recorder.protocols.nonin import PACKET_FRAMES, RATE_HZ, Frame

Timed = tuple[Frame, int]
"""A frame and its arrival, host ns."""

PATIENCE_FRAMES: Final = 2 * PACKET_FRAMES
"""Frames held back after damage until a first frame tells how many are missing; more than this and none will."""
LAG_NS: Final = 250_000_000
"""A lag of less than a packet (333 ms) is the adapter's."""
LASTING_NS: Final = 2_000_000_000
"""A backlog is read at once; a lag that lasts so long is missing packets."""
FLOOR_SPAN_NS: Final = 60_000_000_000
"""The pace is compared with itself over so long, in which a clock 200 ppm off drifts 12 ms."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Frames missing before what follows; None = nobody can tell."""

    missing: int | None
    cause: str
    detail: str = ""


Out = Timed | Hole


@dataclass(slots=True)
class FrameOrder:
    """Frames in, the same frames with their holes out.

    ``packet`` is the newest whole packet's frames, once.
    """

    packet: tuple[Frame, ...] = ()
    _position: int | None = None
    _held: list[Timed] | None = None
    _so_far: list[Frame] = field(default_factory=list)

    def relink(self) -> list[Out]:
        """A new connection; gives what was held back."""
        out = self._release(None) if self._held else []
        self._position, self._held, self._so_far, self.packet = None, None, [], ()
        return out

    def hurt(self) -> None:
        """Bytes that were no frame lay here: frames may be missing."""
        if self._held is None and self._position is not None:
            self._held = []
        self._so_far = []

    def take(self, frame: Frame, t: int) -> list[Out]:
        """One more frame."""
        self.packet = ()
        if frame.is_first:
            return self._first(frame, t)
        if self._held is None and self._position == PACKET_FRAMES:  # the first of a packet did not come
            self.hurt()
        if self._held is not None:
            self._held.append((frame, t))
            return self._release(None) if len(self._held) > PATIENCE_FRAMES else []
        return [self._step(frame, t)]

    def overdue(self, t: int, patience_ns: int) -> list[Out]:
        """Give up waiting for a first frame."""
        if self._held and t - self._held[0][1] > patience_ns:
            return self._release(None)
        return []

    def _first(self, frame: Frame, t: int) -> list[Out]:
        out: list[Out] = []
        if self._held is not None and self._position is not None:
            missing = -(self._position + len(self._held)) % PACKET_FRAMES
            out = self._release(missing)
        elif self._position is not None and self._position < PACKET_FRAMES:
            out = [Hole(PACKET_FRAMES - self._position, "counter-jump", "somewhere in the packet before")]
        self._position, self._so_far = 0, []
        return [*out, self._step(frame, t)]

    def _release(self, missing: int | None) -> list[Out]:
        """What was held back, after the hole. The position is lost until the next first frame."""
        held, self._held = self._held or [], None
        self._position, self._so_far = None, []
        hole: list[Out] = [] if missing == 0 else [Hole(missing, "counter-jump")]
        return [*hole, *held]

    def _step(self, frame: Frame, t: int) -> Timed:
        if self._position is not None:
            self._position += 1
            self._so_far.append(frame)
            if self._position == PACKET_FRAMES and len(self._so_far) == PACKET_FRAMES:
                self.packet = tuple(self._so_far)
        return frame, t


@dataclass(slots=True)
class Pace:
    """Whole packets that never came, found by a lag that lasts."""

    _count: int = 0
    _floor: deque[tuple[int, int]] = field(default_factory=deque)
    _behind_since: int | None = None
    _least_behind: int = 0

    def relink(self) -> None:
        """A new connection."""
        self._count, self._behind_since = 0, None
        self._floor.clear()

    def numbers(self, n: int) -> None:
        """So many frames came or are counted as missing."""
        self._count += n

    def missing_packets(self, t: int) -> int:
        """Asked at each first frame: packets that must be missing by now, else 0."""
        lag = t - round(self._count / RATE_HZ * 1e9)
        while self._floor and t - self._floor[0][0] > FLOOR_SPAN_NS:
            self._floor.popleft()
        floor = min((value for _, value in self._floor), default=lag)
        if lag - floor < LAG_NS:
            self._behind_since = None
            self._floor.append((t, lag))
            return 0
        if self._behind_since is None:
            self._behind_since, self._least_behind = t, lag - floor
        self._least_behind = min(self._least_behind, lag - floor)
        if t - self._behind_since < LASTING_NS:
            return 0
        self._behind_since = None
        return round(self._least_behind * 1e-9 * RATE_HZ / PACKET_FRAMES)
