"""Conformal tables by quality: worse windows get wider rows, people weigh once, cells of too few are merged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from known_people import follows, people

from hemoview.estimate.metrics import quality as metrics_quality
from hemoview.estimate.metrics.quality import Heard
from hemoview.estimate.metrics.rows import predictions_of


def hearings(n_subjects: int = 30, seed: int = 1) -> list[Heard]:
    """As recorded (quality 0.95) and once more with windows of every quality, the worse the more wrong."""
    rows = people(n_subjects, 60, step_s=10.0, seed=seed)
    raw = follows(rows)
    rng = np.random.default_rng(seed)
    sqi = rng.uniform(0.7, 1.0, len(rows))
    mean = raw.mean + rng.normal(0, 1, raw.mean.shape) * (40 * (1 - sqi))[:, None]
    worse = predictions_of(mean, mean - 3, mean + 3)
    return [Heard(rows, raw, raw, np.full(len(rows), 0.95)), Heard(rows, worse, worse, sqi)]


def test_worse_windows_get_wider_rows_with_everybody_behind_each() -> None:
    found = metrics_quality.table(hearings(), "SBP")
    cold = [found["cold"], *found["cold_by_quality"]]
    assert [c.get("sqi_min", 0.0) for c in cold] == [0.0, *metrics_quality.QUALITY_EDGES]
    assert cold[0]["q90"] > cold[1]["q90"] > cold[2]["q90"]
    assert {c["n_subjects"] for c in cold} == {30}
    keys = [(row["age_s_max"], row.get("sqi_min", 0.0)) for row in found["personalised"]]
    assert keys == sorted(keys) and {s for _, s in keys} == {0.0, 0.8, 0.9}


def test_too_few_people_in_a_class_are_merged_and_too_few_in_all_give_no_row() -> None:
    code = np.repeat(np.arange(12), 10)
    sqi = np.where((code < 4) & (np.arange(120) % 2 == 0), 0.75, 0.95)
    assert metrics_quality.edges_of(code, sqi) == [0.0]
    sqi = np.where(np.arange(120) % 2 == 0, 0.75, 0.95)
    assert metrics_quality.edges_of(code, sqi) == [0.0, 0.8]
    few = hearings(6)
    assert metrics_quality.table(few, "SBP") == {"cold": None, "cold_by_quality": [], "personalised": []}


def test_rows_the_gate_refuses_are_not_in_the_table() -> None:
    clean, noisy = hearings()
    refused = replace(noisy, rows=replace(noisy.rows, good=noisy.sqi >= 0.9))
    found = metrics_quality.table([clean, refused], "SBP")
    assert found["cold_by_quality"] == [] and found["cold"]["n_subjects"] == 30


def test_tables_by_quality_bring_coverage_where_tables_by_age_alone_lose_it() -> None:
    worst, _, best = metrics_quality.coverage(hearings(), "SBP", 1)
    assert worst["sqi_min"] == 0.0 and worst["n_subjects"] == 30
    assert worst["coverage_by_age"] < 0.85
    assert worst["coverage_by_age_and_quality"] == pytest.approx(0.92, abs=0.03)
    assert worst["width_by_age_and_quality"] > worst["width_by_age"]
    assert best["coverage_by_age_and_quality"] >= 0.9
