"""The emulators as the demo starts them: a process with a configuration, a ready file, a log, a truth, and a stop."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from recorder.clock import CLOCK_ENV, Clock
from recorder.devices.sim.physiology import SimSubject, parse_script, simulate
from recorder.protocols.e4_events import Sample
from recorder.protocols.e4_server import E4Decoder


def start(tmp_path, config, clock=None):
    files = {name: str(tmp_path / f"{name}.json") for name in ("ready_file", "log_file", "truth_file")}
    path = tmp_path / "bedside.json"
    path.write_text(json.dumps({**files, **config}))
    environment = {**os.environ, **(clock.to_environment() if clock else {})}
    return subprocess.Popen(
        [sys.executable, "-m", "recorder.devices.sim", str(path)],
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read(tmp_path, name):
    return json.loads((tmp_path / f"{name}.json").read_text())


@pytest.fixture
def processes():
    running = []
    yield running
    for process in running:
        process.kill()
        process.communicate()


def test_ready_log_truth_and_stop(tmp_path, processes, wait_until):
    clock = Clock.scaled(20.0)
    config = {"seed": 3, "script": "demo", "e4": {"serial": "abc123"}, "adc": {"link": "socket"}}
    process = start(tmp_path, config, clock)
    processes.append(process)
    wait_until((tmp_path / "ready_file.json").exists)
    ready = read(tmp_path, "ready_file")
    assert ready["pid"] == process.pid
    assert ready["e4"]["serial"] == "abc123"
    assert ready["adc"]["calibration"] == {"gain_mmhg_per_v": 100.0, "offset_mmhg": 0.0}
    with socket.create_connection((ready["e4"]["host"], ready["e4"]["port"]), 5) as client:
        client.sendall(b"device_connect abc123\r\ndevice_subscribe bvp ON\r\n")
        wait_until(lambda: read(tmp_path, "log_file")["streams"].get("e4.bvp", {}).get("sent", 0) > 300)
        process.stdin.write('{"do": "tag"}\nnonsense\n[1]\n')
        process.stdin.flush()
        wait_until(lambda: (tmp_path / "truth_file.json").read_text().count("\n") > 20)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said == ""
    log = read(tmp_path, "log_file")
    assert log["done"] is True
    counts = log["streams"]["e4.bvp"]
    assert counts["sent"] + counts["overrun"] <= counts["generated"]
    assert log["t_host_ns"] >= clock.base_monotonic_ns


def test_the_truth_file_is_the_model_run_of_its_seed(tmp_path, processes, wait_until):
    clock = Clock.scaled(20.0)
    process = start(tmp_path, {"seed": 5, "script": "rest", "e4": {}}, clock)
    processes.append(process)
    wait_until((tmp_path / "truth_file.json").exists)
    wait_until(lambda: (tmp_path / "truth_file.json").read_text().count("\n") > 30, timeout_s=20)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    header, *beats = map(json.loads, (tmp_path / "truth_file.json").read_text().splitlines())
    expected = simulate(SimSubject(), 60, seed=5, script="rest").beats
    assert header["header"]["simulated"] is True
    t_s = [(beat["t_host_ns"] - header["header"]["t0_host_ns"]) / 1e9 for beat in beats]
    for name, key in (
        ("sbp_mmhg", "sbp"),
        ("map_mmhg", "map"),
        ("dbp_mmhg", "dbp"),
        ("sv_ml", "sv"),
        ("svr_dyn", "svr"),
    ):
        assert [beat[key] for beat in beats[:30]] == pytest.approx(expected[name][:30], abs=1e-3)
    assert t_s[:30] == pytest.approx(expected["t_s"][:30], abs=1e-6)
    assert parse_script("rest").to_json() == header["header"]["script"]


def test_a_port_in_use_is_named(tmp_path, processes):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(tmp_path, {"e4": {"port": port}})
        processes.append(process)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"127.0.0.1:{port}" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "config", [{"adc": {"profile": "no-such"}}, {"e4": {}, "replay": "no-such.npz"}, {"script": "jazz"}]
)
def test_what_cannot_start_says_so_in_one_line(tmp_path, processes, config):
    process = start(tmp_path, config)
    processes.append(process)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "ready_file.json").exists()


def test_the_clock_of_the_parent_is_used(monkeypatch):
    clock = Clock.scaled(4.0)
    monkeypatch.setenv(CLOCK_ENV, clock.to_environment()[CLOCK_ENV])
    assert Clock.from_environment() == clock


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
def test_a_standstill_of_the_machine_is_made_up_without_inventing(tmp_path, processes, wait_until):
    config = {"seed": 5, "subject": {"motion_fraction": 0.0}, "e4": {"jitter_ms": [5, 6]}}
    process = start(tmp_path, config, Clock.scaled(40.0))
    processes.append(process)
    wait_until((tmp_path / "ready_file.json").exists)
    ready = read(tmp_path, "ready_file")
    decoder, samples = E4Decoder(), []
    with socket.create_connection((ready["e4"]["host"], ready["e4"]["port"]), 5) as client:
        client.sendall(b"device_connect 9ff167\r\ndevice_subscribe acc ON\r\ndevice_subscribe tmp ON\r\n")

        def hear(enough):
            while not enough():
                samples.extend(e for e in decoder.feed(client.recv(65536)) if isinstance(e, Sample))

        hear(lambda: len(samples) > 200)
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        n_before = len(samples)
        process.send_signal(signal.SIGCONT)
        hear(lambda: len(samples) > n_before + 60 * 32)
    acc = np.array([[m for m, _ in s.values] for s in samples if s.kind == "acc"])
    repeats = (np.diff(acc, axis=0) == 0).all(axis=1)
    assert max(len(run) for run in "".join("x" if r else " " for r in repeats).split() or [""]) < 30
