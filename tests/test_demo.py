"""The demo as scripts and acceptance checks use it: the contract's fields, and a clear end when a part fails."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from terminal import run_on_terminal

from hemoview import demo
from recorder import session as sessions
from recorder.errors import RecorderError, StationLocked
from recorder.host.connection import Connection

STREAM_FIELDS = {
    "expected", "received", "on_disk", "gaps", "longest_gap_s", "nominal_rate_hz", "effective_rate_hz",
}  # fmt: skip
LATENCIES = {f"{name}_{p}" for name in ("sample_to_bus", "sample_to_screen") for p in ("p50", "p99")}


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hemoview", *words], capture_output=True, text=True, check=False
    )


def emulator_pid(out: Path) -> int:
    return int(json.loads(next(out.glob("virtual-bedside/*/ready.json")).read_text())["pid"])


def assert_contract(result: dict[str, Any]) -> None:
    assert {"session", "seconds", "streams", "estimates", "latency_ms", "model", "screenshots"} <= set(result)
    assert {"e4.bvp", "e4.acc", "e4.eda", "e4.temp", "adc.wave", "edge.est"} <= set(result["streams"])
    for name, stream in result["streams"].items():
        assert set(stream) >= STREAM_FIELDS
        if stream["expected"] is not None:
            assert stream["on_disk"] == stream["expected"], name
            assert stream["gaps"] == 0, name
    assert {"n", "abstained", "coverage_90", "mae"} <= set(result["estimates"])
    assert result["estimates"]["simulated"] is True
    assert set(result["latency_ms"]) == LATENCIES
    assert sessions.verify(result["session"]).ok


def test_its_seconds_and_samples_are_seen_on_a_terminal(tmp_path: Path) -> None:
    words = ["demo", "--headless", "--seconds", "12", "--speed", "4", "--out", str(tmp_path), "--json"]
    done = run_on_terminal(["hemoview", *words])
    assert done.code == 0, done.seen
    shown = re.findall(r"(\d+) of 12 s, ([\d,]+) samples on disk", done.seen)
    seconds, samples = zip(*((int(s), int(n.replace(",", ""))) for s, n in shown), strict=True)
    assert seconds[-1] >= 9 and len(set(seconds)) >= 3
    assert samples == tuple(sorted(samples)) and samples[-1] > 9 * (64 + 32 + 100)
    assert_contract(json.loads(done.out.splitlines()[-1]))


def test_the_last_line_is_the_contracts_object(tmp_path: Path) -> None:
    done = command("demo", "--headless", "--seconds", "30", "--speed", "4", "--out", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result = json.loads(done.stdout.splitlines()[-1])
    assert_contract(result)
    assert result["estimates"]["n"] >= 20
    with sessions.open(result["session"]) as session:
        assert not [gap for name in session.streams for gap in session.gaps(name)], (
            "the demo's own end is no gap"
        )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--speed", "0"], "0.1 to 100"),
        (["--speed", "nan"], "0.1 to 100"),
        (["--seconds", "-5"], "above 0"),
        (["--seconds", "inf"], "above 0"),
    ],
)
def test_wrong_usage_is_named(words: list[str], said: str) -> None:
    done = command("demo", "--headless", *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_folder_that_cannot_be_written_is_named_and_json_stays_json(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = command("demo", "--headless", "--seconds", "1", "--out", str(tmp_path / "file"), "--json")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "fault of HemoView" not in done.stderr
    assert str(tmp_path / "file") in json.loads(done.stdout.splitlines()[-1])["error"]


def test_a_second_demo_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    found: list[dict[str, Any]] = []
    options = demo.DemoOptions(headless=True, seconds=6, out=tmp_path)
    first = threading.Thread(target=lambda: found.append(demo.run(options)))
    first.start()
    while not list(tmp_path.glob("sessions/*")):
        time.sleep(0.05)
    with pytest.raises(StationLocked, match="already runs"):
        demo.run(options)
    first.join()
    assert_contract(found[0])


def test_dead_emulators_end_the_demo_by_name(tmp_path: Path) -> None:
    def kill() -> None:
        while not list(tmp_path.glob("sessions/*")):
            time.sleep(0.05)
        time.sleep(1)
        os.kill(emulator_pid(tmp_path), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(RecorderError, match=r"virtual bedside has died.*recorded is in"):
        demo.run(demo.DemoOptions(headless=True, seconds=60, out=tmp_path))
    killer.join()
    session = next(tmp_path.glob("sessions/*"))
    assert sessions.verify(session).ok, "what was recorded until then is whole"


@pytest.mark.slow
def test_a_killed_recorder_goes_on_with_the_same_session(tmp_path: Path) -> None:
    def kill() -> None:
        while not list(tmp_path.glob("sessions/*")):
            time.sleep(0.05)
        time.sleep(3)
        os.kill(Connection.read(demo.STATION, tmp_path).pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    result = demo.run(demo.DemoOptions(headless=True, seconds=12, out=tmp_path))
    killer.join()
    assert len(list(tmp_path.glob("sessions/*"))) == 1
    assert sessions.verify(result["session"]).ok
    with sessions.open(result["session"]) as session:
        assert len(session.eras) == 2
        assert "recorder-restart" in {gap.cause for gap in session.gaps("e4.bvp")}


@pytest.mark.slow
def test_the_keyboard_stops_a_demo_and_leaves_nothing_running(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "hemoview", "demo", "--headless", "--out", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        while not list(tmp_path.glob("sessions/*")):
            time.sleep(0.05)
        time.sleep(2)
        emulators = emulator_pid(tmp_path)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "missing 0" in output
    with pytest.raises(ProcessLookupError):
        os.kill(emulators, 0)
    with sessions.open(next(tmp_path.glob("sessions/*"))) as session:
        assert session.state == "sealed"
