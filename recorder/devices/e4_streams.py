"""Samples of an E4 → numbered blocks. Gaps are found in the server's stamps, which are never rewritten.

The server stamps the first packet with its clock and adds n / nominal rate: within a connection a stamp that
comes later than that means samples were lost, and how many.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from recorder.devices.contract import DriverEvent, Notice
from recorder.protocols.e4_events import Sample, SampleKind
from recorder.protocols.e4_server import as_float, battery_fraction
from recorder.schema import Channel, Gap, SampleBlock, StreamInfo
from recorder.schema.streams import Origin

RATES_HZ: Final[dict[SampleKind, float]] = {"bvp": 64.0, "acc": 32.0, "gsr": 4.0, "tmp": 4.0}
STAMP_STEP_S = 2.0
"""A sample cannot be younger than the freshest so far by more: then the server's clock was set forward."""

_NAMES: Final[dict[SampleKind, str]] = {
    "bvp": "bvp",
    "acc": "acc",
    "gsr": "eda",
    "tmp": "temp",
    "ibi": "ibi",
    "hr": "hr",
    "bat": "battery",
}
# samples a radio packet carries, and so a block usually has (devices.md B.3)
_PACKET: Final[dict[SampleKind, int]] = {"bvp": 11, "acc": 6, "gsr": 6, "tmp": 8}
_G: Final = tuple(Channel(axis, "g", scale=1 / 64) for axis in "xyz")


def stream_infos(device_id: str, origin: Origin) -> dict[SampleKind, StreamInfo]:
    """The seven streams of a wristband, by kind of sample."""

    def waveform(kind: SampleKind, role: str, channels: tuple[Channel, ...], note: str) -> StreamInfo:
        return StreamInfo(
            f"{device_id}.{_NAMES[kind]}",
            device_id,
            "waveform",
            channels,
            "int16" if kind == "acc" else "decimal",
            RATES_HZ[kind],
            role,
            device_clock=True,
            origin=origin,
            metadata={"note": note, "block_s": f"{_PACKET[kind] / RATES_HZ[kind]:g}"},
        )

    def numeric(kind: SampleKind, role: str, unit: str, note: str) -> StreamInfo:
        return StreamInfo(
            f"{device_id}.{_NAMES[kind]}",
            device_id,
            "numeric",
            (Channel(role, unit),),
            "float64",
            None,
            role,
            device_clock=True,
            origin=origin,
            metadata={"note": note},
        )

    return {
        "bvp": waveform("bvp", "ppg", (Channel("bvp", "1"),), "Empatica's own combination of two colours"),
        "acc": waveform("acc", "acc", _G, "x to the slot, y to the shorter strap, z to the underside; ±2 g"),
        "gsr": waveform("gsr", "eda", (Channel("eda", "uS"),), "skin conductance"),
        "tmp": waveform("tmp", "temp", (Channel("temp", "Cel"),), "skin temperature"),
        "ibi": numeric("ibi", "ibi", "s", "only beats the wristband accepted; long absence is normal"),
        "hr": numeric("hr", "hr", "/min", "comes with ibi"),
        "bat": numeric("bat", "battery", "1", "share of full"),
    }


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
