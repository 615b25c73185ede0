"""A recorder left alone can always be stopped: while it answers, while it starts, and when its start was given up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bedside_rig import wait_for

from recorder import cli, session
from recorder.errors import StationError
from recorder.host import lock, places, platform, processes
from recorder.host.client import StationClient

HOLD = (
    "import sys; from pathlib import Path; from recorder.host.lock import StationLock\n"
    "with StationLock('bed1', Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


def stop(capsys: pytest.CaptureFixture[str], home: Path, *words: str) -> tuple[int, dict]:
    code = cli.main(["stop", "--station", "bed1", "--home", str(home), "--json", *words])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_recorder_is_detached_and_stopped_by_command_but_not_under_a_session(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pid = processes.ensure_recorder("bed1", tmp_path)
    try:
        assert os.getsid(pid) == os.getpgid(pid) == pid  # Ctrl-C in this terminal does not reach it
        with StationClient("bed1", tmp_path, name="test") as client:
            consent = {"version": "1", "date": "2026-01-01"}
            folder = client.call("start", timeout_s=15, subject={"pseudonym": "S-01"}, consent=consent)[
                "folder"
            ]
        code, told = stop(capsys, tmp_path)
        assert code == 1 and "station bed1: a session is open" in told["error"] and "--force" in told["error"]
        assert platform.alive(pid)
        assert stop(capsys, tmp_path, "--force") == (0, {"ok": True, "stopped": "bed1"})
        assert not platform.alive(pid) and lock.holder("bed1", tmp_path) is None
        with session.open(Path(folder)) as stored:
            assert stored.state == "sealed"
        code, told = stop(capsys, tmp_path)
        assert code == 1 and "station bed1: no recorder of it runs" in told["error"]
    finally:
        processes.stop_station("bed1", tmp_path, force=True)


def test_a_recorder_that_holds_its_station_but_never_answers_ends_by_force_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "ANSWER_TIMEOUT_S", 0.3)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        assert lock.holder("bed1", tmp_path) == process.pid
        with pytest.raises(
            StationError, match=f"process {process.pid}, does not answer; wait, or end it with --force"
        ):
            processes.shut_down("bed1", tmp_path)
        assert processes.stop_station("bed1", tmp_path) is False and process.poll() is None
        assert processes.stop_station("bed1", tmp_path, force=True) is True
        assert not platform.alive(process.pid) and lock.holder("bed1", tmp_path) is None
    finally:
        process.kill()
        process.communicate()


def test_a_recorder_that_is_just_starting_is_waited_for_and_stopped(tmp_path: Path) -> None:
    words = ["-m", "recorder.cli", "serve", "--station", "bed1", "--home", str(tmp_path)]
    process = processes.start_detached(words, "recorder-bed1", tmp_path, {})
    wait_for(lambda: lock.is_held("bed1", tmp_path), "it holds the station")
    assert processes.stop_station("bed1", tmp_path, force=True) is True
    assert process.wait(60) == 0
    assert not (places.station_dir("bed1", tmp_path) / "connection.json").exists()


def test_a_start_interrupted_by_the_keyboard_leaves_no_recorder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def interrupted(_station: str, _home: Path, process: subprocess.Popen[bytes]) -> int:
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "_await_recorder", interrupted)
    with pytest.raises(KeyboardInterrupt):
        processes.ensure_recorder("bed1", tmp_path)
    assert started[0].wait(60) is not None
    assert lock.holder("bed1", tmp_path) is None


def test_asking_who_holds_a_station_changes_nothing(tmp_path: Path) -> None:
    assert lock.holder("bed1", tmp_path) is None and list(tmp_path.iterdir()) == []
    with lock.StationLock("bed1", tmp_path) as held:
        assert lock.holder("bed1", tmp_path) == os.getpid()
        before = held.path.read_bytes()
    assert lock.holder("bed1", tmp_path) is None and held.path.read_bytes() == before
