"""A link that misbehaves on purpose: drops, splits, nonsense, stalls. Derived from a real one, seeded."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from recorder.errors import LinkLost
from recorder.transports import Chunk, Transport


@dataclass(frozen=True, slots=True)
class Faults:
    """Chances per chunk, 0 to 1.

    Args:
        drop: the chunk is lost.
        split: it comes in pieces of random length.
        nonsense: random bytes come before it.
        stall: nothing comes for ``stall_reads`` reads, then everything at once.
        break_after: chunks after which the link is lost, None = never.
    """

    drop: float = 0.0
    split: float = 0.0
    nonsense: float = 0.0
    stall: float = 0.0
    stall_reads: int = 5
    break_after: int | None = None


class FaultTransport:
    """Wraps a transport.

    Args:
        inner: the real one.
        faults: what goes wrong how often.
        seed: same seed, same faults.
    """

    def __init__(self, inner: Transport, faults: Faults, seed: int) -> None:
        self._inner = inner
        self._faults = faults
        self._random = random.Random(seed)
        self._ready: deque[Chunk] = deque()
        self._held: list[Chunk] = []
        self._stalled = 0
        self.n_chunks = 0
        self.n_dropped = 0

    def read(self, timeout_s: float) -> Chunk | None:
        """See :class:`recorder.transports.Transport`."""
        if self._ready:
            return self._ready.popleft()
        if self._faults.break_after is not None and self.n_chunks >= self._faults.break_after:
            raise LinkLost("The faulty link broke, as asked")
        chunk = self._inner.read(timeout_s)
        if chunk is None:
            return None
        self.n_chunks += 1
        self._pass_on(chunk)
        return self._ready.popleft() if self._ready else None

    def write(self, data: bytes) -> None:
        """See :class:`recorder.transports.Transport`."""
        self._inner.write(data)

    def close(self) -> None:
        """See :class:`recorder.transports.Transport`."""
        self._inner.close()

    def _pass_on(self, chunk: Chunk) -> None:
        if self._happens(self._faults.drop):
            self.n_dropped += 1
            return
        if not self._stalled and self._happens(self._faults.stall):
            self._stalled = self._faults.stall_reads
        self._held.extend(self._pieces(self._with_nonsense(chunk)))
        if self._stalled:
            self._stalled -= 1
            return
        self._ready.extend(Chunk(held.data, chunk.t_host_ns) for held in self._held)
        self._held.clear()

    def _with_nonsense(self, chunk: Chunk) -> Chunk:
        if not self._happens(self._faults.nonsense):
            return chunk
        noise = self._random.randbytes(self._random.randint(1, 40))
        return Chunk(noise + chunk.data, chunk.t_host_ns)

    def _pieces(self, chunk: Chunk) -> list[Chunk]:
        if not self._happens(self._faults.split):
            return [chunk]
        pieces, rest = [], chunk.data
        while rest:
            n = self._random.randint(1, max(1, len(rest)))
            pieces.append(Chunk(rest[:n], chunk.t_host_ns))
            rest = rest[n:]
        return pieces

    def _happens(self, chance: float) -> bool:
        return self._random.random() < chance
