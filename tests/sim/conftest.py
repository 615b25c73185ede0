"""Sources and clocks for emulator tests: time is handed in, nothing sleeps."""

import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from recorder.clock import Clock
from recorder.devices.sim.bedside import Bedside
from recorder.devices.sim.config import parse
from recorder.devices.sim.patient import BeatTruth
from recorder.devices.sim.source import Interval


@dataclass
class RampSource:
    """Every signal is its own time in s times ``slope``, so that a value tells when it was taken."""

    slope: float = 1.0
    ends_s: float | None = None
    holes: list[tuple[float, float]] = field(default_factory=list)
    beats: list[Interval] = field(default_factory=list)
    absent: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        return name not in self.absent

    def sample(self, name: str, t_s: np.ndarray) -> np.ndarray:
        values = self.slope * t_s
        for begin_s, end_s in self.holes:
            values = np.where((t_s >= begin_s) & (t_s < end_s), np.nan, values)
        return np.stack([values] * 3, axis=1) / 64.0 if name == "acc" else values

    def intervals(self, until_s: float) -> list[Interval]:
        taken = [b for b in self.beats if b.t_s <= until_s]
        self.beats = [b for b in self.beats if b.t_s > until_s]
        return taken

    def truth(self, until_s: float) -> list[BeatTruth]:
        return []


@pytest.fixture
def ramp():
    return RampSource


@pytest.fixture
def bedside():
    """``start(config, speed)`` runs a bedside in a thread and returns it; all are stopped at the end."""
    running = []

    def start(config: dict, speed: float = 1.0) -> Bedside:
        clock = Clock() if speed == 1.0 else Clock.scaled(speed)
        made = Bedside(parse(config), clock)
        thread = threading.Thread(target=made.run, daemon=True)
        thread.start()
        running.append((made, thread))
        return made

    yield start
    for made, thread in running:
        made.stop()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def wait_until():
    """Wait for a condition; fails after ``timeout_s``."""

    def wait(condition, timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true"
            time.sleep(0.005)

    return wait
