"""A window left open over a long recording at real time: nothing is lost, nothing grows, pictures stay fluent.

By hand: ``make soak``; minutes by SOAK_MINUTES (720 for the twelve hours that are asked for). Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil
import pytest

from hemoview.demo_result import Counters
from recorder.clock import Clock
from recorder.host import processes, virtual_bedside
from recorder.host.client import StationClient
from recorder.host.connection import Connection
from recorder.schema import StationStatus
from tests.soak.test_soak import count

STATION = "watch"
EVERY_S = 30.0
MOST_GROWTH_MB = 20.0
LEAST_FRAMES_PER_S = 30.0
WINDOW = """
import json, sys
from pathlib import Path
from hemoview.app import AppOptions, run
shown = run(AppOptions(sys.argv[1], Path(sys.argv[2]), seconds=float(sys.argv[3]), keep_session=True))
print(json.dumps(shown["live"]))
"""


def resident_mb(pid: int) -> float:
    try:
        return psutil.Process(pid).memory_info().rss / 1e6
    except psutil.NoSuchProcess:
        return float("nan")


def growth_mb(minutes: np.ndarray, resident: np.ndarray) -> float:
    """From the ten minutes after the first hour (or third, if that is shorter) to the last ten, medians."""
    settled = min(60.0, minutes[-1] / 3)
    begin = resident[(minutes >= settled) & (minutes < settled + 10)]
    end = resident[minutes >= max(settled, minutes[-1] - 10)]
    return float(np.nanmedian(end) - np.nanmedian(begin))


@pytest.mark.soak
def test_a_long_watch_loses_nothing_and_does_not_grow(tmp_path: Path) -> None:
    seconds = 60 * float(os.environ.get("SOAK_MINUTES", "30"))
    clock = Clock()
    bedside = virtual_bedside.start(
        tmp_path / "virtual", clock, virtual_bedside.standard_config(seed=12, script="rest")
    )
    processes.ensure_recorder(STATION, tmp_path, clock=clock)
    client = StationClient(STATION, tmp_path, name="watch")
    client.connect()
    try:
        client.call("take_control", name="watch")
        client.call("configure", devices=[asdict(c) for c in bedside.device_configs()])
        calibration = bedside.calibration(clock)
        assert calibration is not None
        client.call("calibrate", **calibration.to_json())
        time.sleep(3)
        reply = client.call(
            "start", subject={"pseudonym": "WATCH-01"}, consent={"version": "soak", "date": "2026-01-01"},
            sites={}, operator="soak", template={"name": "soak"}, overrides={}, notes="",
        )  # fmt: skip
        at_start = bedside.count()
        edge = processes.ensure_edge(STATION, tmp_path, clock=clock)
        window = subprocess.Popen(
            [sys.executable, "-c", WINDOW, STATION, str(tmp_path), str(seconds)],
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
            stdout=subprocess.PIPE,
        )
        pids = {"recorder": Connection.read(STATION, tmp_path).pid, "edge": edge, "window": window.pid}
        rows: list[list[float]] = []
        begun = time.monotonic()
        while window.poll() is None:
            rows.append([(time.monotonic() - begun) / 60, *(resident_mb(pid) for pid in pids.values())])
            time.sleep(min(EVERY_S, max(1.0, begun + seconds + 5 - time.monotonic())))
        told, _ = window.communicate()
        live = json.loads(told.splitlines()[-1])
        log = bedside.quiet()
        time.sleep(3)
        status = StationStatus.from_json(client.call("status")["status"])
        client.call("stop", reason="soak ended", timeout_s=120.0)
    finally:
        bedside.stop()
        client.close()
        processes.stop_station(STATION, tmp_path, force=True)
    figures = count(Path(reply["folder"]), Counters(at_start, log), status)
    table = np.array(rows[:-1])
    memory = {
        name: {
            "first_mb": round(float(table[0, i]), 1),
            "last_mb": round(float(table[-1, i]), 1),
            "growth_mb": round(growth_mb(table[:, 0], table[:, i]), 1),
        }
        for i, name in enumerate(pids, 1)
    }
    figures |= {"emulated_ppm": {"e4": 40.0, "adc": -30.0}, "memory": memory, "live": live}
    print(json.dumps(figures))
    assert all(stream["lost"] == 0 and stream["gaps"] == 0 for stream in figures["streams"].values())
    assert all(found["growth_mb"] <= MOST_GROWTH_MB for found in memory.values())
    assert live["frames_per_s"] >= LEAST_FRAMES_PER_S
    assert figures["verify_ok"]
