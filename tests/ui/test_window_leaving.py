"""Windows that are killed, or close one after the other, as processes of their own: what runs on afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recorder.host import lock, platform, presence, processes
from recorder.host.client import StationClient
from recorder.host.processes import EdgeNote
from recorder.schema import StationStatus

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="ends windows by signal")]

STATION = "leaving-test"
Window = subprocess.Popen[bytes]


def wait_for(holds: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s for: {what}"
        time.sleep(0.05)


class Bed:
    """One station, and the windows opened on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.windows: list[Window] = []

    def open(self) -> Window:
        """A window with recorder and edge beside it."""
        window = self.begin_to_open()
        wait_for(lambda: self.runs() == (True, True), "recorder and edge run")
        return window

    def begin_to_open(self) -> Window:
        """A window that begins to start what it needs."""
        words = [sys.executable, "-m", "hemoview", "--station", STATION, "--home", str(self.home)]
        window = subprocess.Popen(words, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
        self.windows.append(window)
        opened = sum(window.poll() is None for window in self.windows)
        wait_for(lambda: presence.count(STATION, self.home) == opened, "the window is open")
        return window

    def runs(self) -> tuple[bool, bool]:
        """Recorder (it answers), edge."""
        note = EdgeNote.read(STATION, self.home)
        return processes.find_recorder(STATION, self.home) is not None, note.wanted and platform.alive(
            note.pid
        )

    def command(self, window: Window, verb: str, **args: object) -> None:
        """As the buttons of that window do."""
        with StationClient(STATION, self.home, name=f"window-{window.pid}") as client:
            client.call("take_control", name=f"window-{window.pid}")
            client.call(verb, timeout_s=60, **args)

    def state(self) -> str:
        with StationClient(STATION, self.home, name="test") as client:
            return StationStatus.from_json(client.call("status", timeout_s=15)["status"]).session.state

    def end(self) -> None:
        for window in self.windows:
            window.kill()
            window.wait()
        processes.stop_station(STATION, self.home, force=True)


def kill(window: Window) -> None:
    window.kill()
    window.wait()


def close(window: Window) -> None:
    window.send_signal(signal.SIGTERM)
    assert window.wait(60) == 0


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    yield made
    made.end()


def test_a_window_ends_what_a_killed_one_had_started(bed: Bed) -> None:
    kill(bed.open())
    assert bed.runs() == (True, True), "a killed window takes nothing with it"
    before = lock.holder(STATION, bed.home)
    second = bed.open()
    assert lock.holder(STATION, bed.home) == before
    close(second)
    assert bed.runs() == (False, False)


def test_a_window_stopped_while_it_opens_leaves_nothing(bed: Bed) -> None:
    window = bed.begin_to_open()
    window.send_signal(signal.SIGINT)
    assert window.wait(60) == 0
    assert not lock.is_held(STATION, bed.home)
    assert bed.runs() == (False, False)


def test_a_window_ends_what_another_left_to_an_open_session(bed: Bed) -> None:
    first = bed.open()
    bed.command(first, "start", subject={"pseudonym": "S-01"}, consent={"version": "1", "date": "2026-01-01"})
    close(first)
    assert bed.runs() == (True, True)
    assert bed.state() == "open", "closing a window stops no session"
    second = bed.open()
    bed.command(second, "stop", reason="test")
    close(second)
    assert bed.runs() == (False, False)


def test_the_first_of_two_windows_leaves_the_station_to_the_second(bed: Bed) -> None:
    first, second = bed.open(), bed.open()
    before = lock.holder(STATION, bed.home)
    close(first)
    assert bed.runs() == (True, True)
    assert lock.holder(STATION, bed.home) == before, "the same recorder, not one started again"
    close(second)
    assert bed.runs() == (False, False)


def test_a_recorder_by_hand_outlives_its_windows(bed: Bed) -> None:
    words = [sys.executable, "-m", "recorder.cli", "serve", "--station", STATION, "--home", str(bed.home)]
    by_hand = subprocess.Popen(words)
    try:
        wait_for(lambda: bed.runs()[0], "the recorder answers")
        close(bed.open())
        assert bed.runs() == (True, False)
        assert by_hand.poll() is None
    finally:
        by_hand.terminate()
        assert by_hand.wait(20) == 0


def test_a_recorder_stopped_under_a_window_comes_back_with_its_edge(bed: Bed) -> None:
    window = bed.open()
    before = lock.holder(STATION, bed.home)
    assert not processes.stop_station(STATION, bed.home), "a window needs it"
    assert lock.holder(STATION, bed.home) == before
    assert processes.shut_down(STATION, bed.home), "as `recorder stop` does"
    wait_for(lambda: bed.runs() == (True, True), "both run again")
    assert lock.holder(STATION, bed.home) != before
    close(window)
    assert bed.runs() == (False, False)
