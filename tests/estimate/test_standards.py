"""Standards say what the figures are and what is unmet, and never that anything was passed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hemoview.estimate.metrics import standards
from hemoview.estimate.metrics.standards import (
    OUTSIDE,
    UNKNOWN,
    WITHIN,
    Pairs,
    judge,
    largest_sd,
    three_windows,
)


def pairs(
    n_subjects: int, *, bias: float = 0.0, subject_sd: float = 0.0, sd: float = 1.0, n: int = 6, **more: Any
) -> Pairs:
    rng = np.random.default_rng(1)
    code = np.repeat(np.arange(n_subjects), n)
    label = np.repeat(rng.uniform(90, 175, n_subjects), n)
    error = bias + rng.normal(0, subject_sd, n_subjects)[code] + rng.normal(0, sd, len(code))
    given: dict[str, Any] = {
        "sex": (code % 2).astype(float),
        "reference_kinds": ("arterial line",),
        "simulated": False,
    }
    return Pairs("SBP", label, label + error, code, **{**given, **more})


@pytest.mark.parametrize(
    ("mean", "sd"), [(0, 6.95), (0.5, 6.93), (1, 6.87), (2, 6.65), (3, 6.25), (4, 5.64), (5, 4.81)]
)
def test_the_second_criterion_is_the_table_of_methods(mean: float, sd: float) -> None:
    assert largest_sd(mean) == pytest.approx(sd, abs=0.006)
    assert largest_sd(-mean) == pytest.approx(largest_sd(mean))
    assert np.isnan(largest_sd(10.5))


def test_three_windows_of_every_subject_are_chosen_by_place_alone() -> None:
    code = np.repeat([0, 1, 2], [6, 2, 30])
    chosen = np.flatnonzero(three_windows(code))
    assert chosen.tolist() == [1, 3, 5, 6, 7, 13, 23, 33]


def test_good_figures_are_within_numerically_and_what_is_unmet_is_listed() -> None:
    found = judge(pairs(40))
    assert found["iso_81060_2"]["verdict"] == WITHIN
    assert any("85 subjects: 40 here" in line for line in found["iso_81060_2"]["unmet"])
    assert any("255 pairs" in line for line in found["iso_81060_2"]["unmet"])
    assert found["bhs"]["verdict"] == WITHIN and found["ieee_1708"]["verdict"] == WITHIN
    assert found["iso_81060_3"]["verdict"] == UNKNOWN
    said = json.dumps(found).lower()
    assert "pass" not in said and "grade" not in said


def test_enough_people_of_both_sexes_leave_only_what_no_dataset_can_show() -> None:
    unmet = judge(pairs(120, reference_kinds=("arterial-line", "auscultation, two observers")))[
        "iso_81060_2"
    ]["unmet"]
    assert unmet == ["cuff readings by the standard's procedure; arm sizes"]


def test_subjects_that_differ_break_the_second_criterion_alone() -> None:
    found = judge(pairs(100, subject_sd=7.6, sd=0.5))["iso_81060_2"]
    assert found["criterion_1"]["verdict"] == WITHIN
    assert found["criterion_2"]["verdict"] == OUTSIDE and found["verdict"] == OUTSIDE


def test_a_bias_breaks_all() -> None:
    found = judge(pairs(100, bias=11))
    assert {found[name]["verdict"] for name in ("iso_81060_2", "bhs", "ieee_1708")} == {OUTSIDE}
    assert found["iso_81060_2"]["criterion_2"]["limit"] is None


def test_limits_of_the_classes_are_graded_without_a_grade() -> None:
    found = judge(pairs(100, bias=5.5, sd=0.1))
    assert found["ieee_1708"]["limits"] == {
        "A": f"{OUTSIDE} 5 mmHg",
        "B": f"{WITHIN} 6 mmHg",
        "C": f"{WITHIN} 7 mmHg",
    }
    assert found["bhs"]["within_5_10_15_percent"] == [0, 100, 100]
    assert found["bhs"]["limits"]["C"].startswith(OUTSIDE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"simulated": True}, "simulated"),
        ({"reference_kinds": ("Finapres finger cuff",)}, "Finapres finger cuff here"),
        ({"reference_kinds": ("non-invasive monitor",)}, "non-invasive monitor here"),
        ({"reference_kinds": ("arterial-line", "finger cuff")}, "arterial-line, finger cuff here"),
        ({"reference_kinds": ()}, "unknown here"),
        ({"subject_known": False}, "every window counts as its own"),
        ({"sex": np.full(600, np.nan)}, "0 women and 0 men known of 100"),
    ],
)
def test_every_unmet_condition_is_named(change: dict[str, Any], words: str) -> None:
    assert any(words in line for line in judge(pairs(100, **change))["iso_81060_2"]["unmet"])


def test_ranges_that_are_missing_are_named() -> None:
    narrow = pairs(100)
    middle = Pairs(
        "SBP", np.full(600, 120.0), np.full(600, 121.0), narrow.code, narrow.sex, ("cuff",), simulated=False
    )
    unmet = judge(middle)["iso_81060_2"]["unmet"]
    assert sum("of references" in line for line in unmet) == 3


def test_nothing_is_not_computable() -> None:
    nobody = Pairs("DBP", np.empty(0), np.empty(0), np.empty(0, np.int64), np.empty(0), (), simulated=False)
    assert {found["verdict"] for found in judge(nobody).values()} == {UNKNOWN}
    assert judge(pairs(1))["iso_81060_2"]["verdict"] == UNKNOWN
    assert standards.QUOTAS.keys() == {"SBP", "DBP"}
