"""Sealed sessions of a wristband and a monitor, both of one virtual person, aligned or not: what builds start from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hemoview.dsp.time_map import Piece
from hemoview.labels import alignment as alignments
from hemoview.labels.alignment import Alignment
from recorder.devices.sim.physiology import SimRecording, SimSubject, simulate
from recorder.exchange.into_session import Break, Moment, Rows, Waveform, write_session
from recorder.schema import (
    FINGER_CHANGED,
    REFERENCE_CALIBRATED,
    Channel,
    Consent,
    DeviceInfo,
    Marker,
    Sites,
    StreamInfo,
    Subject,
)
from recorder.schema.events import CO_CALIBRATED
from recorder.session import SessionHeader

START_NS = 1_790_000_000_000_000_000
CONSENT = Consent("v3", "2026-01-05", reuse_for_training=True)
CALIBRATED = ((REFERENCE_CALIBRATED, 2.0), (CO_CALIBRATED, 4.0))
BVP = StreamInfo("e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), "decimal", 64.0, "ppg")
ACC = StreamInfo(
    "e4.acc", "e4", "waveform", tuple(Channel(c, "g", 1 / 64) for c in "xyz"), "int16", 32.0, "acc"
)
WAVE = StreamInfo(
    "cnap.wave", "cnap", "waveform", (Channel("pressure", "mmHg", 0.01),), "int32", 100.0, "abp_wave"
)
_COLUMNS = {
    "sbp": "mmHg", "map": "mmHg", "dbp": "mmHg", "hr": "/min", "co": "L/min", "ci": "L/min/m²", "sv": "mL",
    "si": "mL/m²", "svr": "dyn·s/cm⁵", "svri": "dyn·s·m²/cm⁵",
}  # fmt: skip
BEATS = StreamInfo(
    "cnap.beats",
    "cnap",
    "numeric",
    tuple(Channel(name, unit) for name, unit in _COLUMNS.items()),
    "float64",
    None,
    "reference",
)


def make(
    folder: Path,
    *,
    subject: str = "P-014",
    seed: int = 1,
    seconds: float = 90.0,
    rows: bool = True,
    wave: bool = True,
    late_s: float = 0.0,
    gap_s: tuple[float, float] | None = None,
    marks: tuple[tuple[str, float], ...] = CALIBRATED,
    consent: Consent | None = CONSENT,
    lock: bool | None = True,
    events: tuple[Moment, ...] = (),
    height_cm: float = 171.0,
    **header: Any,
) -> Path:
    """A session.

    Args:
        folder: new.
        subject, seed, seconds, height_cm: of whom, and how long.
        rows, wave: the monitor's beats, its wave.
        late_s: by which the wristband's clock is behind.
        gap_s: without the wristband's samples.
        marks: label and time of markers.
        consent: None = nobody signed.
        lock: its alignment: locked, refused, None = never computed.
        events: more of them.
        header: more of the header.
    """
    told = simulate(SimSubject(motion_fraction=0.0), seconds, seed)
    waves = wristband_waves(told, START_NS + round(late_s * 1e9), gap_s)
    if wave:
        waves.append(Waveform(WAVE, START_NS, np.round(told.abp_mmhg * 100).astype(np.int32)[:, None]))
    moments = tuple(
        Moment("marker", START_NS + round(t * 1e9), asdict(Marker(label, "cnap"))) for label, t in marks
    )
    body = Subject(subject, "female", 34, height_cm, 64.0)
    whole = {
        "subject": body,
        "consent": consent,
        "sites": Sites("left", "right", "left"),
        "template": {"name": "import"},
        **header,
    }
    write_session(
        folder,
        SessionHeader(folder.name, "import", START_NS, **whole),
        (DeviceInfo("e4", "Empatica E4"), DeviceInfo("cnap", "CNAP Monitor")),
        waves,
        [beat_rows(told)] if rows else [],
        (*moments, *events),
    )
    if lock is not None:
        align(folder, seconds, late_s, locked=lock)
    return folder


def wristband_waves(told: SimRecording, begin_ns: int, gap_s: tuple[float, float] | None) -> list[Waveform]:
    """Pulse, without the samples of a gap, and acceleration."""
    ppg = np.stack([np.round(told.ppg * 100).astype(np.int64), np.full(told.ppg.size, 2)], axis=1)
    breaks: tuple[Break, ...] = ()
    if gap_s is not None:
        a, b = (round(t * 64) for t in gap_s)
        ppg = np.delete(ppg, np.s_[a:b], axis=0)
        breaks = (Break(a, begin_ns + round(b / 64 * 1e9)),)
    acc = np.round(told.acc_g * 64).astype(np.int16)
    return [Waveform(BVP, begin_ns, ppg, breaks), Waveform(ACC, begin_ns, acc)]


def beat_rows(told: SimRecording) -> Rows:
    """The true beats as a monitor would tell them."""
    names = ("sbp_mmhg", "map_mmhg", "dbp_mmhg", "hr_per_min", "co_l_min", "ci_l_min_m2", "sv_ml", "si_ml_m2")
    table = np.column_stack([told.beats[name] for name in (*names, "svr_dyn", "svri_dyn")])
    kept = told.beats["t_s"] >= 0
    wall_ns = START_NS + np.round(told.beats["t_s"][kept] * 1e9).astype(np.int64)
    return Rows(BEATS, wall_ns, table[kept])


def align(folder: Path, seconds: float, offset_s: float = 0.0, *, locked: bool = True) -> Alignment:
    """Store an alignment, locked or refused."""
    pieces = (Piece(0.0, seconds, offset_s, 0.0, 8.5, 0.97, 80),) if locked else ()
    value = Alignment(0, locked, pieces, "beats", {}, "" if locked else "unsure")
    return alignments.store(folder, value, made_by="test", software="hemoview 0", wall_ns=START_NS)


__all__ = ["CALIBRATED", "CONSENT", "FINGER_CHANGED", "START_NS", "align", "make"]
