"""Editing what can be labelled: a scheme passes the form unharmed, keys are given and taken, names are checked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hemoview.labels.raters.scheme import PULSE, SHIPPED, LabelChoice, Scheme
from hemoview.viewmodel.review.label_scheme import (
    MOST,
    form_of,
    is_set_name,
    problem_of,
    scheme_of,
    with_new_row,
    with_row,
    without_row,
)
from recorder.errors import ConfigError


def shouted(label: str) -> str:
    """What a screen would call a label."""
    return label.upper()


@pytest.mark.parametrize("scheme", SHIPPED.values(), ids=list(SHIPPED))
def test_a_scheme_goes_through_form_and_file_unharmed(scheme: Scheme) -> None:
    hidden = replace(scheme, hide_suggestions=True)
    assert scheme_of(form_of(hidden, shouted), shouted) == hidden
    assert Scheme.from_json(hidden.to_json()) == hidden
    assert [choice.key for choice in scheme.labels] == list(range(1, 10))


def test_a_key_that_is_given_is_taken_from_another() -> None:
    form = form_of(PULSE, shouted)
    form = with_row(form, 3, replace(form.rows[3], key=1))
    assert [row.key for row in form.rows][:4] == [None, 2, 3, 1]
    assert with_new_row(form).rows[-1].key == 4


def test_a_new_label_is_stored_under_the_name_it_was_given() -> None:
    form = with_new_row(form_of(PULSE, shouted))
    assert problem_of(form, shouted) is not None
    form = with_row(form, 9, replace(form.rows[9], typed=" 咳嗽 "))
    assert problem_of(form, shouted) is None
    assert scheme_of(form, shouted).labels[-1].label == "咳嗽"


def test_what_cannot_be_a_scheme_is_said() -> None:
    form = form_of(PULSE, shouted)
    for _ in range(9):
        form = without_row(form, 0)
    assert problem_of(form, shouted).id == "labels.scheme-none"  # type: ignore[union-attr]
    twice = with_row(form_of(PULSE, shouted), 0, replace(form_of(PULSE, shouted).rows[0], typed="MOTION"))
    assert problem_of(twice, shouted).id == "labels.scheme-twice"  # type: ignore[union-attr]
    for _ in range(40):
        form = with_new_row(form)
    assert len(form.rows) == MOST


def test_a_label_of_a_file_is_checked_as_one_that_is_typed() -> None:
    for wrong in ({"key": 0}, {"colour": "red"}, {"kind": "colour"}, {"label": " "}, {"name": "x" * 41}):
        with pytest.raises(ConfigError):
            LabelChoice(**{"label": "x", "kind": "span", "key": 1, "colour": "#ffffff", **wrong})
    with pytest.raises(ConfigError, match="not readable"):
        Scheme.from_json({"name": "x", "labels": [{"label": "x"}]})


def test_a_label_set_has_a_name_that_a_file_can_have() -> None:
    assert is_set_name("second-round")
    assert not any(map(is_set_name, ("", "Round 2", "../x", "a.b", "轮")))
