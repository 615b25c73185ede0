"""A clock that goes where a test puts it."""

from __future__ import annotations

from recorder.acquire.clockwatch import Reading
from recorder.clock import Clock


class FakeClock(Clock):
    """Starts at 1000 s monotonic; time passes only when told, also in :meth:`sleep`."""

    def __init__(self, monotonic_s: float = 1000.0, wall_s: float = 1.8e9) -> None:
        super().__init__()
        self.now_ns = int(monotonic_s * 1e9)
        self.now_wall_ns = int(wall_s * 1e9)
        self.slept_ns = 0

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the clock it derives from is frozen; this one moves

    def monotonic_ns(self) -> int:
        """Where the test put it."""
        return self.now_ns

    def wall_ns(self) -> int:
        """Where the test put it."""
        return self.now_wall_ns

    def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Time passes on both clocks."""
        self.now_ns += int(seconds * 1e9)
        self.now_wall_ns += int(seconds * 1e9)

    def set_wall(self, seconds: float) -> None:
        """Somebody sets the wall clock by so much."""
        self.now_wall_ns += int(seconds * 1e9)

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: the wall clock goes on, the monotonic one stands still (as on Linux)."""
        self.now_wall_ns += int(seconds * 1e9)
        self.slept_ns += int(seconds * 1e9)

    def reading(self) -> Reading:
        """All clocks together."""
        return Reading(self.now_ns, self.now_wall_ns, self.now_ns + self.slept_ns)
