"""A bedside as a list: blocks and events of a virtual patient in the order in which a recorder hands them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from recorder import session
from recorder.clock import ClockEra
from recorder.devices.sim import physiology
from recorder.schema import (
    Calibration,
    Channel,
    CuffReading,
    Event,
    SampleBlock,
    StreamInfo,
    Subject,
)
from recorder.session import SessionHeader

BOOT_NS, WALL_NS = 5_000_000_000, 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000
ERA = ClockEra(0, "era0", "boot", BOOT_NS, WALL_NS)
SUBJECT = Subject("S-01", "female", 40, 170.0, 65.0)

PPG = StreamInfo(
    "e4.bvp",
    "e4",
    "waveform",
    (Channel("bvp", "1", 0.01),),
    nominal_rate_hz=64.0,
    role="ppg",
    origin="simulated",
)
ACC = StreamInfo(
    "e4.acc",
    "e4",
    "waveform",
    tuple(Channel(axis, "g", 1 / 64) for axis in "xyz"),
    dtype="int16",
    nominal_rate_hz=32.0,
    role="acc",
    origin="simulated",
)
ABP = StreamInfo(
    "adc.wave", "adc", "waveform", (Channel("adc0", "V", 1e-4),), nominal_rate_hz=100.0, role="abp_wave"
)
STREAMS = (PPG, ACC, ABP)
CALIBRATION = Calibration("cal-1", "adc.wave", "adc0", 100.0, 0.0, "two-point", WALL_NS)

Item = SampleBlock | Event


def event(kind: str, at_s: float, payload: dict[str, Any], event_id: str = "") -> Event:
    at_ns = round(at_s * SECOND_NS)
    return Event(event_id or f"{kind}-{at_s:g}", kind, BOOT_NS + at_ns, WALL_NS + at_ns, 0, payload)


def cuff(at_s: float, sbp: float, dbp: float, event_id: str = "cuff") -> Event:
    measured = WALL_NS + round(at_s * SECOND_NS)
    return event("cuff", at_s, asdict(CuffReading(sbp, dbp, measured, measured)), event_id)


def calibrated(at_s: float = 0.0) -> Event:
    return event("calibration", at_s, CALIBRATION.to_json())


@dataclass
class Bedside:
    """What a virtual patient gives for ``seconds``; ``holes`` are (stream id, from s, to s) without samples."""

    seconds: float = 60.0
    seed: int = 1
    events: Sequence[Event] = ()
    holes: Sequence[tuple[str, float, float]] = ()
    still: bool = True
    other_seed: int | None = None
    """Seed of the person whose pressure it is; the same person's unless told."""
    recording: physiology.SimRecording = field(init=False)

    def __post_init__(self) -> None:
        self.recording = self._person(self.seed)
        if self.other_seed is not None:
            other = self._person(self.other_seed)
            self.recording = replace(self.recording, abp_mmhg=other.abp_mmhg, beats=other.beats)

    def _person(self, seed: int) -> physiology.SimRecording:
        subject = physiology.random_subject(np.random.default_rng(seed))
        return physiology.simulate(subject, self.seconds, seed)

    def raw(self, info: StreamInfo) -> np.ndarray:
        made = self.recording
        if info is PPG:
            return np.rint(made.ppg[:, None] / 0.01).astype(np.int32)
        if info is ACC:
            acc = np.tile([0.0, 0.0, 1.0], (len(made.acc_g), 1)) if self.still else made.acc_g
            return np.rint(acc * 64).astype(np.int16)
        return np.rint(made.abp_mmhg[:, None] / 100 / 1e-4).astype(np.int32)

    def items(self) -> list[Item]:
        """In order of arrival."""
        rng = np.random.default_rng(self.seed)
        timed: list[tuple[int, int, Item]] = [(e.t_host_ns, 0, e) for e in self.events]
        for n, info in enumerate(STREAMS, start=1):
            timed += [(b.t_host_ns, n, b) for b in self._blocks(info, rng)]
        return [item for _, _, item in sorted(timed, key=lambda row: row[:2])]

    def _blocks(self, info: StreamInfo, rng: np.random.Generator) -> Iterator[SampleBlock]:
        raw, rate_hz, first, arrival = self.raw(info), info.nominal_rate_hz or 1.0, 0, 0
        while first < len(raw):
            stop = min(len(raw), first + int(rng.integers(1, 1 + rate_hz / 4)))
            taken_ns = BOOT_NS + round(stop / rate_hz * SECOND_NS)
            arrival = max(arrival + 1, taken_ns + int(rng.integers(5_000_000, 60_000_000)))
            if not any(s == info.stream_id and a <= first / rate_hz < b for s, a, b in self.holes):
                yield SampleBlock(info.stream_id, first, raw[first:stop], arrival, 0)
            first = stop


def store(
    folder: Path,
    items: Sequence[Item],
    subject: Subject | None = SUBJECT,
    template: dict[str, Any] | None = None,
    more: Sequence[StreamInfo] = (),
) -> Path:
    """The items as a session on disk."""
    header = SessionHeader(
        "20231114-221320_S-01_000001", "bed1", WALL_NS, subject=subject, template=template or {}
    )
    writer = session.create(folder / header.session_id, header, ERA)
    for info in (*STREAMS, *more):
        writer.add_stream(info)
    for item in items:
        if isinstance(item, Event):
            writer.write_event(item)
        else:
            writer.write_block(item)
    writer.commit()
    writer.close("test")
    return writer.folder
