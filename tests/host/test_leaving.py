"""The last window of a station takes recorder and edge with it, unless they are needed or were started by hand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bedside_rig import wait_for

from recorder.errors import SessionError
from recorder.host import lock, platform, presence, processes
from recorder.host.client import StationClient
from recorder.host.leaving import client_is_gone, leave
from recorder.host.presence import Presence
from recorder.host.processes import EdgeNote

CONSENT = {"version": "1", "date": "2026-01-01"}
WINDOW = (
    "import sys; from pathlib import Path; from recorder.host.presence import Presence\n"
    "with Presence('bed1', Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    processes.stop_station("bed1", tmp_path, force=True)


def window_elsewhere(home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    return process


def recorder_by_hand(home: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "recorder.cli", "serve", "--station", "bed1", "--home", str(home)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    wait_for(lambda: processes.find_recorder("bed1", home), "the recorder answers")
    return process


def runs(home: Path) -> tuple[bool, bool]:
    """Recorder, edge."""
    note = EdgeNote.read("bed1", home)
    return lock.is_held("bed1", home), note.wanted and platform.alive(note.pid)


def test_windows_are_counted_and_a_dead_one_counts_no_longer(tmp_path: Path) -> None:
    assert presence.count("bed1", tmp_path) == 0
    other = window_elsewhere(tmp_path)
    with Presence("bed1", tmp_path) as here:
        assert presence.count("bed1", tmp_path) == 2
        assert presence.count("bed2", tmp_path) == 0
        other.send_signal(signal.SIGKILL)
        other.communicate()
        assert presence.count("bed1", tmp_path) == 1
        assert [here.path] == list(here.path.parent.iterdir()), "what the dead one left is cleared away"
    here.close()
    assert presence.count("bed1", tmp_path) == 0


def test_windows_that_open_while_others_count_them_are_all_counted(tmp_path: Path) -> None:
    count = (
        "import sys; from pathlib import Path; from recorder.host import presence\n"
        "while True: presence.count('bed1', Path(sys.argv[1]))"
    )
    counting = [subprocess.Popen([sys.executable, "-c", count, str(tmp_path)]) for _ in range(2)]
    try:
        time.sleep(0.5)
        for _ in range(100):
            opened = [Presence("bed1", tmp_path) for _ in range(5)]
            assert all(window.path.exists() for window in opened)
            assert presence.count("bed1", tmp_path) == 5
            for window in opened:
                window.close()
    finally:
        for process in counting:
            process.kill()
            process.wait()


def test_the_last_window_ends_what_runs_detached_whoever_started_it(home: Path) -> None:
    processes.ensure_recorder("bed1", home)
    processes.ensure_edge("bed1", home)
    other = window_elsewhere(home)
    leave("bed1", home, name="window-1")
    assert runs(home) == (True, True), "another window is open"
    other.kill()
    other.communicate()
    leave("bed1", home, name="window-1")
    assert runs(home) == (False, False)


def test_an_open_session_keeps_both_and_one_that_was_stopped_does_not(home: Path) -> None:
    processes.ensure_recorder("bed1", home)
    processes.ensure_edge("bed1", home)
    with StationClient("bed1", home, name="window-1") as client:
        client.call("start", timeout_s=15, subject={"pseudonym": "S-01"}, consent=CONSENT)
        leave("bed1", home, name="window-1")
        assert runs(home) == (True, True)
        client.call("stop", timeout_s=60)
    leave("bed1", home, name="window-1")
    assert runs(home) == (False, False)


def test_the_session_of_a_killed_recorder_keeps_the_edge(home: Path) -> None:
    pid = processes.ensure_recorder("bed1", home)
    with StationClient("bed1", home, name="window-1") as client:
        client.call("start", timeout_s=15, subject={"pseudonym": "S-01"}, consent=CONSENT)
    processes.ensure_edge("bed1", home)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not lock.is_held("bed1", home), "the recorder is dead")
    leave("bed1", home, name="window-1")
    assert runs(home) == (False, True)


def test_a_client_in_control_keeps_both_unless_it_is_a_dead_window(home: Path) -> None:
    processes.ensure_recorder("bed1", home)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with StationClient("bed1", home, name="test") as client:
        for name in ("recorder record", f"window-{os.getpid()}"):
            client.call("take_control", name=name)
            leave("bed1", home, name="window-1")
            assert runs(home)[0], name
        client.call("take_control", name=f"window-{dead.pid}")
    leave("bed1", home, name="window-1")
    assert not runs(home)[0]


def test_a_name_without_a_process_is_not_known_to_be_gone() -> None:
    assert not client_is_gone("")
    assert not client_is_gone("recorder record")
    assert not client_is_gone(f"window-{os.getpid()}")


def test_a_recorder_by_hand_stays_and_loses_only_its_edge(home: Path) -> None:
    by_hand = recorder_by_hand(home)
    try:
        assert not processes.runs_detached("bed1", home)
        processes.ensure_recorder("bed1", home)  # a window opens: one is there, and stays as it was
        processes.ensure_edge("bed1", home)
        leave("bed1", home, name="window-1")
        assert runs(home) == (True, False)
        assert by_hand.poll() is None
    finally:
        by_hand.terminate()
        assert by_hand.wait(20) == 0
    assert processes.ensure_recorder("bed1", home)  # the next one is not by hand
    assert processes.runs_detached("bed1", home)


AFTER_THE_EDGE = """
import signal, sys, time
from pathlib import Path
from recorder.host import platform
from recorder.host.lock import StationLock
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
with StationLock("bed1", Path(sys.argv[1])):
    print("held", flush=True)
    while not asked or platform.alive(int(sys.argv[2])):
        time.sleep(0.02)
"""


def test_neither_waits_for_the_other_to_be_gone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "ANSWER_TIMEOUT_S", 0.2)
    monkeypatch.setattr(processes, "STOP_TIMEOUT_S", 10.0)
    edge = processes.start_detached(["-c", "import time; time.sleep(60)"], "edge-bed1", home, {})
    EdgeNote(edge.pid, wanted=True).write("bed1", home)
    words = [sys.executable, "-c", AFTER_THE_EDGE, str(home), str(edge.pid)]
    recorder = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert recorder.stdout is not None and recorder.stdout.readline() == "held\n"
        assert processes.shut_down("bed1", home, force=True), "a recorder that ends once the edge has"
        assert runs(home) == (False, False)
    finally:
        recorder.kill()
        recorder.communicate()


def test_a_refused_end_leaves_the_edge_alone(home: Path) -> None:
    processes.ensure_recorder("bed1", home)
    processes.ensure_edge("bed1", home)
    with StationClient("bed1", home, name="test") as client:
        client.call("start", timeout_s=15, subject={"pseudonym": "S-01"}, consent=CONSENT)
    with pytest.raises(SessionError, match="a session is open"):
        processes.shut_down("bed1", home)
    assert runs(home) == (True, True)
