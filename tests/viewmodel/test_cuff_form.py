from __future__ import annotations

from dataclasses import replace

import pytest

from hemoview.viewmodel.live.cuff_form import CuffForm, examine, in_kpa

FORM = CuffForm(sbp="124", dbp="78", minutes_ago="2", operator="OP1", arm="left")
WALL = 1_795_000_000_000_000_000


def test_a_plausible_reading_is_taken() -> None:
    view = examine(FORM, wall_ns=WALL, reference_mmhg=(120.0, 76.0))
    assert view.request is not None
    assert view.request["measured_at_ns"] == WALL - 120_000_000_000
    assert view.request["entered_at_ns"] == WALL
    assert view.request["entered_by"] == "OP1"


@pytest.mark.parametrize(
    "change",
    [{"sbp": "70"}, {"sbp": "abc"}, {"dbp": "20"}, {"map": "130"}, {"minutes_ago": "-3"}, {"sbp": ""}],
)
def test_an_implausible_reading_is_refused_in_words(change: dict[str, str]) -> None:
    view = examine(replace(FORM, **change), wall_ns=WALL, reference_mmhg=None)
    assert view.request is None
    assert view.problem is not None


@pytest.mark.parametrize(("field", "word"), [("sbp", "systolic"), ("dbp", "diastolic")])
def test_an_empty_field_is_asked_for_by_name(field: str, word: str) -> None:
    view = examine(replace(FORM, **{field: " "}), wall_ns=WALL, reference_mmhg=None)  # type: ignore[arg-type]
    assert view.problem is not None
    assert view.problem.as_dict()["why"] == f"type the {word} value"


def test_far_from_the_reference_means_typing_it_twice() -> None:
    far = examine(FORM, wall_ns=WALL, reference_mmhg=(150.0, 90.0))
    assert far.again
    assert far.request is None
    again = replace(FORM, first_entry=("124", "78"))
    assert examine(again, wall_ns=WALL, reference_mmhg=(150.0, 90.0)).request is not None
    differs = replace(FORM, first_entry=("142", "78"))
    assert examine(differs, wall_ns=WALL, reference_mmhg=(150.0, 90.0)).request is None


def test_without_a_valid_reference_once_is_enough() -> None:
    assert examine(FORM, wall_ns=WALL, reference_mmhg=None).request is not None


def test_what_is_typed_in_mmhg_is_said_in_kilopascal_once_it_is_a_pair() -> None:
    assert in_kpa(CuffForm(sbp="120", dbp="")) is None
    assert in_kpa(CuffForm(sbp="120", dbp="eighty")) is None
    said = in_kpa(CuffForm(sbp="120", dbp="80,0"))
    assert said is not None
    assert said.as_dict() == {"sbp": "16.0", "dbp": "10.7"}
