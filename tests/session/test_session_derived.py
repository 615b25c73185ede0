"""``derived/`` is a cache: for one recording and one way of computing, believed only whole, gone with the session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_session import ERA, STREAMS, header, write_second

from recorder import session
from recorder.session import derived
from recorder.session.identity import recording_hash, session_hash

ARRAYS = {"a": np.array([1.5, np.nan, 3.0]), "b": np.array([[1, 2], [3, 4]], np.int64), "c": np.array([True])}


def write_session(folder: Path) -> Path:
    writer = session.create(folder, header(folder.name), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    for second in range(4):
        write_second(writer, second)
    writer.commit()
    writer.close("test")
    return folder


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    return write_session(tmp_path / "s")


def kept(folder: Path, version: int = 1) -> derived.Arrays | None:
    key = derived.key_of(folder, {"version": version})
    assert key is not None
    return derived.read(folder, "beats", key)


def keep(folder: Path, version: int = 1) -> None:
    key = derived.key_of(folder, {"version": version})
    assert key is not None and derived.write(folder, "beats", key, ARRAYS)


def test_what_was_kept_comes_back_and_the_session_does_not_know_of_it(sealed: Path) -> None:
    before = session_hash(sealed), (sealed / "manifest.json").read_bytes()
    keep(sealed)
    found = kept(sealed)
    assert found is not None and found.keys() == ARRAYS.keys()
    for name, value in ARRAYS.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)
    path = sealed / "derived" / "beats.bin"
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0
    assert (session_hash(sealed), (sealed / "manifest.json").read_bytes()) == before
    report = session.verify(sealed)
    assert report.ok and not any("derived" in note for note in report.notes)


def test_another_way_of_computing_another_recording_and_a_growing_one_find_nothing(
    sealed: Path, tmp_path: Path
) -> None:
    keep(sealed)
    assert kept(sealed, version=2) is None
    other = write_session(tmp_path / "t")
    (other / "derived").mkdir()
    (other / "derived" / "beats.bin").write_bytes((sealed / "derived" / "beats.bin").read_bytes())
    assert kept(other) is None
    writer = session.create(tmp_path / "u", header("u"), ERA)
    writer.commit()
    assert derived.key_of(writer.folder, {}) is None
    writer.close("test")
    assert derived.key_of(writer.folder, {}) is not None


def test_a_correction_leaves_it_and_changes_the_hash_of_the_session(sealed: Path) -> None:
    keep(sealed)
    before = session_hash(sealed), recording_hash(sealed)
    session.amend(
        sealed, {"notes": "seen later"}, who="OP1", why="forgotten", wall_ns=1_790_000_900_000_000_000
    )
    assert session_hash(sealed) != before[0] and recording_hash(sealed) == before[1]
    assert kept(sealed) is not None


@given(at=st.integers(0, 400), byte=st.integers(0, 255), cut=st.booleans())
def test_a_file_that_was_changed_or_cut_is_not_there(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("k")
    derived.write(folder, "beats", "k" * 64, ARRAYS)
    path = folder / "derived" / "beats.bin"
    whole = path.read_bytes()
    at = min(at, len(whole) - 1)
    changed = whole[:at] if cut else whole[:at] + bytes([byte]) + whole[at + 1 :]
    path.write_bytes(changed)
    found = derived.read(folder, "beats", "k" * 64)
    assert (found is not None) == (changed == whole)


def test_it_goes_with_the_session_and_is_not_brought_back(sealed: Path) -> None:
    keep(sealed)
    key = derived.key_of(sealed, {"version": 1})
    session.erase(sealed, why="a test")
    assert not (sealed / "derived").exists()
    assert key is not None and not derived.write(sealed, "beats", key, ARRAYS)
    assert not (sealed / "derived").exists()


def test_only_numbers_under_plain_names(sealed: Path) -> None:
    with pytest.raises(ValueError, match="small letters"):
        derived.write(sealed, "../beats", "k", ARRAYS)
    with pytest.raises(ValueError, match="only numbers"):
        derived.write(sealed, "beats", "k", {"a": np.array(["x"])})
    assert derived.read(sealed, "beats", "k") is None
