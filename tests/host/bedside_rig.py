"""A virtual bedside, a recorder and a client, for the tests that need real processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recorder.clock import Clock
from recorder.host import processes, virtual_bedside
from recorder.host.client import StationClient
from recorder.schema import StationStatus, StreamStatus

E4 = {"serial": "9ff167", "port": 0, "ppm": 40.0, "jitter_ms": [5, 60]}
ADC = {"profile": "lab-adc-ascii", "ppm": -30.0, "link": "socket"}


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    """The first true value of ``condition``."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {timeout_s:g} s for: {what}")


class Rig:
    """One station with emulated devices; a context manager that leaves nothing running."""

    def __init__(self, home: Path, station: str = "bed1", e4: Any = E4, adc: Any = ADC) -> None:
        self.home, self.station, self.clock = home, station, Clock()
        config = {"seed": 1, "script": "rest", "e4": e4, "adc": adc}
        self.bedside = virtual_bedside.start(home / f"virtual-{station}", self.clock, config)
        self.client = StationClient(station, home, name="test", clock=self.clock)

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.bedside.stop()
        processes.stop_station(self.station, self.home, force=True)

    def up(self) -> int:
        return processes.ensure_recorder(self.station, self.home, clock=self.clock)

    def configure(self) -> None:
        self.client.call("configure", devices=[asdict(d) for d in self.bedside.device_configs()])

    def status(self) -> StationStatus:
        return StationStatus.from_json(self.client.call("status", timeout_s=15)["status"])

    def stream(self, name: str) -> StreamStatus:
        return next(s for s in self.status().streams if s.stream_id == name)

    def await_streaming(self) -> None:
        def flowing() -> bool:
            told = self.status()
            steady = [s for s in told.streams if s.nominal_rate_hz is not None]
            return bool(told.links and steady) and all(x.state == "streaming" for x in (*told.links, *steady))

        wait_for(flowing, "all devices deliver")

    def start(self, **changes: Any) -> Path:
        args = {
            "subject": {"pseudonym": "S-01", "sex": "female", "age_y": 40},
            "consent": {"version": "1", "date": "2026-01-01"},
            "operator": "op1",
        }
        return Path(self.client.call("start", timeout_s=15, **{**args, **changes})["folder"])

    def stop(self) -> Path:
        return Path(self.client.call("stop", timeout_s=60, reason="test")["folder"])

    def kill_recorder(self) -> None:
        pid = self.status().pid
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: processes.find_recorder(self.station, self.home) is None, "the recorder is dead")
