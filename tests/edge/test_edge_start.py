"""Starting the edge process: one a station, and a broken model stops nothing."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import tiny_bundle
from bedside_rig import wait_for

from hemoview.edge import process
from hemoview.edge.follower import body_of
from hemoview.edge.knowledge import Options
from hemoview.edge.models import load_model
from recorder.errors import StationLocked
from recorder.host import places, platform
from recorder.host.client import StationClient
from recorder.host.lock import StationLock
from recorder.schema import Subject


def test_a_second_edge_process_on_a_station_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LOCK_PATIENCE_S", 0.2)
    path = places.station_dir("bed1", tmp_path) / "edge.lock"
    path.parent.mkdir(parents=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    assert platform.try_lock(fd)
    try:
        with pytest.raises(StationLocked, match="station bed1: another edge process"):
            process.main(["--station", "bed1", "--home", str(tmp_path)])
    finally:
        os.close(fd)


def test_wrong_usage_is_exit_code_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        process.main([])
    assert refused.value.code == 2
    assert "--station" in capsys.readouterr().err


def test_a_damaged_bundle_is_told_and_costs_only_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert load_model(root=tmp_path).runner is None
    folder = tiny_bundle.write(tmp_path).folder
    good = load_model(root=tmp_path)
    assert good.runner is not None
    assert good.name.name == "tiny-1"
    model = bytearray((folder / "model.onnx").read_bytes())
    model[100] ^= 1
    (folder / "model.onnx").write_bytes(bytes(model))
    bad = load_model(root=tmp_path)
    assert bad.runner is None
    assert "model.onnx does not match its SHA-256" in bad.name.refused
    assert "tiny-1" in caplog.text


def test_without_a_recorder_it_waits_and_still_ends_when_told(tmp_path: Path) -> None:
    stop = threading.Event()
    waiting = threading.Thread(target=process.run, args=("nowhere", tmp_path, Options(), stop))
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    stop.set()
    waiting.join(15)
    assert not waiting.is_alive()


PATIENT = (
    "import sys; from recorder.host.client import StationClient\n"
    "StationClient.call.__defaults__ = (600.0, ())\n"
    "from hemoview.edge.process import main; sys.exit(main(sys.argv[1:]))"
)
"""An edge process whose questions wait ten minutes for an answer in place of five seconds."""


def test_told_to_end_while_it_asks_a_recorder_that_is_gone_it_ends_at_once(tmp_path: Path) -> None:
    words = ["--station", "bed1", "--home", str(tmp_path)]
    edge = subprocess.Popen([sys.executable, "-c", PATIENT, *words], stderr=subprocess.DEVNULL)
    try:
        wait_for((tmp_path / "logs" / "edge-bed1.log").exists, "it has begun")
        time.sleep(1.0)  # its first question is asked by then
        edge.terminate()
        assert edge.wait(60) == 0
    finally:
        edge.kill()


def test_an_end_waits_for_a_recorder_that_may_still_take_rows(tmp_path: Path) -> None:
    stop = threading.Event()
    ending = threading.Thread(target=process.await_end, args=("bed1", tmp_path, stop))
    with StationLock("bed1", tmp_path):
        ending.start()
        stop.set()
        ending.join(3 * process.IN_ORDER_S)
        assert ending.is_alive()
    ending.join(30)
    assert not ending.is_alive()


def test_left_alone_for_long_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ALONE_S", 0.1)
    ask = StationClient.call
    monkeypatch.setattr(
        StationClient, "call", lambda client, verb, *_, **args: ask(client, verb, 0.3, **args)
    )
    alone = threading.Thread(target=process.run, args=("nowhere", tmp_path, Options(), threading.Event()))
    alone.start()
    alone.join(30)
    assert not alone.is_alive()


def test_body_size_comes_from_the_session_header() -> None:
    body = body_of({"subject": Subject("S-01", height_cm=170, weight_kg=65, cvp_mmhg=8).to_json()})
    assert body.bsa_m2 == pytest.approx(1.76, abs=0.02)
    assert body.cvp_or_assumed_mmhg == 8
    assert body_of({}).cvp_or_assumed_mmhg == 5.0
    assert body_of({"subject": None}).bsa_m2 is None
