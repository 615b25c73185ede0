"""A researcher's whole way, with files alone: a wristband's folder and a monitor's stick whose clock drifts and is
minutes off, imported into one session, aligned, built. The truth is the physiology model's.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemoview import cli
from hemoview.labels import read_dataset
from recorder.devices.sim.physiology import SimRecording, SimSubject, simulate
from recorder.devices.sim.stick import StickPlan, write_stick

BEGIN_S = 1_790_000_000
SECONDS, LATE_S, DRIFT_PPM = 780.0, 95.0, 60.0
"""The monitor's own clock shows ``LATE_S`` more than the wristband's."""


def write_e4(folder: Path, recording: SimRecording) -> Path:
    folder.mkdir()
    head = f"{BEGIN_S}.00\n64.000000\n"
    (folder / "BVP.csv").write_text(head + "".join(f"{v:.2f}\n" for v in recording.ppg), "ascii")
    counts = np.round(recording.acc_g * 64).astype(int)
    starts = ", ".join([f"{BEGIN_S}.000000"] * 3)
    rows = "".join(f"{x},{y},{z}\n" for x, y, z in counts.tolist())
    (folder / "ACC.csv").write_text(f"{starts}\n32.000000, 32.000000, 32.000000\n{rows}", "ascii")
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code = cli.main([*words, "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    told: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    return told


@pytest.mark.slow
def test_from_files_to_labels_that_are_true(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path / "home"))
    told = simulate(SimSubject(motion_fraction=0.0), SECONDS, 3)
    band = write_e4(tmp_path / "S01", told)
    begins = datetime.utcfromtimestamp(BEGIN_S + LATE_S)
    plan = StickPlan(clock_ppm=DRIFT_PPM, calibrated_s=(60.0,), hd_calibrated_s=300.0, artefacts=0.01)
    stick = write_stick(tmp_path / "stick", told, begins, plan)
    session, folder = str(tmp_path / "both"), tmp_path / "set"
    whose = ["--subject", "P-014", "--sex", "female", "--age", "34", "--height", "171", "--weight", "64"]
    whose += ["--zone", "UTC"]
    said(capsys, "import", "--e4", str(band), "--cnap", str(stick.beats), *whose, "--out", session)
    aligned = said(capsys, "align", session)
    assert aligned["locked"], aligned
    assert aligned["offset_s"] == pytest.approx(-LATE_S, abs=0.5)
    built = said(
        capsys, "dataset", "build", session, "--out", str(folder), "--allow-simulated", "--workers", "1"
    )
    assert (
        built["simulated"] and built["dropped"]["uncalibrated"] > 5 and built["dropped"]["recalibration"] >= 5
    )

    found = read_dataset(folder)
    co = found.extra["label_valid_reason_CO"]
    assert {"valid", "uncalibrated CO"} == set(co.tolist())
    assert np.isfinite(found.labels[co == "valid"]).all() and np.isnan(found.labels[co != "valid", 4:]).all()
    errors = np.array([found.labels[i, :4] - truth(told, t) for i, t in enumerate(found.t0_s.tolist())])
    assert len(found) > 80 and np.abs(errors[:, 3]).max() < 2.0, "the right beats"
    assert np.abs(np.median(errors[:, :3], axis=0)).max() < 6.0, "the monitor's own scale is up to 1.5 % off"


def truth(told: SimRecording, begin_s: float) -> np.ndarray:
    """SBP, MAP, DBP, HR of the model's beats in the ten seconds; the wristband began with the recording."""
    inside = (told.beats["t_s"] >= begin_s) & (told.beats["t_s"] < begin_s + 10)
    names = ("sbp_mmhg", "map_mmhg", "dbp_mmhg")
    rate = 60 / np.mean(60 / told.beats["hr_per_min"][inside])
    return np.array([*(np.median(told.beats[name][inside]) for name in names), rate])
