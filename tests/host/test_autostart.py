"""The login entry: written for this installation, on each system, taken away again."""

from __future__ import annotations

import configparser
import json
import plistlib
import shlex
import sys
from pathlib import Path

import pytest

from hemoview.cli import main
from recorder.errors import ConfigError
from recorder.host import autostart


@pytest.fixture(autouse=True)
def _own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_on_and_off_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["autostart", "on", "--station", "bed-3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    read = configparser.RawConfigParser()
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(told["entry"])
    assert shlex.split(read["Desktop Entry"]["Exec"]) == [
        sys.executable,
        "-m",
        "hemoview",
        "--station",
        "bed-3",
    ]
    assert main(["autostart", "off", "--station", "bed-3"]) == 0
    assert not Path(told["entry"]).exists()
    assert main(["autostart", "--station", "bed-3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["on"] is False


@pytest.mark.parametrize("system", ["win32", "darwin", "linux"])
def test_each_system_has_its_place(system: str, tmp_path: Path) -> None:
    path = autostart.entry("bed-1", system, {}, tmp_path)
    assert path.is_relative_to(tmp_path) and "bed-1" in path.name
    words = ["/opt/hemo view/hemoview", "--station", "bed-1"]
    text = autostart.text("bed-1", words, system)
    if system == "darwin":
        assert plistlib.loads(text)["ProgramArguments"] == words
    else:
        assert b"hemo view/hemoview" in text and text.count(b"bed-1") >= 1


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError):
        autostart.entry("../evil")


def test_a_folder_that_cannot_be_written_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file in the way")
    assert main(["autostart", "on", "--station", "bed-1"]) == 1
    assert "autostart" in capsys.readouterr().err
