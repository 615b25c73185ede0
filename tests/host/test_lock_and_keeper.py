"""One recorder a station; a process that died comes back with back-off."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from recorder.errors import StationError, StationLocked
from recorder.host import lock
from recorder.host.keeper import LONGEST_S, Keeper, restart_delay_s
from recorder.host.lock import StationLock

HOLD = (
    "import sys; from pathlib import Path; from recorder.host.lock import StationLock\n"
    "with StationLock('bed1', Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


def hold_elsewhere(home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=60)


def test_a_second_recorder_is_refused_naming_station_and_process(tmp_path: Path) -> None:
    process = hold_elsewhere(tmp_path)
    try:
        assert lock.is_held("bed1", tmp_path) and not lock.is_held("bed2", tmp_path)
        with pytest.raises(StationLocked) as caught, StationLock("bed1", tmp_path, patience_s=0.1):
            pass
        assert f"station bed1: process {process.pid} records on it already" in str(caught.value)
        assert "--station" in str(caught.value)
        with StationLock("bed2", tmp_path, patience_s=0):
            pass
    finally:
        end(process)


def test_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    process = hold_elsewhere(tmp_path)
    process.kill()
    end(process)
    with StationLock("bed1", tmp_path, patience_s=0) as held:
        assert json.loads(held.path.read_text()) == {"pid": os.getpid(), "station": "bed1"}
    assert not lock.is_held("bed1", tmp_path)


def test_a_recorder_that_is_just_ending_is_waited_for(tmp_path: Path) -> None:
    process = hold_elsewhere(tmp_path)
    threading.Timer(0.3, process.stdin.close).start()  # type: ignore[union-attr]
    began = time.monotonic()
    with StationLock("bed1", tmp_path, patience_s=60) as held:
        assert time.monotonic() - began > 0.2
        assert json.loads(held.path.read_text())["pid"] == os.getpid()
    process.wait(60)
    process.stdout.close()  # type: ignore[union-attr]


def test_restarts_begin_after_a_second_and_slow_down() -> None:
    waits = [restart_delay_s(n) for n in range(1, 20)]
    assert waits[0] == 1.0 and waits == sorted(waits) and max(waits) == LONGEST_S


class Process:
    """Dies when told; ``refuse`` makes starting it fail."""

    def __init__(self) -> None:
        self.runs, self.wanted, self.refuse, self.started = True, True, False, threading.Event()
        self.tries = 0

    def start(self) -> None:
        self.tries += 1
        if self.refuse:
            self.refuse = False
            raise StationError("no room")
        self.runs = True
        self.started.set()


def keep(process: Process) -> Keeper:
    return Keeper("edge", lambda: process.wanted, lambda: process.runs, process.start)


def test_a_dead_process_is_started_again_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    waits_s: list[float] = []

    def wait_of(deaths: int) -> float:
        waits_s.append(restart_delay_s(deaths))
        return waits_s[-1]

    monkeypatch.setattr("recorder.host.keeper.restart_delay_s", wait_of)
    process = Process()
    keeper = keep(process)
    process.runs = False
    died = time.monotonic()
    assert process.started.wait(60)
    assert time.monotonic() - died > 0.9
    keeper.close()
    assert keeper.restarts == 1 and waits_s == [1.0]


def test_a_start_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recorder.host.keeper.FIRST_S", 0.1)
    process = Process()
    process.refuse, process.runs = True, False
    keeper = keep(process)
    assert process.started.wait(60) and process.tries == 2
    keeper.close()


def test_nobody_is_started_who_is_not_wanted() -> None:
    process = Process()
    process.runs = process.wanted = False
    keeper = keep(process)
    assert not process.started.wait(1.6)
    keeper.close()
