"""Markers set or taken back after a session: read as if made live, and nothing that was stored changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_session import ERA, STREAMS, header, record

from recorder import session as store
from recorder.errors import ConfigError, SessionError
from recorder.schema import REFERENCE_CALIBRATED, Amendment, Event
from recorder.session.afterwards import AFTERWARDS, told_afterwards
from recorder.session.timeline import EraAxis

LATER = replace(
    ERA, number=1, era_id="era-1", monotonic_ns=77_000_000_000, wall_ns=ERA.wall_ns + 60_000_000_000
)
SIGNED: dict[str, Any] = {"who": "OP2", "why": "said by the nurse", "wall_ns": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writer = store.create(tmp_path / "s", header(), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    record(writer, range(4))
    live = Event("live-1", "marker", ERA.monotonic_ns + 10**9, ERA.wall_ns + 10**9, 0, {"label": "cough"})
    writer.write_event(live)
    writer.close("done")
    return tmp_path / "s"


def test_a_marker_set_afterwards_is_read_at_its_time_and_says_so(folder: Path) -> None:
    before = {p.name: p.read_bytes() for p in (folder / "segments").iterdir()}
    store.place_marker(folder, f" {REFERENCE_CALIBRATED} ", 2.5, **SIGNED)
    with store.open(folder) as session:
        marker = session.events("marker")[-1]
        assert session.t_of(marker) == pytest.approx(2.5, abs=1e-9)
        assert marker.payload["label"] == REFERENCE_CALIBRATED
        assert (marker.payload["source"], marker.payload["operator"]) == (AFTERWARDS, "OP2")
    assert {p.name: p.read_bytes() for p in (folder / "segments").iterdir()} == before
    assert store.verify(folder).ok


def test_markers_made_live_and_afterwards_can_be_taken_back_once(folder: Path) -> None:
    store.place_marker(folder, "stand", 1.0, **SIGNED)
    with store.open(folder) as session:
        standing = store.standing_markers(session)
    assert sorted(standing.values()) == ["cough", "stand"]
    for event_id in standing:
        store.take_marker_back(folder, event_id, **SIGNED)
    with store.open(folder) as session:
        assert store.standing_markers(session) == {}
        assert len(session.events("marker")) == 2
    with pytest.raises(ConfigError, match="taken back already"):
        store.take_marker_back(folder, "live-1", **SIGNED)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"label": " "}, "say what happened"),
        ({"label": "l" * 121}, "say what happened"),
        ({"t_s": -1.0}, "within it"),
        ({"t_s": 99.0}, "within it"),
        ({"t_s": float("nan")}, "within it"),
        ({"who": ""}, "operator"),
        ({"why": " "}, "reason"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_written(
    folder: Path, wrong: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        store.place_marker(folder, **({"label": "x", "t_s": 1.0} | SIGNED | wrong))
    with store.open(folder) as session:
        assert session.amendments() == []


def test_a_session_being_recorded_is_left_to_the_record_page(tmp_path: Path) -> None:
    writer = store.create(tmp_path / "s", header(), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    record(writer, range(2))
    with pytest.raises(SessionError, match="being recorded"):
        store.place_marker(tmp_path / "s", "x", 0.5, **SIGNED)
    writer.close("done")


@given(t_s=st.floats(0, 86_400, allow_nan=False))
def test_a_moment_and_its_elapsed_time_are_each_others_inverse(t_s: float) -> None:
    axis = EraAxis.of((ERA, LATER), {0: ERA.monotonic_ns + 30_000_000_000})
    t_host_ns, era = axis.moment(t_s)
    assert axis.moment_s(t_host_ns, era) == pytest.approx(t_s, abs=2e-9)
    assert era == (0 if t_s * 1e9 < axis.starts_ns[1] else 1)


@given(
    old=st.one_of(st.none(), st.integers(), st.dictionaries(st.text(), st.integers())),
    new=st.recursive(
        st.one_of(st.none(), st.integers(), st.text(), st.floats()),
        lambda deeper: st.dictionaries(st.sampled_from(["event_id", "label", "t_host_ns", "era"]), deeper),
    ),
)
def test_amendments_that_are_no_markers_are_passed_over(old: Any, new: Any) -> None:
    for event in told_afterwards([Amendment("marker", old, new, "a", "b", 0)], (ERA,)):
        assert event.era == 0
