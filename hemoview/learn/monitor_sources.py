"""Recordings of bedside monitors as datasets: a pulse wave and, sampled with it, an arterial wave that labels it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.quality import assess
from hemoview.labels.datasets.dataset import Dataset, make_dataset
from hemoview.labels.reference.pressure import beats_between, label_of, pulse_lag_s
from recorder.errors import ConfigError, RecordingUnreadable
from recorder.exchange import read_recording
from recorder.exchange.sources.recording import Numeric, Recording
from recorder.schema import PARAMETERS

F64 = NDArray[np.float64]

WINDOW_S: Final = 10.0
MONITOR_OLD_S: Final = 30.0
"""A cardiac-output monitor renews its values every 20 s; older ones say nothing of a window."""
CUFF_AROUND_S: Final = 30.0


@dataclass(slots=True)
class _Rows:
    """Windows of one recording while they are collected."""

    ppg: list[F64]
    labels: list[list[float]]
    t0_s: list[float]
    sqi: list[float]
    dropped: Counter[str]


def pressure_windows(recording: Recording, cuff_s: F64 | None = None) -> tuple[_Rows, float, float]:
    """Whole 10-s windows of a monitor's pulse wave with the label of the same ten seconds of its arterial wave.

    The monitor shows the pulse wave later than the pressure (0.3 s and more); the label is taken that much earlier.

    Args:
        recording: with ``bvp`` and ``abp`` at one rate.
        cuff_s: times of cuff readings; windows within 30 s are left out.

    Returns:
        Windows (SBP, MAP, DBP, HR), sampling rate, lag.

    Raises:
        ConfigError: a wave is missing, or no lag can be told.
    """
    ppg, abp = (recording.signals.get(role) for role in ("bvp", "abp"))
    if ppg is None or abp is None or ppg.rate_hz != abp.rate_hz or ppg.t0_s != abp.t0_s:
        raise ConfigError(f"{recording.name}: needs a pulse wave and an arterial wave sampled together")
    lag_s = pulse_lag_s(abp.values, ppg.values, ppg.rate_hz)
    rows = _Rows([], [], [], [], Counter())
    n = round(WINDOW_S * ppg.rate_hz)
    for first in range(0, len(ppg.values) - n + 1, n):
        wave, t0_s = ppg.values[first : first + n].astype(np.float64), first / ppg.rate_hz
        fault, sqi = _judged(wave, ppg.rate_hz)
        if cuff_s is not None and np.any(
            np.abs(cuff_s - (t0_s + WINDOW_S / 2)) < CUFF_AROUND_S + WINDOW_S / 2
        ):
            fault = "cuff"
        if fault:
            rows.dropped[fault] += 1
            continue
        begin_s = t0_s - (lag_s if np.isfinite(lag_s) else 0.0)
        label = label_of(beats_between(abp.values, abp.rate_hz, begin_s, begin_s + WINDOW_S), WINDOW_S)
        if label.reason:
            rows.dropped[label.reason] += 1
            continue
        rows.ppg.append(wave)
        rows.labels.append([label.sbp, label.map, label.dbp, label.hr])
        rows.t0_s.append(t0_s)
        rows.sqi.append(sqi)
    return rows, ppg.rate_hz, lag_s


def _judged(wave: F64, rate_hz: float) -> tuple[str, float]:
    """(fault, SQI) as the bedside would judge the window."""
    if not np.isfinite(wave).all():
        return "gap", 0.0
    found = assess(wave, rate_hz, find_ppg_beats(wave, rate_hz))
    return found.fault or "", found.sqi


def surgery_ev1000(folder: Path) -> Dataset:
    """``surgery_ev1000``, one patient under anaesthesia: SBP, MAP, DBP, HR by arterial line; CO, CI, SV, SI, SVR, SVRI
    as the EV1000 says (it derives them from the same arterial wave).

    Raises:
        ConfigError: a file is missing or not of that set.
    """
    recording = recording_of(Path(folder) / "wt01_waves.npz")
    cuff = recording.numerics.get("Intellivue/NIBP_SYS")
    rows, rate_hz, lag_s = pressure_windows(recording, None if cuff is None else _changes_s(cuff))
    if not rows.ppg:
        raise ConfigError(f"{folder}: no usable window ({dict(rows.dropped)})")
    t0_s = np.array(rows.t0_s)
    flow = {
        name: _held(recording.numerics.get(f"EV1000/{source}"), t0_s)
        for name, source in (
            ("CO", "CO"), ("CI", "CI"), ("SV", "SV"), ("SI", "SVI"), ("SVR", "SVR"), ("SVRI", "SVRI"), ("CVP", "CVP")
        )
    }  # fmt: skip
    labels = np.full((len(t0_s), len(PARAMETERS)), np.nan)
    labels[:, :4] = rows.labels
    for i, name in enumerate(PARAMETERS[4:], 4):
        labels[:, i] = flow[name]
    return make_dataset(
        np.stack(rows.ppg),
        rate_hz,
        labels,
        np.full(len(t0_s), "surgery-wt01"),
        numbers={
            "t0_s": t0_s,
            "sqi": rows.sqi,
            "cvp_mmhg": np.where(np.isfinite(flow["SVR"]), flow["CVP"], np.nan),
        },
        words={"origin": "recorded", "reference_kind": "arterial-line", "ppg_site": "finger"},
        demographics=np.tile(_surgery_person(recording, flow), (len(t0_s), 1)),
        name="surgery_ev1000",
        about={
            "sources": ["surgery_ev1000"],
            "hop_s": WINDOW_S,
            "licence": "MIT: (c) 2020 Johannes Enevoldsen, waveformtools; Aarhus University Hospital",
            "dropped": dict(rows.dropped),
            "pulse_lag_s": round(lag_s, 3),
            "weight_kg": "from the monitor's body surface (CO/CI) and the height, by DuBois",
        },
    )


def _surgery_person(recording: Recording, flow: Mapping[str, F64]) -> list[float]:
    age_y, height_cm = recording.subject.age_y, recording.subject.height_cm
    bsa_m2 = float(np.nanmedian(flow["CO"] / flow["CI"]))
    if height_cm is None:
        return [age_y or np.nan, np.nan, np.nan, np.nan]
    weight_kg = (bsa_m2 / (0.007184 * height_cm**0.725)) ** (1 / 0.425)
    return [np.nan if age_y is None else age_y, np.nan, height_cm, weight_kg]


def _changes_s(numeric: Numeric) -> F64:
    """When a held value changed."""
    known = np.isfinite(numeric.values)
    t_s, values = numeric.t_s[known], numeric.values[known]
    return np.asarray(t_s[1:][np.diff(values) != 0])


def _held(numeric: Numeric | None, t0_s: F64) -> F64:
    """The value shown when each window ends, NaN where none was shown lately."""
    if numeric is None or not len(numeric.t_s):
        return np.full(len(t0_s), np.nan)
    end_s = t0_s + WINDOW_S
    at = np.searchsorted(numeric.t_s, end_s, "right") - 1
    fresh = (at >= 0) & (end_s - numeric.t_s[np.maximum(at, 0)] <= MONITOR_OLD_S)
    return np.asarray(np.where(fresh, numeric.values[np.maximum(at, 0)], np.nan))


def mimic4wdb(folder: Path) -> Dataset:
    """``mimic4wdb`` p10020306, intensive care, atrial fibrillation: SBP, MAP, DBP, HR by arterial line. One patient:
    never enough to claim an accuracy of pressure.

    Raises:
        ConfigError: the record is missing or cannot be read.
    """
    record = Path(folder) / "p10020306" / "83404654"
    parts: list[tuple[str, float, _Rows]] = []
    dropped: Counter[str] = Counter()
    rate_hz = 0.0
    for header, start_s in _segments(record / "83404654.hea"):
        recording = recording_of(header)
        if not {"bvp", "abp"} <= set(recording.signals) or recording.duration_s < WINDOW_S:
            continue
        rows, rate_hz, _ = pressure_windows(recording)
        dropped += rows.dropped
        if rows.ppg:
            parts.append((header.stem, start_s, rows))
    if not parts:
        raise ConfigError(f"{record}: no usable window; give the folder with p10020306")
    t0_s = np.concatenate([start_s + np.array(rows.t0_s) for _, start_s, rows in parts])
    return make_dataset(
        np.concatenate([np.stack(rows.ppg) for _, _, rows in parts]),
        rate_hz,
        np.concatenate([np.array(rows.labels) for _, _, rows in parts]),
        np.full(len(t0_s), "mimic-p10020306"),
        numbers={"t0_s": t0_s, "sqi": np.concatenate([rows.sqi for _, _, rows in parts])},
        words={"origin": "recorded", "reference_kind": "arterial-line", "ppg_site": "finger"},
        extra={"segment": np.concatenate([np.full(len(rows.ppg), name) for name, _, rows in parts])},
        name="mimic4wdb",
        about={
            "sources": ["mimic4wdb p10020306"],
            "hop_s": WINDOW_S,
            "licence": "ODbL 1.0: MIMIC-IV Waveform Database 0.1.0, PhysioNet, doi 10.13026/a2mw-f949",
            "dropped": dict(dropped),
        },
    )


def _segments(header: Path) -> Iterator[tuple[Path, float]]:
    """Segments that hold a pressure file, with their start in the record, s."""
    try:
        lines = [line.split() for line in header.read_text("ascii").splitlines() if not line.startswith("#")]
        frames_hz = float(lines[0][2].partition("/")[0])
        lengths = [(name, int(length)) for name, length in lines[1:]]
    except (OSError, ValueError, IndexError) as error:
        raise ConfigError(
            f"{header}: not the record of mimic4wdb ({error}); give the folder with p10020306"
        ) from error
    first = 0
    for name, length in lengths:
        if (header.parent / f"{name}p.dat").is_file():
            yield header.parent / f"{name}.hea", first / frames_hz
        first += length


def recording_of(path: Path) -> Recording:
    """A foreign recording.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return read_recording(path)
    except RecordingUnreadable as error:
        raise ConfigError(str(error)) from error
