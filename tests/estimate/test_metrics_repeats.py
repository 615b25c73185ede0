"""Repeats of a cross-validation as one object of the same form."""

from __future__ import annotations

import json

import pytest
from known_people import follows, people

from hemoview.estimate.metrics import figures as metrics
from hemoview.estimate.metrics.repeats import mean_of_repeats


def test_numbers_are_means_the_tenth_percentile_a_median_and_a_truth_holds_only_always() -> None:
    def one(mae: float, p10: float, better: bool, ci: list[float]) -> dict[str, object]:
        figures = {
            "mae": mae,
            "coverage_90_p10_subject": p10,
            "better": better,
            "ci95": ci,
            "n": 7,
            "why": {},
        }
        return {"parameters": {"SBP": figures}, "model": "m", "simulated": False}

    repeats = [one(1, 0.1, True, [0, 1]), one(2, 0.9, True, [1, 2]), one(6, 0.8, False, [2, 6])]
    found = mean_of_repeats(repeats)
    assert found["parameters"]["SBP"] == {
        "mae": 3,
        "coverage_90_p10_subject": 0.8,
        "better": False,
        "ci95": [1, 3],
        "n": 7,
        "why": {},
    }
    assert found["model"] == "m" and found["repeats"] == 3 and found["simulated"] is False


def test_what_one_repeat_could_not_give_is_null() -> None:
    found = mean_of_repeats([{"a": 1.0, "b": [1.0, None]}, {"a": None, "b": [3.0, 2.0]}])
    assert found == {"a": None, "b": [2.0, None], "repeats": 2}


def test_whole_evaluations_keep_their_form() -> None:
    rows = people(12)
    repeats = [metrics.evaluate(metrics.judge_out_of_fold(rows, follows(rows, seed=s), k=1)) for s in (1, 2)]
    found = mean_of_repeats(repeats)
    json.dumps(found, allow_nan=False)
    maes = [r["parameters"]["SBP"]["mae"] for r in repeats]
    assert found["parameters"]["SBP"]["mae"] == pytest.approx(sum(maes) / 2, abs=1e-4)
    assert set(found["parameters"]["SBP"]) == set(repeats[0]["parameters"]["SBP"])
    assert found["parameters"]["CO"]["mae"] is None and found["parameters"]["CO"]["why"]["mae"]
