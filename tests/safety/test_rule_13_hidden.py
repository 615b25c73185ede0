"""Safety rule 13: what a template hides is computed and stored, and shown to nobody at the bedside."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bed import Bed
from hypothesis import given
from hypothesis import strategies as st
from scripted import args
from synthetic_bedside import NS, WALL, SyntheticBedside, event

from hemoview.viewmodel import window_settings
from hemoview.viewmodel.live.estimates_form import EstimatesForm, examine
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Cell, EstimateChoice, RecordView, Wish
from hemoview.viewmodel.live.visibility import estimates_hidden
from hemoview.viewmodel.sessions.rule_choice import RuleChoice
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.sessions.start_form import next_subject
from hemoview.viewmodel.sessions.template_choice import chosen, with_template
from hemoview.viewmodel.window_settings import WindowSettings
from recorder.acquire.template import Template
from recorder.errors import ConfigError, SessionError, StationError
from recorder.schema import PARAMETERS, Event, SessionStatus
from recorder.schema.rules import EstimateRules, check_rules

HIDDEN = {"name": "Blind", "rules": {"estimates_hidden": True}}
SHOWN: dict[str, Any] = {"rule": "estimates_hidden", "value": False, "operator": "OP2", "why": "unblinded"}


def view_of(bed: SyntheticBedside, **wish: Any) -> RecordView:
    return resolve(Wish(**wish), bed.model.facts())


def hidden_bed(*events: Event) -> SyntheticBedside:
    bed = SyntheticBedside(template=HIDDEN)
    bed.events = [event("marker", bed.start_ns, label="reference calibrated"), *events]
    bed.tell()
    bed.run(6.0)
    return bed


def numbers_of(view: RecordView) -> list[Cell]:
    return [row.estimate for row in view.numerics.rows]


# ---- the screen


def test_no_estimate_is_on_the_screen_and_a_word_stands_in_its_place() -> None:
    view = view_of(hidden_bed())
    assert len(view.numerics.rows) == len(PARAMETERS)
    for cell in numbers_of(view):
        assert (cell.text, cell.interval, cell.tag) == ("—", "", "")
        assert cell.reason is not None
        assert cell.reason.id == "why-hidden"
    assert view.numerics.hidden_note is not None
    assert view.numerics.hidden_note.id == "estimates-hidden"
    assert view.trend.note == view.numerics.hidden_note


def test_reference_beats_quality_and_markers_stay() -> None:
    view = view_of(hidden_bed())
    references = {r.parameter: r.reference for r in view.numerics.rows if r.reference is not None}
    assert {p for p, cell in references.items() if cell.text != "—"} == {"SBP", "MAP", "DBP", "HR"}
    assert next(lane for lane in view.lanes if lane.key == "ppg").sqi == pytest.approx(0.9)
    assert view.trend.series[0].dots.size
    assert view.can_mark


@pytest.mark.parametrize("group", ["pressure", "MAP", "HR"])
def test_the_trend_draws_no_line_no_band_and_no_hatching(group: str) -> None:
    trend = view_of(hidden_bed(), trend_group=group).trend
    for series in trend.series:
        for column in (series.value, series.low, series.high):
            assert not np.isfinite(column).any()
    assert trend.hatched == ()


def test_the_facts_themselves_hold_no_estimate_so_that_no_screen_can_forget_to_ask() -> None:
    facts = hidden_bed().model.facts()
    info = facts.by_role("estimate")
    assert info is not None
    assert facts.estimates is not None
    finite = {c.name for i, c in enumerate(info.channels) if np.isfinite(facts.estimates.values[:, i]).any()}
    assert finite == {"sqi", "personalisation_age_s", "infer_ms", "personalised_by"}


def test_a_window_that_joins_shows_nothing_before_it_knows_the_rule() -> None:
    """A session begins; its header comes a moment after the first rows of its estimates."""
    bed = SyntheticBedside()
    bed.run(4.0)
    assert any(cell.text != "—" for cell in numbers_of(view_of(bed)))
    session = dataclasses.replace(bed.status().session, session_id="s2")
    bed.model.take([dataclasses.replace(bed.status(), session=session), *bed._rows()])
    facts = bed.model.facts()
    assert facts.header is None
    assert facts.estimates_hidden
    stale = {"session_id": "s1", "template": {"name": "of the session before"}}
    bed.model.described({"streams": [], "header": stale})
    assert bed.model.facts().estimates_hidden
    assert bed.model.wants_describe


def test_what_was_hidden_stays_hidden_after_stop_until_another_session_begins() -> None:
    bed = hidden_bed()
    ended = dataclasses.replace(bed.status().session, state="sealed")
    bed.model.take([dataclasses.replace(bed.status(), session=ended)])
    assert bed.model.facts().estimates_hidden


def test_before_the_first_session_the_start_form_decides() -> None:
    bed = SyntheticBedside(recording=False)
    bed.run(3.0)
    assert any(cell.text != "—" for cell in numbers_of(view_of(bed)))
    bed.model.hidden_before_start = True
    assert all(cell.text == "—" for cell in numbers_of(view_of(bed)))


def test_unhidden_they_are_back_and_the_screen_says_who_showed_them() -> None:
    at = 1_002 * NS
    bed = hidden_bed(event("rule", at, **SHOWN))
    view = view_of(bed)
    assert any(cell.interval for cell in numbers_of(view))
    assert view.numerics.hidden_note is not None
    assert view.numerics.hidden_note.id == "estimates-unhidden"
    assert view.numerics.hidden_note.as_dict()["operator"] == "OP2"
    assert view.trend.note is None


# ---- the pure function


def test_in_doubt_estimates_stay_hidden() -> None:
    assert not estimates_hidden(None, ())
    assert not estimates_hidden({"name": "rest"}, ())
    for value in (True, 1, "yes", ["?"]):
        assert estimates_hidden({"rules": {"estimates_hidden": value}}, ())
    assert not estimates_hidden({"rules": "none"}, ())


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "rule": st.sampled_from(["estimates_hidden", "anchor_from", "show_simulated", "other"]),
                "value": st.one_of(st.booleans(), st.none(), st.text(max_size=8), st.integers()),
            }
        )
    ),
    st.sampled_from(["rule", "marker", "notice"]),
)
def test_only_an_unhiding_event_unhides(payloads: list[dict[str, Any]], kind: str) -> None:
    events = [Event(f"e{i}", kind, i, WALL + i, 0, payload) for i, payload in enumerate(payloads)]
    lifted = kind == "rule" and any(p["rule"] == "estimates_hidden" and p["value"] is False for p in payloads)
    assert estimates_hidden(HIDDEN, events) == (not lifted)
    assert not estimates_hidden({"name": "open"}, events)


# ---- the command


def rule_events(bed: Bed) -> list[dict[str, Any]]:
    return [e["payload"] for e in bed.ask("events", since=0)["events"] if e["kind"] == "rule"]


def test_unhiding_needs_reason_and_operator_is_stored_and_ends_with_the_session(bed: Bed) -> None:
    bed.ask("start", **args(template=HIDDEN))
    with pytest.raises(ConfigError, match="reason is missing"):
        bed.ask("unhide_estimates", operator="OP2", why="  ")
    with pytest.raises(ConfigError, match="operator code is missing"):
        bed.ask("unhide_estimates", why="unblinded")
    with pytest.raises(StationError, match="take control first"):
        bed.ask("unhide_estimates", client="another", operator="OP2", why="unblinded")
    assert rule_events(bed) == []
    bed.ask("unhide_estimates", operator="OP2", why="unblinded")
    assert rule_events(bed) == [SHOWN | {"former": True}]
    with pytest.raises(SessionError, match="not hidden"):
        bed.ask("unhide_estimates", operator="OP2", why="again")
    bed.ask("stop", reason="test")
    with pytest.raises(SessionError, match="no session is open"):
        bed.ask("unhide_estimates", operator="OP2", why="afterwards")
    bed.ask("start", **args(template=HIDDEN))
    header = bed.ask("describe")["header"]
    assert estimates_hidden(header["template"], bed.station.hub.events_since(0))


def test_a_template_with_rules_nobody_can_keep_is_refused(bed: Bed) -> None:
    with pytest.raises(ConfigError, match=r"rules\.estimates_hidden = 'perhaps': give true or false"):
        bed.ask("start", **args(template={"name": "x", "rules": {"estimates_hidden": "perhaps"}}))
    with pytest.raises(ConfigError, match=r"rules\.anchor_from = 'cvp': give cuff, reference, both"):
        bed.ask("preflight", **args(template={"name": "x", "rules": {"anchor_from": "cvp"}}))
    assert bed.status().session == SessionStatus()
    with pytest.raises(ValueError, match="a table of switches"):
        check_rules([1])


def test_a_changed_choice_is_stored_once_with_who_and_what_it_was(bed: Bed) -> None:
    bed.ask("start", **args(template={"name": "x", "rules": {"anchor_from": "cuff"}}))
    assert bed.ask("choose_anchor", anchor_from="cuff", operator="OP1")["event_id"] is None
    bed.ask("choose_anchor", anchor_from="both", operator="OP1")
    with pytest.raises(ConfigError, match="anchor_from 'tonometer' is unknown; give cuff, reference, both"):
        bed.ask("choose_anchor", anchor_from="tonometer", operator="OP1")
    assert rule_events(bed) == [{"rule": "anchor_from", "value": "both", "former": "cuff", "operator": "OP1"}]
    bed.station.close()
    bed.station = bed.make()
    bed.station.start()
    rules_now = EstimateRules.of_template(bed.ask("describe")["header"]["template"])
    assert rules_now.after(bed.station.hub.events_since(0)).anchor_from == "both"


# ---- forms


def test_what_the_template_hides_cannot_be_shown_from_the_start_form() -> None:
    template = Template("Blind", rules={"estimates_hidden": True})
    form = chosen(StartForm(), template)
    assert form.rules.template_hides
    assert dataclasses.replace(form.rules, estimates_hidden=False).to_rules()["estimates_hidden"]
    assert next_subject(form).rules == form.rules
    order = with_template({"template": {"name": "Blind", "rules": form.rules.to_rules()}}, template)
    assert estimates_hidden(order["template"], ())
    free = chosen(form, Template("Open", rules={"estimates_hidden": False}))
    assert free.rules == RuleChoice()
    assert not chosen(form, None).rules.template_hides


def test_the_choice_returns_with_the_settings_and_its_lock_with_the_template(tmp_path: Path) -> None:
    choice = RuleChoice("both", estimates_hidden=True, show_simulated=True, template_hides=True)
    path = tmp_path / "window.json"
    window_settings.save(path, WindowSettings(form=StartForm(rules=choice)))
    assert window_settings.load(path).form.rules == dataclasses.replace(choice, template_hides=False)
    path.write_text(path.read_text().replace('"both"', '"tonometer"'))
    assert window_settings.load(path).form.rules.anchor_from == "cuff"


def test_the_dialog_asks_for_what_is_missing_and_sends_only_what_changed() -> None:
    now = EstimateChoice("cuff", hidden=True)
    assert examine(EstimatesForm("cuff"), now).commands == ()
    for form, problem in (
        (EstimatesForm("both", operator=" "), "estimates-operator-needed"),
        (EstimatesForm("cuff", show=True, operator="OP1"), "estimates-why-needed"),
        (EstimatesForm("cuff", show=True, why="teaching"), "estimates-operator-needed"),
    ):
        view = examine(form, now)
        assert view.problem is not None
        assert view.problem.id == problem
        assert view.commands == ()
    whole = examine(EstimatesForm("both", show=True, why=" teaching ", operator="OP1"), now)
    assert whole.commands == (
        ("choose_anchor", {"anchor_from": "both", "operator": "OP1"}),
        ("unhide_estimates", {"why": "teaching", "operator": "OP1"}),
    )
