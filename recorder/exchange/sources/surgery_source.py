"""``surgery_ev1000``-style npz → values for a session: waves with their gaps, the monitor's numerics as reference."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from recorder.errors import RecordingUnreadable
from recorder.exchange.into_session import NOT_IN_FILE, Break, Waveform
from recorder.exchange.sources import surgery
from recorder.exchange.sources.numeric_columns import Column, numeric_streams
from recorder.exchange.sources.recording import Numeric
from recorder.exchange.sources.source import COUNTED, Source
from recorder.schema import Channel, DeviceInfo, StreamInfo

DEVICE: Final = "monitor"
_WAVES: Final = {
    "PLETH": ("pleth", "ppg", "1"),
    "ABP": ("abp", "abp_wave", "mmHg"),
    "CVP": ("cvp", "cvp", "mmHg"),
    "ECG_II": ("ecg_ii", "ecg", "mV"),
}
_CHANNELS: Final = {
    "Intellivue/ABP_SYS": "sbp",
    "Intellivue/ABP_MEAN": "map",
    "Intellivue/ABP_DIA": "dbp",
    "Intellivue/HR": "hr",
    "Intellivue/PPV": "ppv",
    "Intellivue/NIBP_SYS": "nbp_sys",
    "Intellivue/NIBP_MEAN": "nbp_mean",
    "Intellivue/NIBP_DIA": "nbp_dia",
    "EV1000/CO": "co",
    "EV1000/CI": "ci",
    "EV1000/SV": "sv",
    "EV1000/SVI": "si",
    "EV1000/SVR": "svr",
    "EV1000/SVRI": "svri",
    "EV1000/SVV": "svv",
    "EV1000/CVP": "cvp",
}


def read(path: Path, start_wall_ns: int) -> Source:
    """``<id>_waves.npz`` with ``<id>_numerics.csv.gz`` and ``<id>_meta.json`` beside it, where they are.

    Args:
        path: of the waves.
        start_wall_ns: UTC ns that its time 0 stands for: the file itself has no date.

    Raises:
        RecordingUnreadable: naming the file and the cause.
    """
    recording = surgery.read(path)
    arrays = surgery.arrays_of(path)
    waves = tuple(
        _waveform(path, arrays, name, start_wall_ns)
        for name in _WAVES
        if name in arrays and len(arrays[name])
    )
    columns = [_column(key, numeric, start_wall_ns) for key, numeric in recording.numerics.items()]
    companions = [surgery.numerics_file(path), surgery.meta_file(path)]
    hashes = [hashlib.sha256(p.read_bytes()).hexdigest() for p in (path, *companions) if p.is_file()]
    digest = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    return Source(
        kind="surgery-npz",
        name=path.name,
        sha256=hashes[0],
        content_sha256=digest,
        devices=(DeviceInfo(DEVICE, "patient monitor (npz of waves)", transport="file"),),
        waveforms=waves,
        numerics=tuple(numeric_streams(DEVICE, columns)),
        notes=(f"the file has no date: {COUNTED}",),
        subject=recording.subject,
    )


def _waveform(path: Path, arrays: dict[str, Any], name: str, start_wall_ns: int) -> Waveform:
    stream, role, unit = _WAVES[name]
    try:
        rate_hz = float(arrays[f"{name}_fs"])
        t0_ns = start_wall_ns + round(float(arrays[f"{name}_t0"]) * 1e9)
        values = np.asarray(arrays[name], np.float32).reshape(-1, 1)
        info = StreamInfo(
            f"{DEVICE}.{stream}", DEVICE, "waveform", (Channel(stream, unit),), "float32", rate_hz, role
        )
        after = np.atleast_1d(arrays.get(f"{name}_gap_idx", np.empty(0))).astype(np.int64)
        lengths_s = np.atleast_1d(arrays.get(f"{name}_gap_len_s", np.empty(0))).astype(np.float64)
        breaks, first, t_ns = [], 0, t0_ns
        for index, length_s in zip(after.tolist(), lengths_s.tolist(), strict=True):
            t_ns += round((index - first) * 1e9 / rate_hz + length_s * 1e9)
            first = index + 1
            breaks.append(Break(first, t_ns, NOT_IN_FILE))
        return Waveform(info, t0_ns, values, tuple(breaks))
    except (KeyError, ValueError, TypeError, OverflowError, ZeroDivisionError) as error:
        raise RecordingUnreadable(f"{path}, {name}: {error}; the npz is not of this kind") from error


def _column(key: str, numeric: Numeric, start_wall_ns: int) -> Column:
    wall_ns = start_wall_ns + np.rint(numeric.t_s * 1e9).astype(np.int64)
    return Column(key, _CHANNELS.get(key, ""), "1", wall_ns, numeric.values)
