"""Bytes recorded with their times, played again through the same seam as a live link."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from recorder.clock import Clock
from recorder.errors import ConfigError, LinkLost
from recorder.transports.contract import Chunk, Transport


class ReplayTransport:
    """Plays chunks at the pace they came, from the moment of the first read; then the link is lost.

    Args:
        chunks: as recorded, in order; only differences of their times matter.
        clock: stamps arrivals and paces.
        paced: False gives every chunk at once.
    """

    def __init__(self, chunks: Sequence[Chunk], clock: Clock, *, paced: bool = True) -> None:
        self._chunks = list(chunks)
        self._clock = clock
        self._paced = paced
        self._next = 0
        self._shift_ns: int | None = None
        self.written: list[bytes] = []

    def read(self, timeout_s: float) -> Chunk | None:
        """See :class:`recorder.transports.Transport`."""
        if self._next == len(self._chunks):
            raise LinkLost("The capture has ended")
        chunk = self._chunks[self._next]
        now = self._clock.monotonic_ns()
        if self._shift_ns is None:
            self._shift_ns = now - chunk.t_host_ns
        if self._paced:
            wait_s = self._clock.real_timeout((chunk.t_host_ns + self._shift_ns - now) / 1e9)
            time.sleep(max(0.0, min(wait_s, timeout_s)))
            if wait_s > timeout_s:
                return None
        self._next += 1
        return Chunk(chunk.data, self._clock.monotonic_ns())

    def write(self, data: bytes) -> None:
        """What the driver says is kept in ``written``."""
        self.written.append(data)

    def close(self) -> None:
        """See :class:`recorder.transports.Transport`."""
        self._next = len(self._chunks)


class CaptureTransport:
    """Passes a link through and keeps what came, for :func:`save_capture`.

    Args:
        inner: the link.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.chunks: list[Chunk] = []

    def read(self, timeout_s: float) -> Chunk | None:
        """See :class:`recorder.transports.Transport`."""
        chunk = self._inner.read(timeout_s)
        if chunk is not None:
            self.chunks.append(chunk)
        return chunk

    def write(self, data: bytes) -> None:
        """See :class:`recorder.transports.Transport`."""
        self._inner.write(data)

    def close(self) -> None:
        """See :class:`recorder.transports.Transport`."""
        self._inner.close()


def save_capture(chunks: Iterable[Chunk], path: Path) -> None:
    """Write one line a chunk: host ns and the bytes in hexadecimal."""
    lines = [f"{chunk.t_host_ns} {chunk.data.hex()}\n" for chunk in chunks]
    path.write_text("".join(lines), encoding="ascii")


def load_capture(path: Path) -> list[Chunk]:
    """Read what :func:`save_capture` wrote.

    Raises:
        ConfigError: the file is no capture; names the line.
    """
    chunks = []
    for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), start=1):
        try:
            stamp, octets = line.split()
            chunks.append(Chunk(bytes.fromhex(octets), int(stamp)))
        except ValueError as error:
            raise ConfigError(
                f"capture {path}, line {number}: is not 'ns hexadecimal'; use a capture"
            ) from error
    return chunks
