"""A small session that tests write, and what it must read back as."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from recorder.clock import ClockEra
from recorder.schema import Channel, SampleBlock, StreamInfo
from recorder.session import SessionHeader, SessionWriter, VerifyReport

ERA = ClockEra(0, "era-0", "boot-0", 5_000_000_000_000, 1_790_000_000_000_000_000)

BVP = StreamInfo(
    "e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), "decimal", 64.0, "ppg", device_clock=True
)
ACC = StreamInfo(
    "e4.acc", "e4", "waveform", tuple(Channel(c, "g", 1 / 64) for c in "xyz"), "int16", 32.0, "acc"
)
WAVE = StreamInfo(
    "adc.wave", "adc", "waveform", (Channel("abp", "V", 0.001, -0.5),), "int32", 100.0, "abp_wave"
)
EST = StreamInfo("edge.est", "edge", "numeric", (Channel("SBP", "mmHg"), Channel("DBP", "mmHg")), "float32")
STREAMS = (BVP, ACC, WAVE, EST)

NewWriter = Callable[..., SessionWriter]


def header(session_id: str = "s") -> SessionHeader:
    return SessionHeader(session_id, "bed-1", ERA.wall_ns, zone="Asia/Shanghai", utc_offset_s=28800)


def decimals(numbers: np.ndarray) -> np.ndarray:
    """A slow wave in hundredths, ``(n, 2)``."""
    return np.stack(
        [np.round(3000 * np.sin(numbers / 9.0)).astype(np.int64), np.full(numbers.size, 2)], axis=1
    )


def write_second(
    writer: SessionWriter, second: int, *, delay_s: float = 0.02, streams: tuple[StreamInfo, ...] = STREAMS
) -> None:
    """One second of every stream in four blocks each (numerics: one row)."""
    era = writer.era
    for info in streams:
        rate = info.nominal_rate_hz
        if rate is None:
            at = era.monotonic_ns + second * 10**9
            row = np.array([[100 + second, np.nan]], np.float32)
            block = SampleBlock(info.stream_id, second, row, at + 10**7, era.number, None, np.array([at]))
            writer.write_block(block)
            continue
        step = int(rate) // 4
        for quarter in range(4):
            first = second * int(rate) + quarter * step
            numbers = np.arange(first, first + step)
            arrival = era.monotonic_ns + round(((first + step) / rate + delay_s) * 1e9)
            values = {
                "decimal": decimals,
                "int16": lambda n: np.stack([n % 50, -n % 70, n % 7], axis=1).astype(np.int16),
                "int32": lambda n: (2000 + np.round(900 * np.sin(n / 15))).astype(np.int32)[:, None],
            }[info.dtype](numbers)
            stamps = numbers * 15625 if info.device_clock else None
            writer.write_block(SampleBlock(info.stream_id, first, values, arrival, era.number, stamps))


def record(writer: SessionWriter, seconds: range) -> None:
    """Seconds of every stream, a commit each."""
    for second in seconds:
        write_second(writer, second)
        writer.commit()


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


def files_of(report: VerifyReport) -> set[str]:
    return {d.file for d in report.damaged}
