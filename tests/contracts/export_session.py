"""Sessions the exporters are tried on: two eras, gaps, every kind of mark, and names planted in every free field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recorder.clock import ClockEra
from recorder.exchange.into_session import Break, Moment, Rows, Waveform, write_session
from recorder.schema import (
    Amendment,
    Calibration,
    Channel,
    Consent,
    Details,
    DeviceInfo,
    Event,
    Gap,
    SampleBlock,
    Sites,
    StreamInfo,
    Subject,
)
from recorder.schema.labelling import Deed
from recorder.session import SessionHeader, SessionWriter, amend, annotations, create, gap_event

WALL_NS = 1_790_000_000_250_000_000
MONOTONIC_NS = 5_000_000_000_000
ERA = ClockEra(0, "era-0", "boot-0", MONOTONIC_NS, WALL_NS)
LATER = ClockEra(1, "era-1", "boot-1", 7_000_000_000, WALL_NS + 40 * 10**9, "reboot")
PEOPLE = ("Quarkbert", "Zwiebelmann", "Oxnard-Hospital", "SERIAL-77X", "nurse-blix")
"""Names that must not be in any byte of a de-identified export."""
NAME, DOCTOR, PLACE, SERIAL, OPERATOR = PEOPLE

BVP = StreamInfo(
    "e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), "decimal", 64.0, "ppg", device_clock=True
)
ACC = StreamInfo(
    "e4.acc", "e4", "waveform", tuple(Channel(c, "g", 1 / 64) for c in "xyz"), "int16", 32.0, "acc"
)
WAVE = StreamInfo(
    "adc.wave",
    "adc",
    "waveform",
    (Channel("abp", "V", 0.001, -0.5),),
    "int32",
    100.0,
    "abp_wave",
    metadata={"note": f"lab of {DOCTOR}"},
)
EDA = StreamInfo("e4.eda", "e4", "waveform", (Channel("eda", "uS"),), "decimal", 4.0, "eda")
EST = StreamInfo(
    "edge.estimates",
    "edge",
    "numeric",
    (Channel("SBP", "mmHg"), Channel("sqi", "1")),
    "float32",
    role="estimate",
    origin="derived",
)
STREAMS = (BVP, ACC, WAVE, EDA, EST)
GAP_S = (20, 25)
"""The wristband is silent for so long, while the pressure goes on."""
CALIBRATION = Calibration(
    "cal-1", "adc.wave", "abp", 100.0, 0.0, "two-point", WALL_NS, OPERATOR, t_host_ns=MONOTONIC_NS + 5 * 10**9
)


def values_of(info: StreamInfo, numbers: np.ndarray) -> np.ndarray:
    """Raw samples by number."""
    if info.dtype == "decimal":
        whole = np.round(3000 * np.sin(numbers / 9.0)).astype(np.int64)
        return np.stack([whole, np.where(whole == 0, -3, 2)], axis=1)
    if info.dtype == "int16":
        return np.stack([numbers % 50, -numbers % 70, numbers % 7], axis=1).astype(np.int16)
    return (2000 + np.round(900 * np.sin(numbers / 15))).astype(np.int32)[:, None]


def header(simulated: bool = False, **more: object) -> SessionHeader:
    fields = {
        "zone": "Asia/Shanghai",
        "utc_offset_s": 28800,
        "subject": Subject("S-07", "female", 61, 166.0, 70.0),
        "consent": Consent(f"form {DOCTOR}", "2026-01-15"),
        "sites": Sites("left", "right", "left", posture=f"on the chair of {NAME}"),
        "operator": OPERATOR,
        "template": {"name": f"study of {DOCTOR}", "markers": [f"call {DOCTOR}"]},
        "devices": (
            DeviceInfo("e4", "Empatica E4 (streaming server)", SERIAL, "tcp://10.9.8.7:28000", simulated),
            DeviceInfo("adc", f"Serial ADC ({PLACE})", None, f"/dev/{PLACE}", simulated),
        ),
        "notes": f"{NAME} was tired, room of {DOCTOR}",
        "details": Details(vasoactive_drugs=f"noradrenaline by {DOCTOR}", skin_tone=3, consented=True),
        "simulated": simulated,
    }
    return SessionHeader("s-export", PLACE, WALL_NS, **(fields | more))  # type: ignore[arg-type]


def mark(kind: str, at_s: float, payload: dict[str, object], era: ClockEra = ERA) -> Event:
    t = era.monotonic_ns + round(at_s * 1e9)
    return Event(f"{kind}-{at_s}-{era.number}", kind, t, era.wall_ns + round(at_s * 1e9), era.number, payload)


MARKS: Sequence[Event] = (
    mark(
        "marker",
        3.0,
        {"label": "arm move", "source": "key", "operator": OPERATOR, "key": 2, "note": f"asked {NAME}"},
    ),
    mark("marker", 6.5, {"label": f"call {DOCTOR}", "source": "command", "operator": OPERATOR, "key": None}),
    mark("marker", 7.0, {"label": "end", "source": "key", "operator": "", "key": 9}),
    mark("marker-undone", 7.5, {"event_id": "marker-7.0-0", "operator": OPERATOR}),
    mark(
        "cuff",
        9.0,
        {
            "sbp_mmhg": 120.0,
            "dbp_mmhg": 80.0,
            "measured_at_ns": WALL_NS,
            "entered_by": OPERATOR,
            "device": PLACE,
        },
    ),
    mark(
        "notice", 10.0, {"kind": "stamps-back", "text": f"file /home/{NAME}/x went back", "device_id": "e4"}
    ),
    mark("unconfirmed", 12.0, {"cause": "absent"}),
    mark("subject-confirmed", 15.0, {"same": True, "operator": OPERATOR}),
)


def write_rows(writer: SessionWriter, era: ClockEra, seconds: range, first_s: int = 0) -> None:
    """Seconds of an era; the wristband has its gap in the first."""
    for second in seconds:
        for info in STREAMS:
            rate = info.nominal_rate_hz
            at = era.monotonic_ns + second * 10**9
            if info is EDA:
                continue
            if rate is None:
                poor = 0.3 if second % 30 >= 20 else 0.9
                row = np.array([[100 + second, poor]], np.float32)
                number = first_s + second
                writer.write_block(
                    SampleBlock(info.stream_id, number, row, at + 10**7, era.number, None, np.array([at]))
                )
                continue
            silent = info.device_id == "e4" and era.number == 0 and GAP_S[0] <= second < GAP_S[1]
            if not silent:
                first = (first_s + second) * int(rate)
                numbers = np.arange(first, first + int(rate))
                block = SampleBlock(info.stream_id, first, values_of(info, numbers), at + 10**9, era.number)
                writer.write_block(block)
        writer.commit()


def two_eras(folder: Path, *, close: bool = True, simulated: bool = False, **more: object) -> Path:
    """30 s, a reboot of 10 s, 20 s more; 5 s of it without the wristband."""
    writer = create(folder, header(simulated, **more), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    for event in MARKS:
        writer.write_event(event)
    writer.write_event(
        Event("cal", "calibration", MONOTONIC_NS, WALL_NS, 0, CALIBRATION.to_json()),
    )
    t0, t1 = (MONOTONIC_NS + s * 10**9 for s in GAP_S)
    for info in (BVP, ACC):
        rate = int(info.nominal_rate_hz or 0)
        gap = Gap(info.stream_id, GAP_S[0] * rate, 5 * rate, t0, t1, "counter-jump", 0, f"told by {NAME}")
        writer.write_event(gap_event(gap, f"gap-{info.stream_id}", WALL_NS))
    write_rows(writer, ERA, range(30))
    writer.begin_era(LATER)
    for info in (BVP, ACC, WAVE):
        rate = int(info.nominal_rate_hz or 0)
        gap = Gap(info.stream_id, 30 * rate, None, LATER.monotonic_ns, LATER.monotonic_ns, "reboot", 1)
        writer.write_event(gap_event(gap, f"boot-{info.stream_id}", WALL_NS))
    writer.write_event(mark("marker", 5.0, {"label": "baseline", "source": "key", "key": 1}, LATER))
    write_rows(writer, LATER, range(20), 30)
    if not close:
        writer.abandon()
        return folder
    writer.close("stop")
    label = {"software": "HemoView", "annotation_id": "a", "wall_ns": WALL_NS}
    deeds = [
        Deed("add", "d1", OPERATOR, kind="quality", t0_s=1.0, t1_s=2.5, label="poor", **label),  # type: ignore[arg-type]
        Deed(
            "add",
            "d2",
            OPERATOR,
            kind="span",
            t0_s=4.0,
            t1_s=6.0,
            label=f"as {DOCTOR} says",
            comment=NAME,
            **(label | {"annotation_id": "b"}),
        ),  # type: ignore[arg-type]
        Deed(
            "add",
            "d3",
            OPERATOR,
            kind="instant",
            t0_s=8.25,
            t1_s=8.25,
            label="peak",
            **(label | {"annotation_id": "c"}),
        ),  # type: ignore[arg-type]
    ]
    annotations.append(folder, "labels", deeds)
    amend(folder, {"subject.pseudonym": "S-08"}, who=OPERATOR, why=f"it was {NAME}", wall_ns=WALL_NS + 10**9)
    return folder


def damaged_inside(folder: Path) -> Path:
    """25 min of one wave in three segments, the middle one broken."""
    wave = StreamInfo(
        "adc.wave", "adc", "waveform", (Channel("abp", "mmHg", 0.1),), "int16", 20.0, "abp_wave"
    )
    numbers = np.arange(25 * 60 * 20)
    values = np.round(900 + 300 * np.sin(numbers / 3)).astype(np.int16)[:, None]
    write_session(
        folder,
        SessionHeader("s-damaged", "bed", 0, subject=Subject("S-09")),
        (DeviceInfo("adc", "Serial ADC"),),
        [Waveform(wave, WALL_NS, values)],
        [],
        [],
    )
    segments = sorted((folder / "segments").glob("adc.wave-*.parquet"))
    middle = segments[1]
    content = bytearray(middle.read_bytes())
    content[len(content) // 3] ^= 0xFF
    middle.chmod(0o600)
    middle.write_bytes(bytes(content))
    return folder


__all__ = ["Amendment", "Break", "Moment", "Rows", "damaged_inside", "header", "two_eras"]
