"""A site's update: made beside the old version, proved, switched; back in one step; never while a station records."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from recorder.errors import ConfigError, StationError
from recorder.host import update


class Pip:
    """Stands for the commands an update runs: notes them, fails the one it is told to."""

    def __init__(self, fails: str = "") -> None:
        self.ran: list[str] = []
        self.locked = b""
        self._fails = fails

    def __call__(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        line = " ".join(words)
        self.ran.append(line)
        if "venv" in words:
            Path(words[-1]).mkdir(parents=True, exist_ok=True)
        if "--require-hashes" in words:
            self.locked = Path(words[-1]).read_bytes()
        failed = bool(self._fails) and self._fails in line
        return subprocess.CompletedProcess(words, int(failed), "", "no space left" if failed else "")


def version(name: str) -> str:
    return name.partition("-")[0]


def wheel(folder: Path, named: str, locked: str = "numpy==2.0 --hash=sha256:00") -> Path:
    path = folder / f"hemoview-{named}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        for kind in update.KINDS:
            file.writestr(f"recorder/_resources/locks/{kind}.txt", locked)
    return path


def test_a_version_is_proved_before_it_becomes_current(tmp_path: Path) -> None:
    pip, root = Pip(), tmp_path / "site"
    update.install(root, wheel(tmp_path, "1.0"), run=pip, home=tmp_path)
    assert version(update.current(root)) == "1.0"
    assert pip.locked == b"numpy==2.0 --hash=sha256:00"
    assert [("venv" in line, "--no-deps" in line, "models verify" in line) for line in pip.ran] == [
        (True, False, False),
        (False, False, False),
        (False, True, False),
        (False, False, False),
        (False, False, True),
    ]


def test_a_service_proves_itself_without_a_model(tmp_path: Path) -> None:
    pip = Pip()
    update.install(tmp_path / "site", wheel(tmp_path, "1.0"), kind="service", run=pip, home=tmp_path)
    assert pip.ran[-1].endswith("serve --help")


@pytest.mark.parametrize("fails", ["venv", "--require-hashes", "--no-deps", "--version", "models verify"])
def test_a_step_that_fails_leaves_the_version_in_use(tmp_path: Path, fails: str) -> None:
    root = tmp_path / "site"
    update.install(root, wheel(tmp_path, "1.0"), run=Pip(), home=tmp_path)
    with pytest.raises(ConfigError, match=r"the version in use stays.*no space left"):
        update.install(root, wheel(tmp_path, "2.0"), run=Pip(fails), home=tmp_path)
    assert version(update.current(root)) == "1.0"
    again = Pip()
    update.install(root, wheel(tmp_path, "2.0"), run=again, home=tmp_path)
    assert (version(update.current(root)), len(again.ran)) == ("2.0", 5)


def test_back_is_one_step_and_forth_again_installs_nothing(tmp_path: Path) -> None:
    root = tmp_path / "site"
    for each in ("1.0", "2.0"):
        update.install(root, wheel(tmp_path, each), run=Pip(), home=tmp_path)
    back = update.rollback(root, why="window does not open", home=tmp_path)
    assert [version(v) for v in (back.before, back.after, update.current(root))] == ["2.0", "1.0", "1.0"]
    pip = Pip()
    update.install(root, wheel(tmp_path, "2.0"), run=pip, home=tmp_path)
    assert (version(update.current(root)), pip.ran) == ("2.0", [])
    assert [(version(s.before), version(s.after)) for s in update.history(root)] == [
        ("", "1.0"),
        ("1.0", "2.0"),
        ("2.0", "1.0"),
        ("1.0", "2.0"),
    ]


def test_another_wheel_of_the_same_version_is_made_anew(tmp_path: Path) -> None:
    root = tmp_path / "site"
    update.install(root, wheel(tmp_path, "1.0"), run=Pip(), home=tmp_path)
    before, pip = update.current(root), Pip()
    update.install(root, wheel(tmp_path, "1.0", "numpy==2.1 --hash=sha256:01"), run=pip, home=tmp_path)
    assert pip.locked == b"numpy==2.1 --hash=sha256:01"
    assert (root / "versions" / before / "proved").is_file()
    assert update.current(root) != before


def test_there_may_be_nothing_to_go_back_to(tmp_path: Path) -> None:
    root = tmp_path / "site"
    with pytest.raises(ConfigError, match="no version to go back to"):
        update.rollback(root, why="", home=tmp_path)
    update.install(root, wheel(tmp_path, "1.0"), run=Pip(), home=tmp_path)
    with pytest.raises(ConfigError, match="no version to go back to"):
        update.rollback(root, why="", home=tmp_path)


def test_not_while_a_station_records_or_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stations" / "bed-7").mkdir(parents=True)
    monkeypatch.setattr(update.lock, "is_held", lambda station, home: True)  # it lives, and nobody answers
    root = tmp_path / "site"
    with pytest.raises(StationError, match="bed-7"):
        update.install(root, wheel(tmp_path, "1.0"), run=Pip(), home=tmp_path)
    assert not root.exists()


@pytest.mark.parametrize(
    "name", ["hemoview.whl", "other-1.0-py3-none-any.whl", "hemoview-1..%2f-py3-none-any.whl"]
)
def test_what_is_no_wheel_of_ours_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ConfigError, match=r"is no HemoView wheel"):
        update.install(tmp_path / "site", tmp_path / name, run=Pip(), home=tmp_path)


def test_a_wheel_without_locked_packages_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hemoview-1.0-py3-none-any.whl"
    path.write_bytes(b"cut short")
    with pytest.raises(ConfigError, match="damaged"):
        update.install(tmp_path / "site", path, run=Pip(), home=tmp_path)
