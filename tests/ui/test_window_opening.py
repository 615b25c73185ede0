"""How a window opens and ends: what is refused before, what it stops after, and that a signal ends it in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hemoview import app
from hemoview.cli import main as hemoview
from hemoview.ui.window.opening import check_opening
from recorder.errors import ConfigError, StationError, StorageError
from recorder.host import processes

STATION = "opening-test"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    processes.stop_station(STATION, tmp_path, force=True)


def windows() -> list[object]:
    return [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]


@pytest.mark.parametrize("name", ["bed 1/..", "", "../x", "a" * 41])
def test_a_name_that_is_no_station_is_wrong_usage(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        hemoview(["--station", name])
    assert ended.value.code == 2
    assert "use 1 to 40 letters" in capsys.readouterr().err
    with pytest.raises(ConfigError):
        app.run(app.AppOptions(station=name))


@pytest.mark.parametrize("seconds", ["nan", "-1", "soon", "1e12"])
def test_a_time_that_is_none_is_wrong_usage(seconds: str) -> None:
    with pytest.raises(SystemExit) as ended:
        hemoview(["--after", seconds])
    assert ended.value.code == 2


def test_a_home_that_cannot_be_written_opens_no_window(
    qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    assert hemoview(["--station", STATION, "--home", str(taken)]) == 1
    said = capsys.readouterr().err
    assert str(taken) in said
    assert "--home" in said
    with pytest.raises(StationError):
        app.run(app.AppOptions(station=STATION, home=taken / "deeper"))
    assert windows() == []


def test_a_picture_that_cannot_be_kept_opens_no_window(
    qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    lost = tmp_path / "file" / "x.png"
    assert hemoview(["--station", STATION, "--home", str(tmp_path), "--screenshot", str(lost)]) == 1
    said = capsys.readouterr().err
    assert str(lost) in said
    assert "name a file" in said
    with pytest.raises(StorageError):
        app.run(app.AppOptions(station=STATION, home=tmp_path, screenshot=lost))
    assert windows() == []
    assert processes.find_recorder(STATION, tmp_path) is None


def test_looking_at_the_picture_path_leaves_no_file(qapp: QApplication, tmp_path: Path) -> None:
    check_opening(STATION, tmp_path, tmp_path / "new" / "x.png")
    assert list((tmp_path / "new").iterdir()) == []
    kept = tmp_path / "old.png"
    kept.write_bytes(b"before")
    check_opening(STATION, tmp_path, kept)
    assert kept.read_bytes() == b"before"
    with pytest.raises(ConfigError, match=r"name it \.png"):
        check_opening(STATION, tmp_path, tmp_path / "x.txt")


def test_only_pictures_that_were_kept_are_told_and_the_recorder_ends_with_its_window(
    qtbot: QtBot, qapp: QApplication, home: Path
) -> None:
    picture = home / "pictures" / "x.png"
    told = []
    for spoil in (False, True):
        _, shell = app.open_window(app.AppOptions(station=STATION, home=home, screenshot=picture, seconds=60))
        qtbot.waitUntil(lambda shell=shell: shell.companions.running, timeout=20_000)  # type: ignore[misc]
        assert processes.find_recorder(STATION, home) is not None
        if spoil:
            picture.unlink()
            picture.mkdir()
        assert shell.window.close()
        told.append(shell.measured()["screenshots"])
        shell.window.deleteLater()
        assert processes.find_recorder(STATION, home) is None
    assert told == [[str(picture)], []]


@pytest.mark.skipif(os.name == "nt", reason="ends by signal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_window_in_order(home: Path, number: signal.Signals) -> None:
    picture = home / "x.png"
    words = [
        sys.executable,
        "-m",
        "hemoview",
        "--station",
        STATION,
        "--home",
        str(home),
        "--screenshot",
        str(picture),
        "--after",
        "120",
    ]
    window = subprocess.Popen(
        words, stderr=subprocess.PIPE, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    )
    try:
        deadline = time.monotonic() + 30
        while processes.find_recorder(STATION, home) is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        window.send_signal(number)
        _, said = window.communicate(timeout=40)
    finally:
        window.kill()
    assert window.returncode == 0, said.decode()
    assert b"Traceback" not in said
    assert picture.stat().st_size > 10_000
    assert processes.find_recorder(STATION, home) is None
