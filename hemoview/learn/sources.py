"""Every real set as a dataset: a folder in, windows with labels out. What cannot be trusted is left out and counted.

``about["dropped"]`` says how many windows were left out and why, ``about["licence"]`` what the set may be used under.
"""

from __future__ import annotations

import csv
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.preprocess import MODEL_RATE_HZ
from hemoview.dsp.quality import assess, motion_rms_g
from hemoview.dsp.resample import resample
from hemoview.labels.dataset import Dataset, make_dataset
from hemoview.labels.pressure import beats_between, label_of, pulse_lag_s
from recorder.errors import ConfigError, RecordingUnreadable
from recorder.exchange import read_recording
from recorder.exchange.recording import Numeric, Recording
from recorder.schema import PARAMETERS

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

WINDOW_S: Final = 10.0
BCG_FOLDS: Final = ("bcg_fold1.npz", "bcg_fold2.npz", "bcg_fold3.npz")
BCG_WINDOW_S: Final = 5.0
FOOT_TOLERANCE: Final = 0.15
"""A beat's next foot must return to within this part of the pulse pressure of DBP, else the landmark is a notch."""
LIANG_S: Final = 2.1
MONITOR_OLD_S: Final = 30.0
"""A cardiac-output monitor renews its values every 20 s; older ones say nothing of a window."""
CUFF_AROUND_S: Final = 30.0
MOVING_G: Final = 0.04
"""RMS acceleration from which a broken rule is put down to motion (decision 0009)."""


def bcg_finapres(folder: Path) -> Dataset:
    """``bcg_finapres``: 5-s windows of a finger wave; SBP and DBP of a finger cuff, MAP of its averaged beat.

    No HR: an averaged beat is as long as its typical beat, 2 /min and more off the mean rate of the window.
    Trials are numbered in time, 5 s each, so the number times 5 s is the time in the recording.

    Raises:
        ConfigError: a file is missing or not of that set.
    """
    folds = [_bcg_fold(Path(folder) / name) for name in BCG_FOLDS]
    ppg, labels, subject, t0_s = (np.concatenate(parts) for parts in zip(*folds, strict=True))
    order = np.lexsort((t0_s, subject))
    return make_dataset(
        ppg[order],
        125.0,
        labels[order],
        subject[order],
        numbers={"t0_s": t0_s[order]},
        words={"origin": "recorded", "reference_kind": "finger-cuff", "ppg_site": "finger"},
        name="bcg_finapres",
        about={
            "sources": ["bcg_finapres"],
            "hop_s": BCG_WINDOW_S,
            "licence": "CC BY 4.0: Carlson et al., Bed-Based Ballistocardiography, IEEE DataPort 2020; as processed by "
            "Gonzalez et al., Sci Data 2023",
        },
    )


def _bcg_fold(path: Path) -> tuple[F32, F64, NDArray[np.str_], F64]:
    try:
        with np.load(path, allow_pickle=False) as file:
            if float(file["fs"]) != 125.0:
                raise ValueError(f"rate {float(file['fs']):g} Hz")
            ppg = file["ppg"].astype(np.float32)
            sbp, dbp = file["sbp"].astype(np.float64), file["dbp"].astype(np.float64)
            beats = zip(file["abp_mean_beat"], file["beat_landmarks"], sbp, dbp, strict=True)
            mean = np.array([mean_pressure(*beat) for beat in beats])
            subject = file["patient"].astype(str)
            trial_no = np.array([int(t.rpartition("_")[2]) for t in file["trial"].astype(str)])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"{path.name}: not a fold of bcg_finapres ({error}); give the folder with it"
        ) from error
    return ppg, np.column_stack((sbp, mean, dbp)), subject, trial_no * BCG_WINDOW_S


def mean_pressure(
    beat_mmhg: NDArray[np.floating], landmarks: NDArray[np.integer], sbp_mmhg: float, dbp_mmhg: float
) -> float:
    """MAP of an averaged beat, integrated from one systolic peak to the next; NaN where landmarks cannot be trusted.

    Args:
        beat_mmhg: ``(n_samples,)`` of a beat and the beginning of the next.
        landmarks: systolic peak, notch, next foot, next peak; as indices. A next peak at the end of the array was
            cut off there, which would lose diastole.
        sbp_mmhg, dbp_mmhg: its labels.
    """
    peak, _, foot, next_peak = (int(v) for v in landmarks)
    if not 0 <= peak < foot < next_peak < len(beat_mmhg):
        return float("nan")
    if abs(float(beat_mmhg[foot]) - dbp_mmhg) > FOOT_TOLERANCE * (sbp_mmhg - dbp_mmhg):
        return float("nan")
    mean = float(np.mean(beat_mmhg[peak:next_peak]))
    return mean if dbp_mmhg < mean < sbp_mmhg else float("nan")


def ppg_bp_liang(folder: Path) -> Dataset:
    """``ppg_bp_liang``: 2.1-s finger waves with one cuff reading and the demographics of each person.

    For pre-training of the shape only: ``short_windows`` is set, and nothing estimates from such a window.

    Raises:
        ConfigError: a file is missing or not of that set.
    """
    path = Path(folder) / "labels.csv"
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            people = {row["subject_ID"].strip(): row for row in csv.DictReader(file)}
        waves = dict(_liang_waves(sorted(Path(folder).glob("ppg_bp_*.zip"))))
        names = sorted((n for n in waves if n[0] in people), key=lambda n: (int(n[0]), n[1]))
        rows = [_liang_row(people[who]) for who, _ in names]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path}: not the ppg_bp_liang set ({error}); give the folder with it") from error
    if not names:
        raise ConfigError(f"{folder}: no wave of ppg_bp_liang there; give the folder with ppg_bp_*.zip")
    table = np.array(rows)
    return make_dataset(
        resample(np.stack([waves[name] for name in names]), 1000.0, MODEL_RATE_HZ),
        MODEL_RATE_HZ,
        np.column_stack((table[:, :1], np.full(len(table), np.nan), table[:, 1:3])),
        [f"liang-{int(who):03d}" for who, _ in names],
        words={"origin": "recorded", "reference_kind": "arm-cuff", "ppg_site": "finger"},
        demographics=table[:, 3:],
        name="ppg_bp_liang",
        short_windows=True,
        about={
            "sources": ["ppg_bp_liang"],
            "licence": "CC0 1.0: Liang et al., PPG-BP database, Sci Data 2018",
            "use": "pre-training of the shape only: 2.1 s are too short for an estimate",
        },
    )


def _liang_waves(archives: Sequence[Path]) -> Iterator[tuple[tuple[str, str], F64]]:
    n = round(LIANG_S * 1000)
    for archive in archives:
        with zipfile.ZipFile(archive) as file:
            for member in file.namelist():
                who, _, part = Path(member).stem.partition("_")
                if member.endswith(".txt") and part:
                    yield (who, part), np.array(file.read(member).split()[:n], dtype=np.float64)


def _liang_row(person: Mapping[str, str]) -> list[float]:
    sexes = {"female": 0.0, "male": 1.0}
    numbers = (
        "Systolic Blood Pressure(mmHg)",
        "Diastolic Blood Pressure(mmHg)",
        "Heart Rate(b/m)",
        "Age(year)",
    )
    sbp, dbp, hr, age = (float(person[name]) for name in numbers)
    sex = sexes[person["Sex(M/F)"].strip().lower()]
    return [sbp, dbp, hr, age, sex, float(person["Height(cm)"]), float(person["Weight(kg)"])]


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
    recording = _recording(Path(folder) / "wt01_waves.npz")
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
        recording = _recording(header)
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


def _recording(path: Path) -> Recording:
    try:
        return read_recording(path)
    except RecordingUnreadable as error:
        raise ConfigError(str(error)) from error


def e4_motion(folder: Path, most_sessions: int | None = None) -> Dataset:
    """``e4_stress_predict``: wrist waves of the E4 without any label, with how much the wrist moved: real noise, and
    what a wristband's waves look like.

    ``extra``: ``motion_g`` (RMS acceleration 0.5–10 Hz), ``moving`` (above 0.04 g), ``fault`` (what the bedside says of
    the window; empty = good).

    Args:
        folder: with a zip a session.
        most_sessions: read no more than these.

    Raises:
        ConfigError: there is no session, or one cannot be read.
    """
    paths = sorted(Path(folder).glob("S*.zip"))[:most_sessions]
    if not paths:
        raise ConfigError(f"{folder}: no session of e4_stress_predict (S*.zip) there")
    rows = [row for path in paths for row in _e4_windows(path)]
    if not rows:
        raise ConfigError(f"{folder}: no session holds a whole window")
    columns: dict[str, list[Any]] = {key: [row[key] for row in rows] for key in rows[0]}
    motion_g = np.array(columns["motion_g"])
    return make_dataset(
        np.stack(columns["ppg"]),
        MODEL_RATE_HZ,
        np.full((len(rows), len(PARAMETERS)), np.nan),
        [f"e4-{name}" for name in columns["subject"]],
        numbers={"t0_s": columns["t0_s"], "sqi": columns["sqi"]},
        words={"origin": "recorded", "ppg_site": "wrist"},
        extra={
            "motion_g": motion_g,
            "moving": motion_g > MOVING_G,
            "fault": np.array(columns["fault"], dtype=np.str_),
        },
        name="e4_stress_predict",
        about={
            "sources": ["e4_stress_predict"],
            "hop_s": WINDOW_S,
            "licence": "MIT: Iqbal et al., Stress-Predict Dataset, Sensors 2022",
        },
    )


def _e4_windows(path: Path) -> Iterator[dict[str, Any]]:
    """Whole windows of one session; those without any change (band not on skin) are left out."""
    recording = _recording(path)
    bvp, acc = recording.signals.get("bvp"), recording.signals.get("acc")
    if bvp is None or acc is None or bvp.rate_hz != MODEL_RATE_HZ:
        raise ConfigError(f"{path}: needs BVP at {MODEL_RATE_HZ:g} Hz and ACC")
    n, n_acc = round(WINDOW_S * bvp.rate_hz), round(WINDOW_S * acc.rate_hz)
    for first in range(0, len(bvp.values) - n + 1, n):
        wave = bvp.values[first : first + n].astype(np.float64)
        begin = round((bvp.t0_s + first / bvp.rate_hz - acc.t0_s) * acc.rate_hz)
        moved = acc.values[max(begin, 0) : begin + n_acc]
        if len(moved) < n_acc or not np.isfinite(wave).all() or np.ptp(wave) == 0:
            continue
        motion_g = motion_rms_g(moved, acc.rate_hz)
        found = assess(wave, bvp.rate_hz, find_ppg_beats(wave, bvp.rate_hz), motion_g=motion_g)
        yield {
            "ppg": wave,
            "subject": path.stem,
            "t0_s": first / bvp.rate_hz,
            "motion_g": motion_g,
            "sqi": found.sqi,
            "fault": found.fault or "",
        }
