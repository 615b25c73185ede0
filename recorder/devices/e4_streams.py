"""Samples of an E4 → numbered blocks. Gaps are found in the server's stamps, which are never rewritten.

The server stamps the first packet with its clock and adds n / nominal rate: within a connection a stamp that
comes later than that means samples were lost, and how many.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recorder.devices.contract import DriverEvent, Notice
from recorder.protocols.e4_description import RATES_HZ
from recorder.protocols.e4_events import Sample
from recorder.protocols.e4_server import as_float, battery_fraction
from recorder.schema import Gap, SampleBlock, StreamInfo

STAMP_STEP_S = 2.0
"""A sample cannot be younger than the freshest so far by more: then the server's clock was set forward."""


@dataclass(slots=True)
class StreamState:
    """Numbering and stamps of one stream.

    Args:
        info: the stream.
        period_us: between samples of a regular stream, 0 for numerics.
        interrupted: the server told that the radio was lost; its stamps count what came and show nothing of it.
        freshest_us: smallest arrival − stamp of this connection; a backlog that is read at once is older than that.
    """

    info: StreamInfo
    period_us: float
    next_no: int = 0
    last_stamp_us: int | None = None
    last_arrival_ns: int | None = None
    relinked: bool = False
    interrupted: bool = False
    freshest_us: int | None = None

    def relink(self) -> None:
        """A new connection: stamps begin anew, numbering goes on."""
        self.last_stamp_us = self.freshest_us = None
        self.relinked = self.last_arrival_ns is not None
        self.interrupted = False

    def interrupt(self) -> None:
        """The radio was lost, or is back: what came between is missing, and nobody counted it."""
        self.interrupted = self.last_arrival_ns is not None

    def blocks(self, samples: list[Sample], t_host_ns: int) -> list[DriverEvent]:
        """Samples that arrived together, in order → gaps, notices, blocks."""
        events: list[DriverEvent] = []
        run: list[Sample] = []
        for sample in samples:
            found = self._before(sample, t_host_ns)
            if found and run:
                events.append(self._block(run, t_host_ns))
                run = []
            events.extend(self._announce(found, t_host_ns))
            run.append(sample)
            self._remember(sample.stamp_us, t_host_ns, stepped=found.startswith("stamp-step"))
        events.append(self._block(run, t_host_ns))
        self.last_arrival_ns = t_host_ns
        return events

    def _before(self, sample: Sample, t_host_ns: int) -> str:
        """What lies between the last sample and this one, by its cause; empty if nothing."""
        if self.period_us == 0.0:
            return ""
        if self.relinked:
            return "link-lost"
        missing = self._missing(sample.stamp_us)
        if self.interrupted and missing <= 0:
            return "link-lost"
        if missing < 0:
            return "stamps-back"
        if missing > 0:
            age_us = t_host_ns // 1000 - sample.stamp_us
            ahead_us = 0 if self.freshest_us is None else self.freshest_us - age_us
            return "stamp-step" if ahead_us > STAMP_STEP_S * 1e6 else f"stamp-jump {missing}"
        return ""

    def _remember(self, stamp_us: int, t_host_ns: int, *, stepped: bool) -> None:
        age_us = t_host_ns // 1000 - stamp_us
        back = self.last_stamp_us is not None and stamp_us < self.last_stamp_us
        anew = stepped or back
        self.freshest_us = age_us if self.freshest_us is None or anew else min(self.freshest_us, age_us)
        self.last_stamp_us = stamp_us

    def _missing(self, stamp_us: int) -> int:
        if self.last_stamp_us is None:
            return 0
        return round((stamp_us - self.last_stamp_us) / self.period_us) - 1

    def _announce(self, found: str, t_host_ns: int) -> Iterable[DriverEvent]:
        if not found:
            return
        cause, _, count = found.partition(" ")
        stream_id, self.relinked, self.interrupted = self.info.stream_id, False, False
        if cause in {"stamps-back", "stamp-step"}:
            back = cause == "stamps-back"
            text = (
                f"{stream_id}: the server's stamps {'went back' if back else 'jumped ahead of the clock'}; "
                "numbering goes on, see whether the clock of its computer was set"
            )
            yield Notice(cause, text, t_host_ns, stream_id)
            if back:
                return
        missing = int(count) if count else None
        t0 = t_host_ns if self.last_arrival_ns is None else min(self.last_arrival_ns, t_host_ns)
        yield Gap(stream_id, self.next_no, missing, t0, t_host_ns, cause)
        self.next_no += missing or 0

    def _block(self, run: list[Sample], t_host_ns: int) -> SampleBlock:
        first, self.next_no = self.next_no, self.next_no + len(run)
        stamps = np.array([sample.stamp_us for sample in run], dtype=np.int64)
        return SampleBlock(self.info.stream_id, first, _values(run), t_host_ns, 0, stamps)


def _values(run: list[Sample]) -> np.ndarray:
    kind = run[0].kind
    if kind == "acc":
        return np.array([[m for m, _ in sample.values] for sample in run], dtype=np.int16)
    if kind in RATES_HZ:
        return np.array([sample.values[0] for sample in run], dtype=np.int64)
    read = battery_fraction if kind == "bat" else as_float
    return np.array([[read(sample.values[0])] for sample in run], dtype=np.float64)
