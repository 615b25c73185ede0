"""Made ``tests/golden/session-format-1`` once: ``python tests/session/make_golden_session.py FOLDER``.

The folder in the repository is never made again: it is what format 1 looked like, to be readable for ever.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from recorder import session as sessions
from recorder.clock import ClockEra
from recorder.schema import (
    Amendment,
    Calibration,
    Channel,
    Consent,
    DeviceInfo,
    Event,
    Gap,
    SampleBlock,
    Sites,
    StreamInfo,
    Subject,
)
from recorder.schema.decimals import encode_decimal
from recorder.session import Session, SessionHeader, SessionWriter, gap_event
from recorder.session.sealer import seal

ERAS = (
    ClockEra(0, "0" * 32, "boot-a", 1_000_000_000_000, 1_767_225_600_000_000_000, "start"),
    ClockEra(1, "1" * 32, "boot-b", 50_000_000_000, 1_767_225_660_000_000_000, "reboot"),
)
TEXTS = ("-0.00", "12.5", "-3.25", "100.07", "0.1", "7")
STREAMS = (
    StreamInfo("e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), "decimal", 64.0, "ppg", device_clock=True),
    StreamInfo(
        "e4.acc", "e4", "waveform", tuple(Channel(c, "g", 1 / 64) for c in "xyz"), "int16", 32.0, "acc"
    ),
    StreamInfo(
        "adc.wave", "adc", "waveform", (Channel("abp", "V", 0.0003, -0.1),), "int32", 100.0, "abp_wave"
    ),
    StreamInfo("edge.est", "edge", "numeric", (Channel("SBP", "mmHg"), Channel("HR", "/min")), "float32"),
    StreamInfo("e4.ibi", "e4", "numeric", (Channel("ibi", "s"),), "float64", None, "ibi", device_clock=True),
)
HEADER = SessionHeader(
    "golden",
    "bed-1",
    ERAS[0].wall_ns,
    "Asia/Shanghai",
    28800,
    Subject("P001", "female", 54, 164.0, 61.0),
    Consent("v1", "2026-01-01"),
    Sites("left", "right", "right", "seated"),
    "op1",
    {"name": "golden"},
    (DeviceInfo("e4", "Empatica E4 (streaming server)", "9ff167"),),
    {"hemoview": "0.1.0"},
    simulated=True,
)


def values_at(info: StreamInfo, n: np.ndarray) -> np.ndarray:
    if info.dtype == "decimal":
        return np.array([encode_decimal(TEXTS[k % len(TEXTS)]) for k in n], np.int64)
    if info.dtype == "int16":
        return np.stack([n % 100 - 50, n % 7, -(n % 11)], axis=1).astype(np.int16)
    if info.dtype == "int32":
        return (n * 37 % 16384).astype(np.int32)[:, None]
    if info.dtype == "float32":
        return np.stack([100 + n / 8, np.where(n % 3, 60.0, np.nan)], axis=1).astype(np.float32)
    return (0.8 + n / 1024)[:, None].astype(np.float64)


def write_seconds(writer: SessionWriter, seconds: range) -> None:
    era = writer.era
    for second in seconds:
        for info in STREAMS:
            rate = int(info.nominal_rate_hz or 1)
            n = np.arange(second * rate, (second + 1) * rate)
            if info.stream_id == "adc.wave" and second == 2:
                n = n[30:]
            arrival = era.monotonic_ns + (second + 1) * 10**9 + 20_000_000
            stamps = n * (10**6 // rate) if info.device_clock else None
            own = era.monotonic_ns + n * 10**9 if info.stream_id == "edge.est" else None
            writer.write_block(
                SampleBlock(info.stream_id, int(n[0]), values_at(info, n), arrival, era.number, stamps, own)
            )
        writer.commit()


def summary(session: Session) -> dict[str, object]:
    """What must be read for ever."""
    streams = {}
    for stream_id in sorted(session.streams):
        read = session.read(stream_id)
        streams[stream_id] = {
            "rows": len(read),
            "sample_no_sum": int(read.sample_no.sum()),
            "raw": [[repr(v.item()) for v in row] for row in read.raw[:12]],
            "time_s": [round(float(t), 6) for t in read.time_s[::16]],
            "device_time_us": None if read.device_time_us is None else int(read.device_time_us.sum()),
            "era": sorted(set(read.era.tolist())),
            "gaps": [[round(g.t0_s, 6), round(g.t1_s, 6), g.cause, g.n_missing] for g in read.gaps],
        }
    return {
        "header": session.header.to_json(),
        "state": session.state,
        "streams": streams,
        "events": [e.to_json() for e in session.events() if e.kind != "recovered"],
        "amendments": [a.to_json() for a in session.amendments()],
        "calibrations": [c.to_json() for c in session.calibrations()],
    }


def make(folder: Path, *, die: bool) -> None:
    era = ERAS[0]
    writer = sessions.create(folder, HEADER, era)
    for info in STREAMS:
        writer.add_stream(info)
    t_ns = era.monotonic_ns + 2 * 10**9
    writer.write_event(
        gap_event(Gap("adc.wave", 200, 30, t_ns, t_ns + 3 * 10**8, "overrun"), "gap-1", era.wall_ns)
    )
    write_seconds(writer, range(4))
    found = Calibration("cal-1", "adc.wave", "abp", 100.0, -2.5, "two-point", era.wall_ns, "op1")
    writer.write_event(Event("cal-1", "calibration", t_ns, era.wall_ns, 0, asdict(found)))
    writer.write_event(Event("m-1", "marker", t_ns, era.wall_ns, 0, {"label": "hand up", "source": "key"}))
    writer.amend(Amendment("subject.age_y", 55, 54, "op1", "typed wrong", era.wall_ns))
    writer.commit()
    seal(folder, upto_commit=1 << 40)
    writer.begin_era(ERAS[1])
    write_seconds(writer, range(4, 6))
    if die:
        os._exit(0)
    writer.close("done")


def main() -> None:
    place = Path(sys.argv[1])
    for name, die in (("sealed", False), ("killed", True)):
        shutil.rmtree(place / name, ignore_errors=True)
        child = os.fork()
        if child == 0:
            make(place / name, die=die)
            os._exit(0)
        os.waitpid(child, 0)
        for left in [*(place / name).glob("*.lock"), *(place / name).glob("*-shm")]:
            left.unlink()
        with sessions.open(place / name) as session:
            text = json.dumps(summary(session), indent=1)
        for left in (place / name).glob("*-shm"):
            left.unlink()
        (place / f"{name}.expected.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
