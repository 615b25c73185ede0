from __future__ import annotations

from dataclasses import replace

import pytest

from hemoview.viewmodel.start_form import StartForm, examine, next_subject, pseudonym_warnings

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


def check(level: str, name: str = "device:e4") -> dict[str, object]:
    return {"id": name, "ok": False, "level": level, "who": "E4", "what": "is lost", "todo": "connect it"}


def wrong(form: StartForm) -> set[str]:
    return {problem.field for problem in examine(form).problems}


def test_a_whole_form_may_be_confirmed_then_started() -> None:
    before = examine(GOOD)
    assert before.can_confirm
    assert not before.can_start
    after = examine(GOOD, READY)
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
        ({"consent_date": "1 Nov"}, "consent_version"),
        ({"hand_height_cm": "x"}, "hand_height_cm"),
        ({"height_cm": "1680"}, "pseudonym"),
    ],
)
def test_each_missing_or_wrong_field_is_named(change: dict[str, object], field: str) -> None:
    form = replace(GOOD, **change)  # type: ignore[arg-type]
    assert field in wrong(form)
    assert not examine(form, READY).can_start


def test_refusals_bar_start_whatever_the_reason() -> None:
    view = examine(replace(GOOD, overrides={"e4": "no band"}), [check("refuse", "disk")])
    assert view.refused
    assert not view.can_start


def test_a_missing_device_needs_a_reason() -> None:
    assert not examine(GOOD, [check("override")]).can_start
    view = examine(replace(GOOD, overrides={"e4": "band is charging"}), [check("override")])
    assert view.can_start
    assert view.request is not None
    assert view.request["overrides"] == {"e4": "band is charging"}


def test_warnings_do_not_bar_start() -> None:
    view = examine(GOOD, [check("warn", "battery:e4")])
    assert view.can_start
    assert len(view.findings) == 1


def test_ninety_stands_for_older() -> None:
    view = examine(replace(GOOD, age_y="97"), READY)
    assert view.request is not None
    assert view.request["subject"]["age_y"] == 90


@pytest.mark.parametrize(
    ("pseudonym", "looks_like"),
    [
        ("Maria", "name"),
        ("anna.schmidt", "name"),
        ("19900214", "date"),
        ("14.02.1990", "date"),
        ("11010519491231002X", "number"),
        ("P-014", None),
        ("S07b", None),
    ],
)
def test_pseudonyms_that_are_none(pseudonym: str, looks_like: str | None) -> None:
    warnings = pseudonym_warnings(pseudonym)
    assert [w.id for w in warnings] == ([f"pseudonym-looks-like-{looks_like}"] if looks_like else [])


def test_card_shows_the_person_and_what_will_be_missing() -> None:
    card = examine(replace(GOOD, weight_kg="")).card
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
