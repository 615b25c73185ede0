"""Files written whole: of any number who write a new one at once, one is first and the others touch nothing."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recorder.session.files import write_new


def test_who_comes_while_the_first_links_its_file_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link, later = tmp_path / "0001.json", os.link, []

    def linked(source: Path, target: Path) -> None:
        link(source, target)
        if not later:
            later.append(None)
            later[0] = write_new(path, b"another, and longer")

    monkeypatch.setattr(os, "link", linked)
    assert write_new(path, b"first")
    assert later == [False]
    assert path.read_bytes() == b"first"
    assert [p.name for p in tmp_path.iterdir()] == ["0001.json"]


def test_of_many_at_once_one_is_first(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda n: write_new(path, bytes([n]) * (n + 1)), range(16)))
    assert first.count(True) == 1
    n = first.index(True)
    assert path.read_bytes() == bytes([n]) * (n + 1)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_without_links_it_is_whole_and_what_is_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refused)
    path = tmp_path / "a"
    assert write_new(path, b"first")
    assert not write_new(path, b"second")
    assert path.read_bytes() == b"first"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        write_new(tmp_path / "a", b"first")
    assert not list(tmp_path.iterdir())
