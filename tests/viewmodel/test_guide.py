"""What the strip says follows from the template and stored events alone."""

from __future__ import annotations

from guide_rig import PLAN, at, began, facts, keys
from synthetic_bedside import SyntheticBedside

from hemoview.viewmodel.live.guide import GuideView, guide
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from recorder.schema import SessionStatus


def test_the_protocol_waits_for_its_own_marker() -> None:
    """Recording may begin before (safety rule 18): nothing is due by a clock that does not run."""
    view = guide(facts(1000))
    assert view.title is not None and view.title.id == "guide-not-begun"
    assert view.begins == 0 and not view.can_end and view.countdown == "" and keys(view) == []
    assert view.instruction == "be still"
    assert view.following is not None and view.following.as_dict() == {"name": "Settle", "minutes": "5"}


def test_a_running_phase_counts_down() -> None:
    view = guide(facts(100, began(0, 10)))
    assert view.title is not None and view.title.as_dict() == {"number": 1, "total": 3, "name": "Settle"}
    assert view.countdown in ("03:30", "03:31") and view.can_end and view.can_extend and view.begins == 1
    assert view.fraction is not None and abs(view.fraction - 0.3) < 0.01
    assert [p.state for p in view.phases] == ["running", "next", "left"]
    longer = guide(facts(100, began(0, 10), at("phase-extended", 50, index=0, by_s=60.0)))
    assert longer.countdown in ("04:30", "04:31")


def test_an_open_phase_counts_up_and_cannot_be_extended() -> None:
    view = guide(facts(100, began(2, 10)))
    assert (
        view.countdown in ("+01:30", "+01:29")
        and view.can_end
        and not view.can_extend
        and view.fraction is None
    )
    assert view.begins is None and view.following is not None and view.following.id == "guide-last"


def test_between_and_through() -> None:
    over = at("phase-ended", 310, index=0)
    assert _title(guide(facts(320, began(0, 10), over))) == "guide-between"
    assert _title(guide(facts(900, began(2, 10), at("phase-ended", 310, index=2)))) == "guide-through"


def test_the_cuff_is_announced_due_answered_and_due_again() -> None:
    assert keys(guide(facts(60, began(0, 10)))) == []
    soon = guide(facts(100, began(0, 10))).prompts[0]
    assert soon.message.id == "guide-cuff-soon" and soon.actions == ("inflate-left", "reading", "cuff-skip")
    due = guide(facts(140, began(0, 10))).prompts[0]
    assert due.message.id == "guide-cuff-due" and not due.overdue
    assert guide(facts(300, began(0, 10))).prompts[0].overdue
    reading = at("cuff", 150, sbp_mmhg=120, dbp_mmhg=80, measured_at_ns=0)
    assert keys(guide(facts(300, began(0, 10), reading))) == []
    assert keys(guide(facts(150 + 900 + 1, began(0, 10), reading))) == ["cuff"]
    skipped = at("reminder", 160, what="cuff", state="skipped")
    assert keys(guide(facts(300, began(0, 10), skipped))) == []


def test_a_withdrawn_reading_does_not_count_as_answered() -> None:
    reading = at("cuff", 150, sbp_mmhg=120, dbp_mmhg=80, measured_at_ns=0)
    gone = at("cuff-withdrawn", 170, event_id=reading.event_id, why="wrong arm")
    assert keys(guide(facts(300, began(0, 10), reading, gone))) == ["cuff"]


def test_a_reading_at_the_end_of_each_phase() -> None:
    plan = PLAN | {"cuff": {"at_phase_ends": True}}
    ended = at("phase-ended", 310, index=0)
    assert keys(guide(facts(300, began(0, 10), plan=plan))) == []
    assert keys(guide(facts(320, began(0, 10), ended, plan=plan))) == ["cuff"]
    reading = at("cuff", 330, sbp_mmhg=120, dbp_mmhg=80, measured_at_ns=0)
    assert keys(guide(facts(340, began(0, 10), ended, reading, plan=plan))) == []


def test_without_phases_the_cuff_follows_the_session() -> None:
    plan = {"cuff": {"first_after_min": 2.0}}
    view = guide(facts(130, plan=plan, sites={}))
    assert keys(view) == ["cuff"] and view.title is None
    assert view.prompts[0].actions[:2] == ("inflate-left", "inflate-right")  # nobody said where the cuff sits


def test_while_the_cuff_inflates_the_reading_is_asked_for() -> None:
    inflates = at("cuff-inflation", 140, arm="left", state="started")
    view = guide(facts(160, began(0, 10), inflates))
    assert keys(view) == ["inflating"] and view.prompts[0].actions == ("reading", "end-inflation")
    assert view.prompts[0].message.as_dict()["seconds"] == "20"
    assert keys(guide(facts(240, began(0, 10), inflates))) == ["cuff"]  # over by itself, and still unanswered


def test_a_moved_arm_asks_for_its_height_until_somebody_tells() -> None:
    moved = at("marker", 20, label="arm move", source="key")
    assert keys(guide(facts(30, moved))) == ["arm-moved"]
    assert keys(guide(facts(30, moved, at("reminder", 25, what="arm-moved", state="skipped")))) == []
    told = at("posture", 25, posture="seated", hand_height_cm=-3.0)
    view = guide(facts(30, moved, told))
    assert keys(view) == []
    assert view.posture is not None and view.posture.as_dict()["height"] == "-3"
    undone = at("marker-undone", 26, event_id=moved.event_id)
    assert keys(guide(facts(30, moved, undone))) == []


def test_posture_is_as_at_start_until_told_otherwise() -> None:
    view = guide(facts(30))
    assert view.posture is not None and view.posture.as_dict()["height"] == "+5"
    plain = guide(facts(30, sites={})).posture
    assert plain is not None and plain.id == "guide-posture"


def test_reminders_come_and_come_back() -> None:
    assert keys(guide(facts(1700))) == []
    assert keys(guide(facts(1801))) == ["finger-switch"]
    changed = at("marker", 1805, label="finger changed")
    assert keys(guide(facts(1810, changed))) == []
    assert keys(guide(facts(1805 + 1801, changed))) == ["finger-switch", "skin-check"]
    later = at("reminder", 1802, what="finger-switch", state="skipped")
    assert keys(guide(facts(1900, later))) == []
    assert keys(guide(facts(2103, later))) == ["finger-switch"]


def test_after_stop_the_checklist_of_the_template_or_the_usual_one() -> None:
    bed = SyntheticBedside()
    bed.status_changes = {"session": SessionStatus("sealed", "s1", "/s")}
    bed.run(1.0)
    view = guide(bed.model.facts())
    assert view.after and view.default_checklist and not view.recording


def test_the_screen_carries_the_strip_and_undo_leaves_the_protocol_alone() -> None:
    view = resolve(Wish(), facts(30, began(0, 10), at("marker", 10, label="rest begins", source="automatic")))
    assert view.guide.recording and not view.can_undo
    assert resolve(Wish(), facts(30, at("marker", 10, label="cough", source="key"))).can_undo


def _title(view: GuideView) -> str:
    return view.title.id if view.title else ""
