"""``recorder record`` with real processes: starts a recorder, records by a template, stops it again."""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from bedside_rig import ADC, E4, wait_for
from terminal import run_on_terminal

from recorder import session
from recorder.clock import Clock
from recorder.host import lock, processes, virtual_bedside
from recorder.host.arguments import STATION
from recorder.host.client import StationClient
from recorder.host.leaving import leave
from recorder.host.presence import Presence


def record(home: Path, template: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "recorder.cli",
        "record",
        "--template",
        str(template),
        "--home",
        str(home),
    ]
    command += ["--out", str(home / "out"), "--subject", "S-07", "--json", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def template_of(home: Path, devices: list, consent: bool = True) -> Path:
    value = {
        "name": "rest",
        "devices": [
            {"kind": d.kind, "device_id": d.device_id, "options": d.options, "simulated": True}
            for d in devices
        ],
    }
    if consent:
        value["consent"] = {"version": "1", "date": "2026-01-01"}
    path = home / "rest.json"
    path.write_text(json.dumps(value))
    return path


@pytest.mark.slow
def test_record_and_a_window_leave_each_other_the_recorder(tmp_path: Path) -> None:
    """A window that closes while a session is recorded by command ends nothing, and the other way round."""
    bedside = virtual_bedside.start(
        tmp_path / "virtual", Clock(), {"seed": 2, "script": "rest", "e4": E4, "adc": None}
    )
    running = lambda: lock.is_held(STATION, tmp_path)  # noqa: E731
    try:
        template = template_of(tmp_path, bedside.device_configs())
        done: list[subprocess.CompletedProcess[str]] = []
        recording = threading.Thread(target=lambda: done.append(record(tmp_path, template, "--seconds", "4")))
        recording.start()
        with StationClient(STATION, tmp_path, name="test") as client:
            wait_for(lambda: processes.find_recorder(STATION, tmp_path), "it has started a recorder")
            controller = lambda: client.call("status")["status"]["controller"]  # noqa: E731
            wait_for(lambda: controller() == "recorder record", "it is in control")
            state = lambda: client.call("status")["status"]["session"]["state"]  # noqa: E731
            leave(STATION, tmp_path, name="window-1")
            assert running(), "no session is open yet"
            wait_for(lambda: state() == "open", "the session is open")
            leave(STATION, tmp_path, name="window-1")
            assert running()
        with Presence(STATION, tmp_path):
            recording.join()
            assert done[0].returncode == 0, done[0].stderr
            assert running(), "a window is open on it"
        leave(STATION, tmp_path, name="window-1")
        assert not running()
    finally:
        bedside.stop()
        processes.stop_station(STATION, tmp_path, force=True)


@pytest.mark.slow
def test_a_session_is_recorded_and_no_recorder_left_behind(tmp_path: Path) -> None:
    bedside = virtual_bedside.start(
        tmp_path / "virtual", Clock(), {"seed": 2, "script": "rest", "e4": E4, "adc": ADC}
    )
    try:
        template = template_of(tmp_path, bedside.device_configs())
        signed = {"date": "2026-01-01", "operator": "OP1", "points": [[0.0, 0.0], [2.0, 200.0]]}
        study = json.loads(template.read_text())
        study["calibrations"] = [{"stream": "adc.wave", "channel": "adc0", **signed}]
        template.write_text(json.dumps(study))
        done = record(tmp_path, template, "--seconds", "4")
        assert done.returncode == 0, done.stderr
        outcome = json.loads(done.stdout.splitlines()[-1])
        folder = Path(outcome["session"])
        assert folder.parent == tmp_path / "out" and "S-07" in folder.name
        assert outcome["streams"]["e4.bvp"]["rows"] >= 3.5 * 64
        assert outcome["streams"]["adc.wave"]["rows"] >= 3.5 * 100
        with session.open(folder) as stored:
            (used,) = stored.calibrations()
            assert (used.operator, used.gain_mmhg_per_v) == ("OP1", 100.0)
            assert stored.read("adc.wave", calibrated=True).units == ("mmHg",)
            assert (
                stored.state == "sealed"
                and stored.header.simulated
                and stored.header.template["name"] == "rest"
            )
        wait_for(lambda: not lock.is_held(STATION, tmp_path), "the recorder it started is gone")
    finally:
        bedside.stop()
        processes.stop_station(STATION, tmp_path, force=True)


@pytest.mark.slow
def test_what_is_on_disk_is_seen_on_a_terminal(tmp_path: Path) -> None:
    bedside = virtual_bedside.start(
        tmp_path / "virtual", Clock(), {"seed": 2, "script": "rest", "e4": None, "adc": ADC}
    )
    try:
        template = template_of(tmp_path, bedside.device_configs())
        words = ["--template", str(template), "--home", str(tmp_path), "--out", str(tmp_path / "out")]
        words += ["--subject", "S-07", "--seconds", "4", "--json"]
        done = run_on_terminal(["recorder.cli", "record", *words])
        assert done.code == 0, done.seen
        counts = [int(n.replace(",", "")) for n in re.findall(r"of 4 s, ([\d,]+) samples on disk", done.seen)]
        assert counts == sorted(counts) and counts[-1] >= 150
        assert counts[-1] <= json.loads(done.out.splitlines()[-1])["streams"]["adc.wave"]["rows"]
        assert "Recording S-07 in" in done.seen
    finally:
        bedside.stop()
        processes.stop_station(STATION, tmp_path, force=True)


@pytest.mark.slow
def test_a_refused_start_names_everything_on_stderr(tmp_path: Path) -> None:
    bedside = virtual_bedside.start(
        tmp_path / "virtual", Clock(), {"seed": 2, "script": "rest", "e4": None, "adc": ADC}
    )
    try:
        template = template_of(tmp_path, bedside.device_configs(), consent=False)
        done = record(tmp_path, template, "--seconds", "2", "--station", "bed2")
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert "consent: no consent was referred to" in done.stderr
    finally:
        bedside.stop()
        processes.stop_station("bed2", tmp_path, force=True)


@pytest.mark.slow
def test_a_recorder_that_cannot_start_says_why(tmp_path: Path) -> None:
    stations = tmp_path / "stations" / "bed3"
    stations.mkdir(parents=True)
    (stations / "settings.json").write_text("no json")
    with pytest.raises(Exception, match=r"settings .*cannot be used"):
        processes.ensure_recorder("bed3", tmp_path)
