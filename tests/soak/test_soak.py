"""A long recording at real time, with everything else going wrong. By hand: ``make soak``; minutes by SOAK_MINUTES.

The window is killed and restarted three times and both cores are kept busy, while the emulators' own counters are held
against what can be read back from disk. Prints one line of JSON; its figures are quoted in the README.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from hemoview import demo_result
from hemoview.bench import machine
from hemoview.demo_result import Counters
from recorder import session as sessions
from recorder.clock import Clock
from recorder.host import processes, virtual_bedside
from recorder.host.client import StationClient
from recorder.schema import StationStatus

STATION = "soak"
E4_PPM, ADC_PPM = 80.0, -80.0


@contextmanager
def busy_cores() -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def open_window(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "hemoview", "--station", STATION, "--home", str(home)]
    return subprocess.Popen(command, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})


@pytest.mark.soak
def test_nothing_is_lost_while_windows_die_and_cores_are_busy(tmp_path: Path) -> None:
    seconds = 60 * float(os.environ.get("SOAK_MINUTES", "30"))
    clock = Clock()
    config = {
        "seed": 11,
        "script": "rest",
        "e4": {"serial": "9ff167", "port": 0, "ppm": E4_PPM, "jitter_ms": [5, 60]},
        "adc": {"profile": "lab-adc-ascii", "ppm": ADC_PPM, "link": "pty"},
    }
    bedside = virtual_bedside.start(tmp_path / "virtual", clock, config)
    processes.ensure_recorder(STATION, tmp_path, clock=clock)
    client = StationClient(STATION, tmp_path, name="soak")
    client.connect()
    try:
        client.call("take_control", name="soak")
        client.call("configure", devices=[asdict(c) for c in bedside.device_configs()])
        calibration = bedside.calibration(clock)
        assert calibration is not None
        client.call("calibrate", **calibration.to_json())
        time.sleep(3)
        reply = client.call(
            "start", subject={"pseudonym": "SOAK-01"}, consent={"version": "soak", "date": "2026-01-01"},
            sites={}, operator="soak", template={"name": "soak"}, overrides={}, notes="",
        )  # fmt: skip
        at_start = bedside.count()
        processes.ensure_edge(STATION, tmp_path, clock=clock)
        with busy_cores():
            for _ in range(3):
                window = open_window(tmp_path)
                time.sleep(seconds / 4)
                window.send_signal(signal.SIGKILL)
                window.wait()
            window = open_window(tmp_path)
            time.sleep(seconds / 4)
            window.kill()
            window.wait()
        log = bedside.quiet()
        time.sleep(3)
        status = StationStatus.from_json(client.call("status")["status"])
        client.call("stop", reason="soak ended", timeout_s=120.0)
    finally:
        bedside.stop()
        client.close()
        processes.stop_station(STATION, tmp_path, force=True)
    figures = count(Path(reply["folder"]), Counters(at_start, log), status)
    print(json.dumps(figures))
    assert all(stream["lost"] == 0 and stream["gaps"] == 0 for stream in figures["streams"].values())
    assert figures["verify_ok"]


def count(folder: Path, log: Counters, status: StationStatus) -> dict:
    report = sessions.verify(folder)
    streams = {}
    with sessions.open(folder) as session:
        quiet_s = session.t_s(log.at_end["t_host_ns"], session.eras[-1].number)
        for name in log.at_end["streams"]:
            expected, on_disk = demo_result.expected(session, log, name), session.rows(name)
            streams[name] = {
                "expected": expected,
                "on_disk": on_disk,
                "lost": expected - on_disk,
                "gaps": sum(gap.t0_s < quiet_s - 3 for gap in session.gaps(name)),
                **demo_result.drift(session, name),
            }
        seconds = session.duration_s
    megabytes = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6
    return {
        "seconds": round(seconds, 1),
        "streams": streams,
        "emulated_ppm": {"e4": E4_PPM, "adc": ADC_PPM},
        "commit_p99_ms": status.commit_p99_ms,
        "mb_per_hour": round(megabytes / seconds * 3600, 2),
        "verify_ok": report.ok,
        "machine": machine.describe(),
    }
