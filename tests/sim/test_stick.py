"""The simulated stick reads as a monitor's own, and says that it is none."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from recorder.devices.sim.physiology import SimRecording, SimSubject, simulate
from recorder.devices.sim.stick import StickPlan, write_stick
from recorder.protocols.cnap_beats import parse_beats
from recorder.protocols.cnap_summary import parse_summary
from recorder.protocols.cnap_wave import parse_wave

BEGINS = datetime(2025, 1, 31, 9, 5, 7)
PLAN = StickPlan(
    from_s=20.0,
    seconds=200.0,
    calibrated_s=(60.0, 170.0),
    finger_changes_s=(120.0,),
    failed_cuffs_s=(110.0,),
    prefix="S01_",
)


@pytest.fixture(scope="module")
def recording() -> SimRecording:
    return simulate(SimSubject(), 240.0, seed=5)


def test_the_files_hold_what_was_planned(recording: SimRecording, tmp_path: Path) -> None:
    files = write_stick(tmp_path / "stick", recording, BEGINS, PLAN)
    assert files.beats.name == "S01_CNAP_2025-01-31_09-05-07_001_beats.csv"
    beats, wave = parse_beats(files.beats.read_bytes()), parse_wave(files.waveform.read_bytes())
    assert beats.simulated and wave.simulated
    assert not beats.rejected and not wave.rejected
    kinds = [(e.kind, e.failed) for e in beats.events if e.kind != "search"]
    assert kinds == [
        ("cuff", False),
        ("calibrated", False),
        ("hd-calibrated", False),
        ("cuff", True),
        ("finger-changed", False),
        ("cuff", False),
        ("calibrated", False),
    ]
    assert len(wave.mmhg) == 20_000
    assert np.isnan(beats.column("co")[beats.t_s < 60]).all()
    found = parse_summary(files.summary.read_bytes())
    assert (found.age_y, found.sex, found.height_cm) == (40, "male", 175.0)


def test_after_a_calibration_it_shows_the_truth_and_before_it_does_not(
    recording: SimRecording, tmp_path: Path
) -> None:
    beats = parse_beats(write_stick(tmp_path, recording, BEGINS, PLAN).beats.read_bytes())
    true_s, true_mmhg = recording.beats["t_s"] - PLAN.from_s, recording.beats["sbp_mmhg"]
    error = np.abs(beats.column("sbp") - np.interp(beats.t_s, true_s, true_mmhg))
    error[beats.artefact] = np.nan
    good, grey = (beats.t_s > 61) & (beats.t_s < 105), (beats.t_s > 30) & (beats.t_s < 59)
    assert np.nanmedian(error[good]) < 5
    assert np.nanmedian(error[grey]) > 10


def test_a_clock_that_runs_fast_moves_every_row(recording: SimRecording, tmp_path: Path) -> None:
    plain = write_stick(tmp_path / "a", recording, BEGINS, StickPlan())
    fast = write_stick(tmp_path / "b", recording, BEGINS, StickPlan(clock_ppm=1000.0))
    a, b = (parse_beats(files.beats.read_bytes()).t_s for files in (plain, fast))
    assert b[-1] - a[-1] == pytest.approx(0.24, abs=0.03)
