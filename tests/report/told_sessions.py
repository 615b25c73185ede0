"""Sealed sessions whose numbers are known to the digit: what a report must say of them can be worked out by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorder.exchange.into_session import Moment, Rows, Waveform, write_session
from recorder.schema import (
    CO_CALIBRATED,
    PARAMETER_UNITS,
    PARAMETERS,
    REFERENCE_CALIBRATED,
    Channel,
    CuffReading,
    DeviceInfo,
    Marker,
    StreamInfo,
    Subject,
)
from recorder.session import SessionHeader

START_NS = 1_790_000_000_000_000_000
CARD = {
    "name": "told",
    "version": "1",
    "per_parameter": {
        p: {"reference_kind": "Finapres finger cuff", "sensor_site": "finger", "n_real_subjects": 23,
            "n_calibration_subjects": 23}
        for p in ("SBP", "MAP", "DBP")
    },
    "devices_in_training": ["Finapres"],
    "devices_not_in_training": ["Empatica E4"],
}  # fmt: skip
REASONS = ("motion", "no-real-reference", "simulated")
PPG = StreamInfo("e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), "int32", 4.0, "ppg")
BEATS = StreamInfo(
    "cnap.beats",
    "cnap",
    "numeric",
    tuple(Channel(n, u) for n, u in {"sbp": "mmHg", "map": "mmHg", "dbp": "mmHg", "hr": "/min", "co": "L/min",
                                     "ppv": "%", "svv": "%"}.items()),
    "float64",
    None,
    "reference",
)  # fmt: skip
RANGES = {"name": "told", "ranges": {"SBP": [90, 140], "HR": [50, 100]}}


def estimates(seconds: int, sbp: NDArray[np.float64]) -> Rows:
    """SBP as given with ±8, MAP 95 ± 6, the rest without a real reference; motion in the last minute."""
    channels = [
        Channel(f"{p}{end}", PARAMETER_UNITS[p]) for p in PARAMETERS for end in ("", "_lo", "_hi", "_why")
    ]
    channels += [Channel("personalisation_age_s", "s"), Channel("personalised_by", "1")]
    facts = {"model": "told-1", "claims": json.dumps(CARD), "reasons": json.dumps(REASONS)}
    info = StreamInfo(
        "edge.est",
        "edge",
        "numeric",
        tuple(channels),
        "float64",
        None,
        "estimate",
        origin="derived",
        metadata=facts,
    )
    table = np.full((seconds, len(channels)), np.nan)
    for i, name in enumerate(PARAMETERS):
        value, half = (sbp, 8.0) if name == "SBP" else (np.full(seconds, 95.0), 6.0)
        if name in ("SBP", "MAP"):
            table[:, 4 * i : 4 * i + 3] = np.stack([value, value - half, value + half], axis=1)
            table[:, 4 * i + 3] = 0
            table[-60:, 4 * i : 4 * i + 3], table[-60:, 4 * i + 3] = np.nan, 1
        else:
            table[:, 4 * i + 3] = 2
    table[:, -2], table[:, -1] = np.arange(seconds), 1
    return Rows(info, START_NS + np.arange(seconds, dtype=np.int64) * 1_000_000_000, table)


def make(
    folder: Path,
    *,
    seconds: int = 1200,
    high_s: int = 250,
    marks: tuple[tuple[str, float], ...] = ((REFERENCE_CALIBRATED, 2.0), (CO_CALIBRATED, 4.0)),
    simulated: bool = False,
    template: dict[str, Any] | None = None,
    pseudonym: str = "P-014",
) -> Path:
    """SBP 151.7 by the estimate for the first ``high_s`` seconds, 120 after; by the reference 118 all the time."""
    sbp = np.where(np.arange(seconds) < high_s, 151.7, 120.0)
    told = np.tile([118.0, 94.0, 76.0, 71.0, 5.25, 11.0, 9.0], (seconds, 1))
    wave = np.zeros((seconds * 4, 1), np.int32)
    moments = [
        Moment("marker", START_NS + round(t * 1e9), asdict(Marker(label, "key"))) for label, t in marks
    ]
    cuff = CuffReading(131, 82, START_NS + 60_000_000_000, START_NS + 90_000_000_000, "op1", arm="left")
    moments.append(Moment("cuff", START_NS + 90_000_000_000, asdict(cuff)))
    write_session(
        folder,
        SessionHeader(
            folder.name,
            "bed-1",
            START_NS,
            "Europe/Berlin",
            7200,
            Subject(pseudonym, "female", 34, 171.0, 64.0),
            template=RANGES if template is None else template,
            simulated=simulated,
        ),
        (DeviceInfo("e4", "Empatica E4", "9ff167"), DeviceInfo("cnap", "CNAP Monitor")),
        [Waveform(PPG, START_NS, wave)],
        [
            Rows(BEATS, START_NS + np.arange(seconds, dtype=np.int64) * 1_000_000_000, told),
            estimates(seconds, sbp),
        ],
        tuple(moments),
    )
    return folder
