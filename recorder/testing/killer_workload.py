"""A recording whose every value can be foretold, to be killed: ``python -m recorder.testing.killer_workload``.

A tick is 50 ms of host time; four streams get their blocks each tick, commits come every 0.8 s of host time, as in
the recorder, but the host clock runs as fast as the disk allows. After every hand-over and every commit the progress
record says how far it came, so that the one who kills it knows what was promised.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recorder import session as sessions
from recorder.clock import Clock, ClockEra
from recorder.schema import Channel, Event, Gap, SampleBlock, StreamInfo
from recorder.session import SessionHeader, SessionWriter, gap_event

TICK_MS = 50
COMMIT_TICKS = 16
ERA = ClockEra(0, "killed", "", 7_000_000_000_000, 1_790_000_000_000_000_000)
WAVE_PERIOD, WAVE_HOLE = 700, 5
"""Of every 700 samples of the wave the first 5 are lost, with a stored gap (not in the first 700)."""

STREAMS = (
    StreamInfo(
        "band.bvp", "band", "waveform", (Channel("bvp", "1"),), "decimal", 64.0, "ppg", device_clock=True
    ),
    StreamInfo(
        "band.acc", "band", "waveform", tuple(Channel(c, "g", 1 / 64) for c in "xyz"), "int16", 32.0, "acc"
    ),
    StreamInfo("adc.wave", "adc", "waveform", (Channel("abp", "V", 0.001),), "int32", 100.0, "abp_wave"),
    StreamInfo(
        "edge.est", "edge", "numeric", tuple(Channel(c, "mmHg") for c in "ab"), "float32", None, "estimate"
    ),
)
EST_RATE_HZ = 1.0
_PROGRESS = struct.Struct("<QQ")


def next_no(info: StreamInfo, t_ms: int) -> int:
    """One past the last sample number of a stream at an elapsed time."""
    return int(t_ms * (info.nominal_rate_hz or EST_RATE_HZ) // 1000)


def numbers(info: StreamInfo, first: int, end: int) -> NDArray[np.int64]:
    """Sample numbers the stream delivers out of ``[first, end)``."""
    every = np.arange(first, end, dtype=np.int64)
    if info.stream_id != "adc.wave":
        return every
    return every[(every < WAVE_PERIOD) | (every % WAVE_PERIOD >= WAVE_HOLE)]


def values(info: StreamInfo, sample_no: NDArray[np.int64]) -> NDArray[np.generic]:
    """What the stream delivers at each number, ``(n, columns)``."""
    columns = []
    for i in range(info.n_columns):
        mixed = (sample_no.astype(np.uint64) + np.uint64(1000 * i)) * np.uint64(0x9E3779B97F4A7C15)
        columns.append((mixed >> np.uint64(52)).astype(np.int64) - 2048)
    table = np.stack(columns, axis=1)
    if info.dtype == "decimal":
        table[:, 1] = 2
        return table
    wide = np.float64 if info.dtype.startswith("float") else np.int64
    kind: dict[str, type[np.generic]] = {"int16": np.int16, "int32": np.int32, "float32": np.float32}
    return table.astype(wide).astype(kind[info.dtype])


def new_header() -> SessionHeader:
    """Header of the recording."""
    return SessionHeader("killed", "bench", ERA.wall_ns, simulated=True)


def reached_ms(next_sample_no: Mapping[str, int]) -> int:
    """Elapsed ms of the commit after which a recorder goes on with these numbers."""
    t_ms = 0
    while any(next_no(info, t_ms) < next_sample_no[info.stream_id] for info in STREAMS):
        t_ms += TICK_MS * COMMIT_TICKS
    return t_ms


def event_id(second: int) -> str:
    """Id of the marker set at each whole second."""
    return f"marker-{second:06d}"


def read_progress(path: Path) -> tuple[int, int]:
    """(elapsed ms handed over, elapsed ms promised to be on disk)."""
    content = path.read_bytes() if path.is_file() else b""
    handed, promised = _PROGRESS.unpack(content) if len(content) == _PROGRESS.size else (0, 0)
    return handed, promised


def pack_progress(handed_ms: int, promised_ms: int) -> bytes:
    """The progress record."""
    return _PROGRESS.pack(handed_ms, promised_ms)


def parse_progress(content: bytes) -> tuple[int, int]:
    """The progress record out of a traced write."""
    handed, promised = _PROGRESS.unpack(content)
    return handed, promised


def write_tick(writer: SessionWriter, t0_ms: int) -> None:
    """Hand over what arrives in the tick that begins at ``t0_ms``."""
    t1_ms = t0_ms + TICK_MS
    era = writer.era
    arrival = era.monotonic_ns + t1_ms * 1_000_000
    wall_ns = ERA.wall_ns + t1_ms * 1_000_000
    for info in STREAMS:
        first, end = next_no(info, t0_ms), next_no(info, t1_ms)
        for n in range(first, end):
            if info.stream_id == "adc.wave" and n >= WAVE_PERIOD and n % WAVE_PERIOD == 0:
                gap = Gap(info.stream_id, n, WAVE_HOLE, arrival, arrival, "overrun", era.number)
                writer.write_event(gap_event(gap, f"gap-{n:09d}", wall_ns))
        wanted = numbers(info, first, end)
        for start, count in sessions.runs_of(wanted):
            part = np.arange(start, start + count)
            stamps = part * 15625 if info.device_clock else None
            times = era.monotonic_ns + part * 10**9 if info.kind == "numeric" else None
            block = SampleBlock(info.stream_id, start, values(info, part), arrival, era.number, stamps, times)
            writer.write_block(block)
    if t1_ms % 1000 == 0:
        writer.write_event(
            Event(event_id(t1_ms // 1000), "marker", arrival, wall_ns, era.number, {"label": "s"})
        )


def record(writer: SessionWriter, progress: int, t0_ms: int, seconds: float, pause_s: float) -> None:
    """Record ``seconds`` of host time from ``t0_ms``; ``progress`` is the descriptor of the progress record."""
    promised = t0_ms
    for tick in range(round(seconds * 1000 / TICK_MS)):
        t_ms = t0_ms + tick * TICK_MS
        write_tick(writer, t_ms)
        os.pwrite(progress, pack_progress(t_ms + TICK_MS, promised), 0)
        if tick % COMMIT_TICKS == COMMIT_TICKS - 1:
            writer.commit()
            promised = t_ms + TICK_MS
            os.pwrite(progress, pack_progress(promised, promised), 0)
            writer.maintain()
        time.sleep(pause_s)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry of the process."""
    parser = argparse.ArgumentParser(prog="recorder.testing.killer_workload")
    parser.add_argument("folder", type=Path)
    parser.add_argument("progress", type=Path)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--segment-s", type=float, default=8.0)
    parser.add_argument("--pause-s", type=float, default=0.001, help="real pause after each tick")
    parser.add_argument(
        "--die", action="store_true", help="end without closing the session, as a crash would"
    )
    options = parser.parse_args(arguments)
    if options.folder.exists():
        writer = sessions.resume(options.folder, Clock(), segment_s=options.segment_s)
    else:
        writer = sessions.create(options.folder, new_header(), ERA, segment_s=options.segment_s)
        for info in STREAMS:
            writer.add_stream(info)
    t0_ms, promised_ms = reached_ms(writer.next_sample_no), read_progress(options.progress)[1]
    if t0_ms < promised_ms:
        writer.abandon()
        sys.stderr.write(f"{promised_ms} ms were promised, the recorder is to go on at {t0_ms} ms\n")
        return 1
    progress = os.open(options.progress, os.O_WRONLY | os.O_CREAT, 0o600)
    record(writer, progress, t0_ms, options.seconds, options.pause_s)
    if options.die:
        os._exit(0)  # no clean-up of SQLite: the write-ahead log stays
    writer.close("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
