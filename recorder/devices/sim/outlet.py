"""The device's side of a link: never waits; what does not fit is an overrun, counted by frame."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Write = Callable[[bytes], int]
"""Takes what fits of the bytes and says how many; BlockingIOError = full; OSError = the link is gone."""


@dataclass(slots=True)
class Tally:
    """Samples of each stream: ``generated`` by the sensor, ``on_air_lost`` before the link, ``sent``, ``overrun``."""

    generated: Counter[str] = field(default_factory=Counter)
    on_air_lost: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    overrun: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, dict[str, int]]:
        """Stream -> the four counts."""
        names = sorted(set(self.generated) | set(self.sent) | set(self.overrun))
        parts = {
            "generated": self.generated,
            "on_air_lost": self.on_air_lost,
            "sent": self.sent,
            "overrun": self.overrun,
        }
        return {name: {part: counts[name] for part, counts in parts.items()} for name in names}


class Outlet:
    """Frames in, bytes out, as far as the link takes them.

    A frame counts as sent once its last byte was handed to the operating system; never is half a frame followed
    by another.

    Args:
        write: the link.
        tally: counts go there.
        room: bytes the device itself can hold back.
    """

    def __init__(self, write: Write, tally: Tally, room: int = 4096) -> None:
        self._write, self._tally, self._room = write, tally, room
        self._waiting = bytearray()
        self._ends: deque[tuple[int, str]] = deque()
        self._queued = self._gone = 0
        self.broken = False
        """The link is gone; what comes is overrun until :meth:`mend`."""

    @property
    def n_waiting(self) -> int:
        """Bytes not yet taken by the link."""
        return len(self._waiting)

    def put(self, stream_id: str, frames: Sequence[bytes]) -> None:
        """Queue ``frames``, one sample each; those without room are overrun. ``stream_id`` "" counts nothing."""
        for frame in frames:
            if len(self._waiting) + len(frame) > self._room and self._waiting:
                self.flush()
            if self.broken or len(self._waiting) + len(frame) > self._room:
                self._count(self._tally.overrun, stream_id)
                continue
            self._waiting += frame
            self._queued += len(frame)
            self._ends.append((self._queued, stream_id))

    def flush(self) -> None:
        """Hand over what the link takes now."""
        while self._waiting:
            try:
                n = self._write(bytes(self._waiting))
            except BlockingIOError:
                return
            except OSError:
                self.broken = True
                self.abandon()
                return
            if n <= 0:
                return
            del self._waiting[:n]
            self._gone += n
            while self._ends and self._ends[0][0] <= self._gone:
                self._count(self._tally.sent, self._ends.popleft()[1])

    def mend(self) -> None:
        """There is a link again."""
        self.broken = False

    def abandon(self) -> None:
        """The link is gone or closed: frames still waiting are overrun."""
        for _, stream_id in self._ends:
            self._count(self._tally.overrun, stream_id)
        self._ends.clear()
        self._waiting.clear()
        self._gone = self._queued

    @staticmethod
    def _count(counts: Counter[str], stream_id: str) -> None:
        if stream_id:
            counts[stream_id] += 1
