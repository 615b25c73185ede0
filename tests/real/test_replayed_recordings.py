"""Real recordings through the whole chain: emulators → recorder → edge → session; recorded, verified, estimated.

Loss and latency are claimed at real time only; these runs are faster, so they claim wholeness (every sample the
emulators sent is on disk), a clean ``verify``, and that estimation copes with real signals.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemoview import demo
from recorder import session as sessions
from recorder.exchange import read_recording

SPEED = 6.0


def replay(recording: Path, out: Path, seconds: float) -> dict[str, Any]:
    return demo.run(demo.DemoOptions(headless=True, seconds=seconds, speed=SPEED, replay=recording, out=out))


def assert_whole(result: dict[str, Any]) -> None:
    sent = {name: s for name, s in result["streams"].items() if s["expected"] is not None}
    assert sent
    for name, stream in sent.items():
        assert stream["on_disk"] == stream["expected"], name
    report = sessions.verify(result["session"])
    assert report.ok, report
    assert result["simulated"], "a replayed session is marked: it was not recorded here from a person"


def test_surgery_with_arterial_line_and_cardiac_output_monitor(real_recordings: Path, tmp_path: Path) -> None:
    source = real_recordings / "surgery_ev1000" / "wt01_waves.npz"
    result = replay(source, tmp_path, seconds=80)
    assert_whole(result)
    assert result["estimates"]["n"] >= 50
    by_name = {score["reference"]: score for score in result["estimates"]["also_against"]}
    print(result["estimates"])
    assert by_name["numerics of EV1000"]["mae"]["HR"] < 3.0
    assert {"SBP", "MAP", "DBP"} & set(result["estimates"]["mae"]), "pressures were estimated somewhere"
    # The arterial wave went through volts, serial bytes, disk and the beat detector; two monitors saw the same artery.
    # The bedside monitor's mean is of the same seconds; the cardiac output monitor's is averaged over 20 s and late.
    with sessions.open(result["session"]) as session:
        beats = session.read("edge.beats_abp")
        column = [c.name for c in beats.info.channels].index("map_mmhg")
        ours_mmhg = float(np.nanmedian(beats.values[:, column]))
    numerics = read_recording(source).numerics
    for name, tolerance_mmhg in (("Intellivue/ABP_MEAN", 3.0), ("EV1000/ART_MBP", 8.0)):
        monitor = numerics[name]
        theirs_mmhg = float(np.median(monitor.values[monitor.t_s <= 80]))
        assert ours_mmhg == pytest.approx(theirs_mmhg, abs=tolerance_mmhg), name


def test_wristband_session_of_a_stress_study(real_recordings: Path, tmp_path: Path) -> None:
    result = replay(real_recordings / "e4_stress_predict" / "S01.zip", tmp_path, seconds=80)
    assert_whole(result)
    assert {"e4.bvp", "e4.acc", "e4.eda", "e4.temp"} <= set(result["streams"])
    assert "adc.wave" not in result["streams"]
    assert result["estimates"]["n"] >= 50


def test_intensive_care_record_with_atrial_fibrillation_and_dropouts(
    real_recordings: Path, tmp_path: Path
) -> None:
    header = sorted((real_recordings / "mimic4wdb").rglob("83404654.hea"))
    result = replay(header[0], tmp_path, seconds=80)
    assert_whole(result)
    assert result["estimates"]["n"] >= 40
