"""What carries bytes: the seam between a device's conversation and the operating system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they came, stamped with host monotonic time right after the read returned."""

    data: bytes
    t_host_ns: int


class Transport(Protocol):
    """An open link. All calls come from the device's own thread."""

    def read(self, timeout_s: float) -> Chunk | None:
        """Whatever has arrived, or None after ``timeout_s`` (real seconds) without a byte.

        Raises:
            LinkLost: the link is gone.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send all of ``data``.

        Raises:
            LinkLost: the link is gone.
        """
        ...

    def close(self) -> None:
        """Give the link back; safe to call twice."""
        ...
