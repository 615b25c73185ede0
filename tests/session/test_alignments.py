"""Alignments are versions in files of their own: appended, undone by a further one, checked by ``verify``."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from small_session import NewWriter, record

from recorder import session as sessions
from recorder.errors import SessionError
from recorder.session import alignments

BY = {"made_by": "op1", "software": "hemoview 0", "wall_ns": 7}


@pytest.fixture
def folder(new_writer: NewWriter) -> Path:
    writer = new_writer()
    record(writer, range(2))
    writer.close("stopped")
    return writer.folder


def test_versions_follow_each_other_and_the_newest_holds(folder: Path) -> None:
    assert alignments.current(folder) is None
    first = alignments.append(folder, {"offset": 1}, **BY)
    second = alignments.append(folder, {"offset": 2}, **BY, why="moved")
    assert (first.version, second.version, second.parent) == (1, 2, 1)
    assert alignments.current(folder) == second
    assert alignments.history(folder) == (first, second)
    assert sessions.verify(folder).ok


def test_undo_goes_back_step_by_step_and_to_none(folder: Path) -> None:
    for offset in (1, 2, 3):
        alignments.append(folder, {"offset": offset}, **BY)
    assert alignments.undo(folder, **BY).content == {"offset": 2}
    assert alignments.undo(folder, **BY).content == {"offset": 1}
    alignments.append(folder, {"offset": 9}, **BY)
    assert alignments.undo(folder, **BY).content == {"offset": 1}
    assert alignments.undo(folder, **BY).content == {}
    assert alignments.current(folder) is None
    assert len(alignments.history(folder)) == 8  # nothing was taken away
    with pytest.raises(SessionError, match="no alignment that could be undone"):
        alignments.undo(folder, **BY)


def test_a_damaged_newest_version_is_named_and_none_is_taken_for_it(folder: Path) -> None:
    alignments.append(folder, {"offset": 1}, **BY)
    alignments.append(folder, {"offset": 2}, **BY)
    path = folder / "alignments/0002.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "content": {"offset": 5}}))
    assert alignments.current(folder) is None
    report = sessions.verify(folder)
    assert [d.file for d in report.damaged] == ["alignments/0002.json"]
    assert alignments.append(folder, {"offset": 3}, **BY).version == 3


def test_a_version_that_is_gone_is_named(folder: Path) -> None:
    for offset in (1, 2):
        alignments.append(folder, {"offset": offset}, **BY)
    (folder / "alignments/0001.json").unlink()
    assert [d.file for d in sessions.verify(folder).damaged] == ["alignments/0001.json"]


def test_two_at_once_get_numbers_after_each_other(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: alignments.append(folder, {"offset": n}, **BY), range(16)))
    assert sorted(v.version for v in made) == list(range(1, 17))
    assert alignments.history(folder) == tuple(sorted(made, key=lambda v: v.version)), (
        "each as its maker was told"
    )
    assert not list((folder / "alignments").glob("*.tmp"))


def test_recover_keeps_alignments_and_erase_takes_them(folder: Path) -> None:
    kept = alignments.append(folder, {"offset": 1}, **BY)
    (folder / sessions.header.SESSION_FILE).write_text("{}")
    sessions.recover(folder)
    assert alignments.current(folder) == kept
    sessions.erase(folder, why="asked for")
    assert not (folder / "alignments").exists()
    with pytest.raises(SessionError, match="erased"):
        alignments.append(folder, {"offset": 1}, **BY)


def test_no_session_no_alignment(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="no session"):
        alignments.append(tmp_path, {"offset": 1}, **BY)
    assert not (tmp_path / "alignments").exists()
