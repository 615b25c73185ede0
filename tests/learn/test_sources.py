"""The makers of datasets refuse by name what is not the set they know, and label what they are given rightly."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hemoview.learn import sources
from hemoview.learn.monitor_sources import pressure_windows
from recorder.devices.sim.physiology import FINGER_OPTICS, SimSubject, simulate
from recorder.errors import ConfigError
from recorder.exchange.sources.recording import Recording, Signal


def _beat() -> np.ndarray:
    """120/80 with a mean of 100 from peak to peak."""
    one = np.concatenate((np.linspace(120, 80, 75, endpoint=False), np.linspace(80, 120, 25, endpoint=False)))
    return np.concatenate((np.linspace(80, 120, 10, endpoint=False), one, one))[:164]


def test_map_is_integrated_over_one_beat() -> None:
    found = sources.mean_pressure(_beat(), np.array([10, 40, 85, 110]), 120.0, 80.0)
    assert found == pytest.approx(100.0, abs=0.5)


@pytest.mark.parametrize(
    "landmarks",
    [[10, 40, 85, 164], [10, 40, 60, 75], [-1, 40, 85, 110], [85, 40, 85, 110]],
    ids=["cut off", "notch taken for a foot", "negative", "no order"],
)
def test_map_of_a_beat_that_cannot_be_trusted_is_unknown(landmarks: list[int]) -> None:
    assert np.isnan(sources.mean_pressure(_beat(), np.array(landmarks), 120.0, 80.0))


@pytest.mark.parametrize(
    ("maker", "message"),
    [
        (sources.bcg_finapres, r"bcg_fold1\.npz: not a fold of bcg_finapres"),
        (sources.ppg_bp_liang, r"labels\.csv: not the ppg_bp_liang set"),
        (sources.surgery_ev1000, r"wt01_waves\.npz: there is no such file"),
        (sources.mimic4wdb, r"83404654\.hea: not the record of mimic4wdb"),
        (sources.e4_motion, "no session of e4_stress_predict"),
    ],
)
def test_a_folder_without_the_set_is_refused_by_name(maker: object, message: str, tmp_path: Path) -> None:
    assert callable(maker)
    with pytest.raises(ConfigError, match=message):
        maker(tmp_path)


def _fold(path: Path, rate_hz: float = 125.0) -> None:
    rng = np.random.default_rng(0)
    np.savez(
        path,
        fs=rate_hz,
        ppg=rng.normal(size=(3, 625)).astype(np.float32),
        sbp=np.full(3, 120.0),
        dbp=np.full(3, 80.0),
        abp_mean_beat=np.tile(_beat(), (3, 1)),
        beat_landmarks=np.array([[10, 40, 85, 110]] * 2 + [[10, 40, 60, 75]]),
        patient=np.array(["X1"] * 3),
        trial=np.array(["X1_7", "X1_2", "X1_30"]),
    )


def test_trials_are_times_and_rows_are_put_in_their_order(tmp_path: Path) -> None:
    for name in sources.BCG_FOLDS:
        _fold(tmp_path / name)
    found = sources.bcg_finapres(tmp_path)
    assert found.t0_s.tolist() == [10.0] * 3 + [35.0] * 3 + [150.0] * 3
    assert np.isnan(found.labels[-3:, 1]).all() and found.labels[:6, 1] == pytest.approx(100, abs=0.5)
    assert np.isnan(found.labels[:, 3:]).all()
    _fold(tmp_path / sources.BCG_FOLDS[1], 100.0)
    with pytest.raises(ConfigError, match=r"bcg_fold2\.npz: not a fold of bcg_finapres \(rate 100 Hz\)"):
        sources.bcg_finapres(tmp_path)


def _liang(folder: Path, sex: str = "Female") -> None:
    columns = ["subject_ID", "Sex(M/F)", "Age(year)", "Height(cm)", "Weight(kg)"]
    columns += ["Systolic Blood Pressure(mmHg)", "Diastolic Blood Pressure(mmHg)", "Heart Rate(b/m)"]
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, ["12", sex, "45", "152", "63", "161", "89", "97"]])
    wave = "\t".join(f"{2000 + 100 * np.sin(i / 120):.0f}" for i in range(2100))
    with zipfile.ZipFile(folder / "ppg_bp_dev.zip", "w") as file:
        for name in ("12_2.txt", "12_1.txt", "99_1.txt"):
            file.writestr(name, wave)


def test_people_without_labels_are_left_out_and_labels_find_their_column(tmp_path: Path) -> None:
    _liang(tmp_path)
    found = sources.ppg_bp_liang(tmp_path)
    assert found.subjects == ["liang-012"] and len(found) == 2
    assert found.labels[0, [0, 2, 3]].tolist() == [161, 89, 97] and np.isnan(found.labels[0, 1])
    assert found.demographics[0].tolist() == [45, 0, 152, 63]
    _liang(tmp_path, sex="?")
    with pytest.raises(ConfigError, match="not the ppg_bp_liang set"):
        sources.ppg_bp_liang(tmp_path)


def _monitor(lag_s: float, seconds: float = 100.0) -> tuple[Recording, np.ndarray, np.ndarray]:
    """A simulated monitor at 125 Hz whose pulse wave is shown ``lag_s`` late."""
    step = [{"at_s": 40.0, "do": "cold-pressor", "for_s": 50.0}]
    quiet = SimSubject(motion_fraction=0.0)
    made = simulate(quiet, seconds, 4, step, optics=FINGER_OPTICS, ppg_hz=125.0, abp_hz=125.0)
    n = round(lag_s * 125)
    ppg = np.concatenate((np.full(n, made.ppg[0]), made.ppg))[: len(made.ppg)].astype(np.float32)
    signals = {
        "abp": Signal("abp", "ABP", made.abp_mmhg.astype(np.float32), 125.0, 0.0, "mmHg"),
        "bvp": Signal("bvp", "PLETH", ppg, 125.0, 0.0, "1"),
    }
    return Recording("surgery-npz", "made", signals), made.beats["t_s"], made.beats["sbp_mmhg"]


def test_labels_are_of_the_beats_under_the_window_lag_removed() -> None:
    recording, t_s, sbp = _monitor(0.4)
    rows, rate_hz, lag_s = pressure_windows(recording)
    assert rate_hz == 125.0 and 0.4 <= lag_s < 0.55 and len(rows.ppg) >= 6

    def off_by(shift_s: float) -> float:
        """Mean distance to the truth of beats ``shift_s`` after the window's."""
        inside = [(t_s >= t + shift_s) & (t_s < t + shift_s + 10) for t in rows.t0_s]
        return float(
            np.mean([abs(r[0] - np.median(sbp[i])) for r, i in zip(rows.labels, inside, strict=True)])
        )

    assert off_by(-0.4) < 0.3
    assert off_by(-0.4) < 0.5 * min(off_by(0.8), off_by(-1.6))


def test_windows_around_a_cuff_reading_and_over_gaps_are_left_out_and_counted() -> None:
    recording, *_ = _monitor(0.3)
    everything = pressure_windows(recording)[0]
    rows, *_ = pressure_windows(recording, np.array([15.0]))
    assert min(rows.t0_s) >= 45.0 and rows.dropped["cuff"] == 5
    assert rows.t0_s == [t for t in everything.t0_s if t >= 45.0]
    recording.signals["bvp"].values[6000] = np.nan
    assert pressure_windows(recording)[0].dropped["gap"] == 1
    alone = Recording("surgery-npz", "alone", {"bvp": recording.signals["bvp"]})
    with pytest.raises(ConfigError, match="alone: needs a pulse wave and an arterial wave"):
        pressure_windows(alone)
