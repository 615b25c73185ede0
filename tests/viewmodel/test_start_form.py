from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from hemoview.viewmodel.sessions.pseudonym import pseudonym_warnings
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.sessions.start_form import StartView, examine, next_subject

GOOD = StartForm(
    pseudonym="P-014",
    pseudonym_again="P-014",
    sex="female",
    age_y="34",
    height_cm="168",
    weight_kg="63,5",
    consent_version="v2",
    consent_date="2026-11-01",
    consent_record=True,
    wristband_side="left",
    operator="OP1",
    template="Rest",
)
READY = ({"id": "disk", "ok": True, "level": "ok", "who": "", "what": "", "todo": ""},)


def check(level: str, name: str = "device:e4") -> dict[str, Any]:
    return {"id": name, "ok": False, "level": level, "who": "E4", "what": "is lost", "todo": "connect it"}


def judged(form: StartForm, checks: Sequence[dict[str, Any]] | None = None) -> StartView:
    return examine(form, checks, today=date(2026, 11, 20))


def wrong(form: StartForm) -> set[str]:
    return {problem.field for problem in judged(form).problems}


def test_a_whole_form_may_be_confirmed_then_started() -> None:
    before = judged(GOOD)
    assert before.can_confirm
    assert not before.can_start
    after = judged(GOOD, READY)
    assert after.can_start
    assert after.request is not None
    assert after.request["subject"]["weight_kg"] == 63.5
    assert after.request["consent"]["version"] == "v2"
    assert after.request["sites"]["wristband_side"] == "left"
    assert after.request["overrides"] == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"pseudonym": ""}, "pseudonym"),
        ({"pseudonym_again": "P-041"}, "pseudonym_again"),
        ({"sex": ""}, "sex"),
        ({"age_y": ""}, "age_y"),
        ({"age_y": "old"}, "age_y"),
        ({"height_cm": "1.68m"}, "height_cm"),
        ({"consent_record": False}, "consent_record"),
        ({"consent_version": " "}, "consent_version"),
        ({"consent_date": ""}, "consent_date"),
        ({"consent_date": "1 Nov"}, "consent_date"),
        ({"consent_date": "2026-13-01"}, "consent_date"),
        ({"consent_date": "20261101"}, "consent_date"),
        ({"consent_date": "2026-11-21"}, "consent_date"),
        ({"hand_height_cm": "x"}, "hand_height_cm"),
        ({"hand_height_cm": "9999"}, "hand_height_cm"),
        ({"hand_height_cm": "-101"}, "hand_height_cm"),
        ({"height_cm": "1.70"}, "height_cm"),
        ({"weight_kg": "nan"}, "weight_kg"),
        ({"weight_kg": "1e999"}, "weight_kg"),
        ({"cvp_mmhg": "500"}, "cvp_mmhg"),
        ({"age_y": "200"}, "age_y"),
        ({"age_y": "-1"}, "age_y"),
        ({"operator": " "}, "operator"),
        ({"pseudonym": "P 014", "pseudonym_again": "P 014"}, "pseudonym"),
    ],
)
def test_each_missing_or_wrong_field_is_named(change: dict[str, object], field: str) -> None:
    form = replace(GOOD, **change)  # type: ignore[arg-type]
    assert wrong(form) == {field}
    assert not judged(form, READY).can_start


def test_refusals_bar_start_whatever_the_reason() -> None:
    view = judged(replace(GOOD, overrides={"e4": "no band"}), [check("refuse", "disk")])
    assert view.refused
    assert not view.can_start


def test_a_missing_device_needs_a_reason() -> None:
    assert not judged(GOOD, [check("override")]).can_start
    view = judged(replace(GOOD, overrides={"e4": "band is charging"}), [check("override")])
    assert view.can_start
    assert view.request is not None
    assert view.request["overrides"] == {"e4": "band is charging"}


def test_warnings_do_not_bar_start() -> None:
    view = judged(GOOD, [check("warn", "battery:e4")])
    assert view.can_start
    assert len(view.findings) == 1


def test_all_that_is_wrong_is_named_at_once_each_beside_its_field() -> None:
    form = replace(GOOD, height_cm="1.70", weight_kg="nan", cvp_mmhg="500", consent_date="soon", operator="")
    assert wrong(form) == {"height_cm", "weight_kg", "cvp_mmhg", "consent_date", "operator"}
    assert wrong(StartForm()) >= {"pseudonym", "sex", "age_y", "consent_version", "consent_date", "operator"}


def test_signed_today_and_a_hand_below_the_heart_are_fine() -> None:
    assert not wrong(replace(GOOD, consent_date="2026-11-20", hand_height_cm="-100"))


def test_ninety_stands_for_older() -> None:
    view = judged(replace(GOOD, age_y="97"), READY)
    assert view.request is not None
    assert view.request["subject"]["age_y"] == 90
    assert [(remark.field, remark.message.id) for remark in view.remarks] == [("age_y", "age-grouped")]
    assert view.card is not None
    assert view.card.age == "90+"
    assert judged(replace(GOOD, age_y="89")).remarks == ()


@pytest.mark.parametrize(
    ("pseudonym", "looks_like"),
    [
        ("Maria", "name"),
        ("anna.schmidt", "name"),
        ("19900214", "date"),
        ("14.02.1990", "date"),
        ("11010519491231002X", "number"),
        ("756.1234.5678.97", "number"),
        ("123-45-6789", "number"),
        ("P-014", None),
        ("S-2026-0014", None),
        ("S07b", None),
    ],
)
def test_pseudonyms_that_are_none(pseudonym: str, looks_like: str | None) -> None:
    warnings = pseudonym_warnings(pseudonym)
    assert [w.id for w in warnings] == ([f"pseudonym-looks-like-{looks_like}"] if looks_like else [])


def test_card_shows_the_person_and_what_will_be_missing() -> None:
    card = judged(replace(GOOD, weight_kg="")).card
    assert card is not None
    assert (card.pseudonym, card.sex, card.age) == ("P-014", "female", "34")
    assert {w.id for w in card.warnings} == {"no-height-weight", "no-cvp"}


def test_the_form_empties_for_the_next_subject() -> None:
    kept = next_subject(GOOD)
    assert kept.operator == "OP1"
    assert kept.wristband_side == "left"
    empty = StartForm()
    for name in (
        "pseudonym",
        "pseudonym_again",
        "sex",
        "age_y",
        "height_cm",
        "weight_kg",
        "consent_record",
        "notes",
    ):
        assert getattr(kept, name) == getattr(empty, name)
