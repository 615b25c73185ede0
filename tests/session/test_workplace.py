"""Files that appear whole or not at all, and what a killed process leaves behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recorder.errors import StorageError
from recorder.session.workplace import is_left, workplace

KILLED = """
import os, signal, sys
from pathlib import Path
from recorder.session.workplace import workplace
with workplace(Path(sys.argv[1]), "trying") as place:
    (place / "samples").write_text("of somebody")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_stays_of_a_workplace(tmp_path: Path) -> None:
    with workplace(tmp_path / "new" / "x.edf", "trying") as place:
        (place / "half").write_text("half")
        assert place.stat().st_mode & 0o777 == 0o700
        assert [is_left(path) for path in (tmp_path / "new").iterdir()] == [True]
    assert list((tmp_path / "new").iterdir()) == []


def test_what_a_killed_process_left_is_taken_away_by_the_next(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a")], check=False)
    assert done.returncode == -9
    (left,) = tmp_path.iterdir()
    assert is_left(left) and list(left.rglob("samples"))
    with workplace(tmp_path / "b", "trying"):
        assert not left.exists()


def test_what_somebody_else_is_working_in_stays(tmp_path: Path) -> None:
    stranger = tmp_path / ".mine.part"
    stranger.mkdir()
    (stranger / "notes").write_text("mine")
    with workplace(tmp_path / "a", "trying") as one, workplace(tmp_path / "a", "trying") as other:
        (one / "samples").write_text("one")
        assert one != other and (one / "samples").is_file()
    assert (stranger / "notes").is_file()


def test_a_file_where_a_folder_is_wanted_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file"), workplace(tmp_path / "file" / "x", "trying"):
        pass
