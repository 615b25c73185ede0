"""A driver in conversation over memory, and what it told: blocks, gaps, rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
from driver_sides import Side

from recorder.devices.contract import Driver, DriverEvent, Send
from recorder.errors import LinkLost
from recorder.schema import Gap, SampleBlock
from recorder.transports import Chunk, Transport

S = 1_000_000_000


class MemoryTransport:
    """A link in memory: what the driver sends is answered by ``side``; ``put`` makes more arrive."""

    def __init__(self, side: Side, t_host_ns: int) -> None:
        self._side = side
        self.waiting: deque[bytes] = deque()
        self.t_host_ns = t_host_ns

    def put(self, *pieces: bytes) -> None:
        self.waiting.extend(pieces)

    def read(self, timeout_s: float) -> Chunk | None:
        self.t_host_ns += 10_000_000
        if not self.waiting:
            raise LinkLost("the memory is empty")
        return Chunk(self.waiting.popleft(), self.t_host_ns)

    def write(self, data: bytes) -> None:
        answer = self._side.answer(data)
        if answer:
            self.waiting.appendleft(answer)

    def close(self) -> None:
        self.waiting.clear()


def converse(driver: Driver, transport: Transport, events: Sequence[DriverEvent]) -> list[DriverEvent]:
    """Write what the driver sends; give back the rest."""
    for event in events:
        if isinstance(event, Send):
            transport.write(event.data)
    return [event for event in events if not isinstance(event, Send)]


def run_memory(
    driver: Driver,
    side: Side,
    pieces: Sequence[bytes],
    wrap: Callable[[Transport], Transport] = lambda t: t,
    t0_ns: int = 10 * S,
) -> list[DriverEvent]:
    """A whole connection over memory: conversation first, then ``pieces``, until nothing is left."""
    memory = MemoryTransport(side, t0_ns)
    seen = converse(driver, memory, driver.on_connected(memory.t_host_ns))
    while memory.waiting:
        chunk = memory.read(0.0)
        assert chunk is not None
        seen += converse(driver, memory, driver.feed(chunk))
    memory.put(*pieces)
    faulty = wrap(memory)
    with suppress(LinkLost):
        while True:
            chunk = faulty.read(0.0)
            if chunk is not None:
                seen += converse(driver, faulty, driver.feed(chunk))
            seen += converse(driver, faulty, driver.tick(memory.t_host_ns))
    return seen


def blocks_of(events: Sequence[DriverEvent], stream_id: str) -> list[SampleBlock]:
    return [event for event in events if isinstance(event, SampleBlock) and event.stream_id == stream_id]


def gaps_of(events: Sequence[DriverEvent], stream_id: str) -> list[Gap]:
    return [event for event in events if isinstance(event, Gap) and event.stream_id == stream_id]


def rows_of(events: Sequence[DriverEvent], stream_id: str) -> list[tuple[object, ...]]:
    """(number, device stamp, values…) of every sample, in order of arrival."""
    rows: list[tuple[object, ...]] = []
    for block in blocks_of(events, stream_id):
        stamps = np.zeros(block.n_samples) if block.device_time_us is None else block.device_time_us
        numbers = range(block.first_sample_no, block.next_sample_no)
        rows += [(n, int(s), *v) for n, s, v in zip(numbers, stamps, block.values.tolist(), strict=True)]
    return rows
