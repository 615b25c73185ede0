"""A session that is being recorded: one wave, a second at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recorder import session as store
from recorder.clock import ClockEra
from recorder.schema import Channel, Event, SampleBlock, StreamInfo, Subject

RATE_HZ = 64
SECOND_NS = 1_000_000_000
ERA = ClockEra(0, "era", "boot", 5 * SECOND_NS, 1_790_000_000 * SECOND_NS)


class Recorder:
    """Writes one wave, a second at a time."""

    def __init__(self, folder: Path) -> None:
        header = store.SessionHeader(folder.name, "test", ERA.wall_ns, subject=Subject("P-001"))
        self.writer = store.create(folder, header, ERA)
        self.writer.add_stream(
            StreamInfo("e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), "float32", RATE_HZ, "ppg")
        )
        self.seconds = 0

    def record(self, seconds: int) -> None:
        for _ in range(seconds):
            values = np.full((RATE_HZ, 1), self.seconds, np.float32)
            self.seconds += 1
            arrived_ns = ERA.monotonic_ns + self.seconds * SECOND_NS
            self.writer.write_block(SampleBlock("e4.bvp", (self.seconds - 1) * RATE_HZ, values, arrived_ns))
        self.writer.commit()

    def mark(self, label: str) -> None:
        t_ns = ERA.monotonic_ns + self.seconds * SECOND_NS
        self.writer.write_event(Event(label, "marker", t_ns, 0, 0, {"label": label, "source": "key"}))
        self.writer.commit()
