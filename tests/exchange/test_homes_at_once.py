"""Files of a home folder that two windows, commands or services write at one moment: nobody's work is written over."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hemoview.viewmodel.review import raters_choice
from recorder.acquire.template import Template
from recorder.acquire.template_library import TemplateLibrary
from recorder.errors import ConfigError, SessionError
from recorder.exchange.exports.deidentify import SECRET_FILE, load_secret
from recorder.host import platform
from recorder.session import bulk


def meanwhile(patch: pytest.MonkeyPatch, place: Any, name: str, act: Callable[[], object]) -> None:
    """``act`` happens once, just before the next call of a step."""
    step, left = getattr(place, name), [act]

    def stepped(*args: Any, **named: Any) -> Any:
        if left:
            left.pop()()
        return step(*args, **named)

    patch.setattr(place, name, stepped)


def test_two_exports_that_make_the_secret_have_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other: list[bytes] = []
    meanwhile(monkeypatch, secrets, "token_bytes", lambda: other.append(load_secret(tmp_path)))
    assert load_secret(tmp_path) == other[0] == load_secret(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [SECRET_FILE]


def test_a_secret_that_a_power_cut_left_unwritten_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_: int) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(secrets, "token_bytes", cut)
        load_secret(tmp_path)
    assert len(load_secret(tmp_path)) == 32


def test_threads_that_keep_a_file_of_the_owner_never_mix(tmp_path: Path) -> None:
    path, contents = tmp_path / "a", [bytes([65 + n]) * (1 + 4000 * n) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda n: platform.write_owner_only(path, contents[n % 8]), range(64)):
            assert path.read_bytes() in contents
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_who_keeps_a_file_while_another_does_is_not_written_over_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    meanwhile(monkeypatch, platform, "restrict", lambda: platform.write_owner_only(path, b"another, longer"))
    platform.write_owner_only(path, b"mine")
    assert path.read_bytes() == b"mine"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_new_templates_of_two_windows_are_both_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = TemplateLibrary(tmp_path / "shipped", tmp_path / "own")
    meanwhile(monkeypatch, os, "fsync", lambda: library.save(Template("Cold pressor")))
    library.save(Template("cold-pressor"))
    assert {f.name for f in library.found()} == {"Cold pressor", "cold-pressor"}
    assert not list((tmp_path / "own").glob(".*"))


def test_of_two_windows_that_want_one_name_for_a_template_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = TemplateLibrary(tmp_path / "shipped", tmp_path / "own")
    first = Template("Cold pressor", notes="first")
    meanwhile(monkeypatch, os, "fsync", lambda: library.save(first))
    with pytest.raises(ConfigError, match="there is one of this name"):
        library.save(Template("Cold pressor"))
    assert library.by_name("Cold pressor") == first


def test_what_two_raters_choose_at_once_is_kept_of_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "raters.json"
    late = threading.Thread(target=lambda: raters_choice.remember(place, "B", on=True))
    read, left = raters_choice._read, [late]

    def then_another(place: Path) -> dict[str, object]:
        found = read(place)
        if left:
            left.pop().start()
            late.join(0.3)  # it waits for its turn
        return found

    monkeypatch.setattr(raters_choice, "_read", then_another)
    raters_choice.remember(place, "A", on=True)
    late.join()
    assert raters_choice.suggests_to(place, "A") and raters_choice.suggests_to(place, "B")


def test_of_two_imports_into_one_folder_the_first_stays_whole(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    with pytest.raises(SessionError, match="is not empty"), bulk.unfinished(folder) as mine:
        (mine / "a").write_bytes(b"mine")
        with bulk.unfinished(folder) as other:
            (other / "a").write_bytes(b"other")
    assert (folder / "a").read_bytes() == b"other"
    assert [p.name for p in tmp_path.iterdir()] == ["s"]
