"""Rule 18: a required device of the template may be missing with a reason, and the session says so; recording may begin
before calibration and before the protocol, whose clock starts at its own marker.
"""

from __future__ import annotations

from typing import Any

import pytest
from guide_rig import began, facts, keys
from guided_bed import GuidedBed, plan

from hemoview.viewmodel.live.guide import guide
from recorder import session
from recorder.acquire.phase_clock import STARTED
from recorder.errors import SessionRefused

REST = {"name": "Rest", "duration_min": 1000.0, "marker_at_start": "rest begins"}
NEEDS_A_BAND = {"devices": [{"kind": "e4-tcp", "device_id": "e4"}]}


@pytest.fixture
def bed(tmp_path: Any) -> Any:
    made = GuidedBed(tmp_path)
    made.station.start()
    yield made
    made.station.close()


def test_rule_18_recording_begins_before_calibration_and_before_the_protocol(bed: GuidedBed) -> None:
    folder = bed.start(plan(REST))
    bed.ask("marker", label="reference calibrated", source="button")
    assert not bed.events(STARTED)
    bed.ask("begin_phase", operator="OP1")
    bed.ask("stop")
    with session.open(folder) as stored:
        at = {
            e.payload.get("label", e.kind): e.t_host_ns
            for e in stored.events()
            if e.kind in ("marker", "session")
        }
        begun = stored.events(STARTED)[0]
    assert at["rest begins"] == begun.t_host_ns > at["reference calibrated"]


def test_rule_18_the_protocol_clock_is_not_that_of_the_session() -> None:
    waits = guide(facts(3000))
    assert waits.begins == 0 and waits.countdown == ""
    late = guide(facts(3000, began(0, 2990)))
    assert late.countdown in ("04:50", "04:51")
    assert "cuff" not in keys(late)  # due 2 min after the protocol began, not 2 min after Start


def test_rule_18_a_device_of_the_template_is_missed_with_a_reason(bed: GuidedBed) -> None:
    with pytest.raises(SessionRefused, match="the template asks for it"):
        bed.start(plan(REST, **NEEDS_A_BAND))
    folder = bed.start(plan(REST, **NEEDS_A_BAND), overrides={"e4": "charging, joins later"})
    assert "charging" in bed.station.status().session.incomplete_reason
    bed.ask("stop")
    with session.open(folder) as stored:
        begun = stored.events("session")[0].payload
    assert begun["state"] == "started" and "charging, joins later" in begun["incomplete_reason"]
