"""A guided session in a whole station: phases by the clock, through a restart of the recorder; inflations; posture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import Cable, FakeMachine, ScriptedDriver, args, sessions_folder

from recorder import session
from recorder.acquire import verbs, wire
from recorder.acquire.phase_clock import ENDED, STARTED
from recorder.acquire.station import Station
from recorder.acquire.template import Template, parse
from recorder.acquire.wire import Request
from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig, Driver
from recorder.errors import SessionError
from recorder.schema import CUFF_INFLATION, Event

SPEED = 100.0
"""A minute of the protocol is 0.6 s here: phases are told in minutes of the session's clock."""


class Bed:
    """One station whose clock runs fast."""

    def __init__(self, tmp_path: Path) -> None:
        wall = time.time_ns()
        self.clock = Clock(SPEED, time.monotonic_ns(), wall)
        self.tmp_path, self.machine, self.requests = tmp_path, FakeMachine(), 0
        self.station = self.make()

    def make(self) -> Station:
        return Station(
            "bed1",
            self.tmp_path / "station",
            sessions_folder(self.tmp_path),
            clock=self.clock,
            machine=self.machine.machine(),
            verbs=verbs.table,
            make_driver=self.driver,
        )

    def driver(self, config: DeviceConfig, clock: Clock) -> Driver:
        return ScriptedDriver(config, Cable(clock))

    def ask(self, verb: str, **arguments: object) -> dict[str, Any]:
        self.requests += 1
        request = Request(f"r{self.requests}", "window", verb, dict(arguments), ())
        return wire.unpack_reply(self.station.desk.answer(request))

    def start(self, template: Template, **changes: object) -> Path:
        return Path(self.ask("start", **args(template=template.to_json(), **changes))["folder"])

    def events(self, *kinds: str) -> list[Event]:
        return [e for e in self.station.hub.events_since(0) if e.kind in kinds]

    def until(self, condition: Callable[[], object], timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, self.events(STARTED, ENDED, "marker")
            time.sleep(0.02)

    def crash(self) -> None:
        self.station.sessions.abandon()
        self.station.close()
        self.station = self.make()
        self.station.start()


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    made.station.start()
    yield made
    made.station.close()


def plan(*phases: dict[str, Any], **more: Any) -> Template:
    return parse({"name": "study", "phases": list(phases), **more})


LONG = {
    "name": "Long",
    "duration_min": 1000.0,
    "marker_at_start": "long begins",
    "marker_at_end": "long ends",
}


def labels(bed: Bed) -> list[tuple[str, str]]:
    return [(e.payload["label"], e.payload["source"]) for e in bed.events("marker")]


def test_a_phase_ends_when_its_time_is_up_and_the_next_begins_by_itself(bed: Bed) -> None:
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


def test_begin_end_extend_by_hand(bed: Bed) -> None:
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


def test_a_killed_recorder_goes_on_with_the_phase(bed: Bed) -> None:
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


def test_undo_takes_back_what_a_hand_made_never_what_the_protocol_made(bed: Bed) -> None:
    bed.start(plan(LONG))
    bed.ask("marker", label="cough", source="key")
    bed.ask("begin_phase")
    undone = bed.ask("undo_marker")["undone"]
    assert undone == bed.events("marker")[0].event_id
    with pytest.raises(SessionError, match="none to undo"):
        bed.ask("undo_marker")


def test_reminders_make_their_marker_when_done(bed: Bed) -> None:
    bed.start(plan(LONG))
    bed.ask("reminder", what="finger-switch", state="done", operator="op1")
    bed.ask("reminder", what="skin-check", state="skipped")
    assert labels(bed) == [("finger changed", "button")]
    assert [e.payload["state"] for e in bed.events("reminder")] == ["done", "skipped"]
    with pytest.raises(SessionError, match="nothing was stored"):
        bed.ask("reminder", what="lunch", state="done")


def test_a_checklist_is_stored_with_what_was_left_out(bed: Bed) -> None:
    bed.start(plan(LONG))
    bed.ask("checklist", when="before", ticked=["charged"], left=["skin"], operator="op1")
    assert bed.events("checklist")[0].payload["left"] == ["skin"]


def test_without_a_session_nothing_is_begun(bed: Bed) -> None:
    for verb in ("begin_phase", "end_phase", "inflate", "posture", "checklist", "reminder"):
        with pytest.raises(SessionError, match="press Start first"):
            bed.ask(verb, what="cuff", state="done", when="before", minutes=5)


def test_a_template_that_nobody_can_follow_does_not_bar_recording(bed: Bed) -> None:
    bed.ask("start", **args(template={"name": "old", "phases": "three"}))
    with pytest.raises(SessionError, match="none left"):
        bed.ask("begin_phase")
    assert not bed.events(CUFF_INFLATION)


def test_a_touch_twice_is_one(bed: Bed) -> None:
    bed.start(plan(LONG), sites={"arm_cuff_side": "left"})
    first = bed.ask("begin_phase", index=0)
    assert bed.ask("begin_phase", index=0) == first
    bed.ask("inflate")
    bed.ask("inflate")
    assert len(bed.events(STARTED)) == 1 and not bed.events(ENDED)
    assert [e.payload["state"] for e in bed.events(CUFF_INFLATION)] == ["started"]
