"""A small session of a wristband and a pressure wave of one virtual person, with what a test wants wrong with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recorder import session as sessions
from recorder.clock import ClockEra
from recorder.devices.sim.physiology import SimRecording, SimSubject, simulate
from recorder.schema import Channel, Event, Gap, SampleBlock, StreamInfo
from recorder.session import SessionHeader, SessionWriter, gap_event

ERA = ClockEra(0, "era-0", "boot-0", 5_000_000_000_000, 1_790_000_000_000_000_000)
BVP = StreamInfo("e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), "decimal", 64.0, "ppg")
ACC = StreamInfo(
    "e4.acc", "e4", "waveform", tuple(Channel(c, "g", 1 / 64) for c in "xyz"), "int16", 32.0, "acc"
)
WAVE = StreamInfo("adc.wave", "adc", "waveform", (Channel("abp", "V", 0.001),), "int32", 100.0, "abp_wave")


def person(seconds: float, seed: int = 1, **changes: float) -> SimRecording:
    """A virtual person, still unless told otherwise."""
    return simulate(SimSubject(**{"motion_fraction": 0.0, **changes}), seconds, seed)  # type: ignore[arg-type]


def write(
    folder: Path,
    wrist: SimRecording,
    finger: SimRecording,
    *,
    wrist_late_s: float = 0.0,
    hole_s: tuple[float, float] | None = None,
    reconnect_late_s: float | None = None,
    events: tuple[tuple[str, float, dict[str, str]], ...] = (),
) -> Path:
    """A sealed session.

    Args:
        folder: new.
        wrist, finger: whose signals.
        wrist_late_s: by which the wristband's times are later.
        hole_s: of the wristband, in its own time.
        reconnect_late_s: by how much later its times are after the hole; None = the device counted what is missing.
        events: kind, elapsed s, payload.
    """
    header = SessionHeader(folder.name, "bed-1", ERA.wall_ns, simulated=True)
    writer = sessions.create(folder, header, ERA)
    for info in (BVP, ACC, WAVE):
        writer.add_stream(info)
    bvp = np.stack([np.round(wrist.ppg * 100).astype(np.int64), np.full(wrist.ppg.size, 2)], axis=1)
    acc = np.round(wrist.acc_g * 64).astype(np.int16)
    for info, values in ((BVP, bvp), (ACC, acc)):
        _write(
            writer,
            info,
            values,
            late_s=wrist_late_s,
            hole_s=hole_s,
            reconnect_late_s=reconnect_late_s,
        )
    wave = np.round(finger.abp_mmhg * 10).astype(np.int32)[:, None]
    _write(writer, WAVE, wave)
    for n, (kind, at_s, payload) in enumerate(events):
        writer.write_event(
            Event(f"e{n}", kind, ERA.monotonic_ns + round(at_s * 1e9), ERA.wall_ns, 0, payload)
        )
    writer.commit()
    writer.close("stopped")
    return folder


def _write(
    writer: SessionWriter,
    info: StreamInfo,
    values: np.ndarray,
    *,
    late_s: float = 0.0,
    hole_s: tuple[float, float] | None = None,
    reconnect_late_s: float | None = None,
) -> None:
    rate = info.nominal_rate_hz or 1.0
    low, high = (round(t * rate) for t in hole_s) if hole_s else (0, 0)
    step, lost = round(rate), high - low
    counted = reconnect_late_s is None
    for first in range(0, len(values), step):
        numbers = np.arange(first, min(first + step, len(values)))
        numbers = numbers[(numbers < low) | (numbers >= high)]
        if not numbers.size:
            continue
        after = hole_s is not None and numbers[0] >= high
        late = late_s + (reconnect_late_s or 0.0) * after
        number = int(numbers[0]) - (0 if counted or not after else lost)
        arrival = ERA.monotonic_ns + round(((int(numbers[-1]) + 1) / rate + late + 0.02) * 1e9)
        writer.write_block(SampleBlock(info.stream_id, number, values[numbers], arrival, 0))
    if hole_s is not None:
        t0, t1 = (ERA.monotonic_ns + round((t + late_s) * 1e9) for t in hole_s)
        cause = "counter-jump" if counted else "link-lost"
        gap = Gap(info.stream_id, low, lost if counted else None, t0, t1, cause)
        writer.write_event(gap_event(gap, f"gap-{info.stream_id}", ERA.wall_ns))
    writer.commit()
