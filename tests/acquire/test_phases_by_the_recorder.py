"""A guided session in a whole station: phases by the clock, through a restart of the recorder; inflations; posture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from guided_bed import GuidedBed, labels, plan
from scripted import args

from recorder import session
from recorder.acquire.phase_clock import ENDED, STARTED
from recorder.errors import SessionError
from recorder.schema import CUFF_INFLATION


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[GuidedBed]:
    made = GuidedBed(tmp_path)
    made.station.start()
    yield made
    made.station.close()


LONG = {
    "name": "Long",
    "duration_min": 1000.0,
    "marker_at_start": "long begins",
    "marker_at_end": "long ends",
}


def test_a_phase_ends_when_its_time_is_up_and_the_next_begins_by_itself(bed: GuidedBed) -> None:
    first = {
        "name": "Rest",
        "duration_min": 1.5,
        "marker_at_start": "rest begins",
        "marker_at_end": "rest ends",
    }
    folder = bed.start(plan(first, {**LONG, "begins_by_itself": True}))
    assert not bed.events(STARTED)  # recording may begin before; the protocol clock starts at its own marker
    assert bed.ask("begin_phase", operator="op1")["index"] == 0
    bed.until(lambda: len(bed.events(STARTED)) == 2)
    begun, ended, following = sorted(bed.events(STARTED, ENDED), key=lambda e: (e.t_host_ns, e.kind))
    assert ended.t_host_ns - begun.t_host_ns == 90 * 10**9 == following.t_host_ns - begun.t_host_ns
    assert ended.payload["reason"] == "time" and following.payload["by_itself"] is True
    assert labels(bed) == [
        ("rest begins", "automatic"),
        ("rest ends", "automatic"),
        ("long begins", "automatic"),
    ]
    bed.ask("stop", reason="done")
    with session.open(folder) as stored:
        ends = stored.events(ENDED)
        assert [e.payload["reason"] for e in ends] == ["time", "stopped"]
        assert [p["name"] for p in stored.header.template["phases"]] == ["Rest", "Long"]
        assert stored.header.template["version"].startswith("study ")


def test_begin_end_extend_by_hand(bed: GuidedBed) -> None:
    bed.start(plan(LONG, {"name": "Open"}))
    with pytest.raises(SessionError, match="none is running; begin one first"):
        bed.ask("end_phase")
    bed.ask("begin_phase")
    bed.ask("extend_phase", minutes=5)
    with pytest.raises(SessionError, match="9999 min is outside"):
        bed.ask("extend_phase", minutes=9999)
    bed.ask("begin_phase")
    ended = bed.events(ENDED)
    assert [e.payload["reason"] for e in ended] == ["next"]
    bed.ask("end_phase", operator="op2")
    bed.ask("end_phase", operator="op2")  # a glove that touches twice
    assert bed.events(ENDED)[-1].payload == {
        "index": 1,
        "name": "Open",
        "reason": "operator",
        "operator": "op2",
    }
    with pytest.raises(SessionError, match="none left to begin"):
        bed.ask("begin_phase")
    assert bed.ask("begin_phase", index=0)["index"] == 0  # once more, on purpose


def test_a_killed_recorder_goes_on_with_the_phase(bed: GuidedBed) -> None:
    """Nothing is held in memory: the next recorder reads where the protocol stands."""
    folder = bed.start(plan({**LONG, "duration_min": 4.0}, {**LONG, "begins_by_itself": True}))
    bed.ask("begin_phase")
    bed.crash()
    assert bed.station.sessions.path == folder
    bed.until(lambda: len(bed.events(STARTED)) == 2)
    assert len(bed.events(ENDED)) == 1 and len(labels(bed)) == 3
    begun, following = bed.events(STARTED)
    assert following.wall_ns - begun.wall_ns >= 4 * 60 * 10**9 - 10**6
    assert following.era == bed.station.hub.era.number == 1


def test_undo_takes_back_what_a_hand_made_never_what_the_protocol_made(bed: GuidedBed) -> None:
    bed.start(plan(LONG))
    bed.ask("marker", label="cough", source="key")
    bed.ask("begin_phase")
    undone = bed.ask("undo_marker")["undone"]
    assert undone == bed.events("marker")[0].event_id
    with pytest.raises(SessionError, match="none to undo"):
        bed.ask("undo_marker")


def test_reminders_make_their_marker_when_done(bed: GuidedBed) -> None:
    bed.start(plan(LONG))
    bed.ask("reminder", what="finger-switch", state="done", operator="op1")
    bed.ask("reminder", what="skin-check", state="skipped")
    assert labels(bed) == [("finger changed", "button")]
    assert [e.payload["state"] for e in bed.events("reminder")] == ["done", "skipped"]
    with pytest.raises(SessionError, match="nothing was stored"):
        bed.ask("reminder", what="lunch", state="done")


def test_a_checklist_is_stored_with_what_was_left_out(bed: GuidedBed) -> None:
    bed.start(plan(LONG))
    bed.ask("checklist", when="before", ticked=["charged"], left=["skin"], operator="op1")
    assert bed.events("checklist")[0].payload["left"] == ["skin"]


def test_without_a_session_nothing_is_begun(bed: GuidedBed) -> None:
    for verb in ("begin_phase", "end_phase", "inflate", "posture", "checklist", "reminder"):
        with pytest.raises(SessionError, match="press Start first"):
            bed.ask(verb, what="cuff", state="done", when="before", minutes=5)


def test_a_template_that_nobody_can_follow_does_not_bar_recording(bed: GuidedBed) -> None:
    bed.ask("start", **args(template={"name": "old", "phases": "three"}))
    with pytest.raises(SessionError, match="none left"):
        bed.ask("begin_phase")
    assert not bed.events(CUFF_INFLATION)


def test_a_touch_twice_is_one(bed: GuidedBed) -> None:
    bed.start(plan(LONG), sites={"arm_cuff_side": "left"})
    first = bed.ask("begin_phase", index=0)
    assert bed.ask("begin_phase", index=0) == first
    bed.ask("inflate")
    bed.ask("inflate")
    assert len(bed.events(STARTED)) == 1 and not bed.events(ENDED)
    assert [e.payload["state"] for e in bed.events(CUFF_INFLATION)] == ["started"]
