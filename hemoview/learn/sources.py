"""Every real set as a dataset: a folder in, windows with labels out. What cannot be trusted is left out and counted.

``about["dropped"]`` says how many windows were left out and why, ``about["licence"]`` what the set may be used under.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.preprocess import MODEL_RATE_HZ
from hemoview.dsp.quality import assess, motion_rms_g
from hemoview.dsp.resample import resample
from hemoview.labels.datasets.dataset import Dataset, make_dataset
from hemoview.learn.monitor_sources import WINDOW_S, mimic4wdb, recording_of, surgery_ev1000
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

__all__ = ["bcg_finapres", "e4_motion", "mimic4wdb", "ppg_bp_liang", "surgery_ev1000"]

BCG_FOLDS: Final = ("bcg_fold1.npz", "bcg_fold2.npz", "bcg_fold3.npz")
BCG_WINDOW_S: Final = 5.0
FOOT_TOLERANCE: Final = 0.15
"""A beat's next foot must return to within this part of the pulse pressure of DBP, else the landmark is a notch."""
LIANG_S: Final = 2.1
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
    recording = recording_of(path)
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
