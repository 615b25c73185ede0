"""Beats are found once: kept they are the same to the bit, and of another detector or recording they are not taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from two_devices import person, write

from hemoview.dsp import beat_train
from hemoview.labels.signals import kept_beats, session_signals
from recorder import session as sessions

COLUMNS = ("time_s", "quality", "usable", "run", "part", "pressure")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    wearer = person(30.0)
    return write(tmp_path / "s", wearer, wearer, hole_s=(12.0, 14.0))


def no_search(*_: object) -> None:
    raise AssertionError("searched again")


def test_kept_beats_are_those_that_were_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    with sessions.open(folder) as session:
        found = kept_beats.pulse_beats(session, told.append), kept_beats.pressure_beats(session)
        whole = session_signals.pulse_beats(session), session_signals.pressure_beats(session)
    assert told and len(found[0]) > 20 and len(found[1]) > 20
    monkeypatch.setattr(session_signals, "_beats", no_search)
    with sessions.open(folder) as session:
        kept = kept_beats.pulse_beats(session), kept_beats.pressure_beats(session)
    assert np.isfinite(kept[1].pressure).all() and np.isnan(kept[0].pressure).all()
    for one, other, again in zip(found, kept, whole, strict=True):
        for column in COLUMNS:
            np.testing.assert_array_equal(getattr(one, column), getattr(other, column))
            np.testing.assert_array_equal(getattr(one, column), getattr(again, column))


def test_beats_of_another_version_are_found_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sessions.open(folder) as session:
        kept_beats.pulse_beats(session)
        monkeypatch.setattr(beat_train, "VERSION", "another")
        monkeypatch.setattr(session_signals, "_beats", no_search)
        with pytest.raises(AssertionError, match="searched again"):
            kept_beats.pulse_beats(session)


def test_a_session_with_a_damaged_file_is_searched_each_time(folder: Path) -> None:
    (segment,) = (folder / "segments").glob("e4.bvp-*.parquet")
    segment.write_bytes(segment.read_bytes()[:200])
    with sessions.open(folder) as session:
        kept_beats.pulse_beats(session)
        assert session.damaged
    assert not (folder / "derived").exists()
