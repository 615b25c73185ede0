"""Limits of agreement against variance components that are known, and trending."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.estimate.metrics.agreement import (
    bland_altman,
    percentage_error,
    steps,
    trending,
    variance_components,
)
from hemoview.estimate.metrics.error import error_figures, gain_figures, skill_figures, skill_ratio, within_r


def repeated(n_subjects: int, *, between: float, within: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Differences of subjects with 2 to 60 rows each."""
    rng = np.random.default_rng(seed)
    n = rng.integers(2, 61, n_subjects)
    code = np.repeat(np.arange(n_subjects), n)
    return rng.normal(0, between, n_subjects)[code] + rng.normal(0, within, len(code)) + 2.0, code


def test_variance_components_are_found_though_subjects_have_unequal_numbers() -> None:
    found = [variance_components(*repeated(80, between=5.0, within=3.0, seed=s)) for s in range(30)]
    within, between = np.mean(found, axis=0)
    assert within == pytest.approx(9, rel=0.05) and between == pytest.approx(25, rel=0.08)


def test_a_few_long_subjects_among_short_ones_do_not_shrink_the_variance_between() -> None:
    code = np.repeat(np.arange(6), [5, 5, 5, 5, 60, 60])
    rng = np.random.default_rng(0)
    found = [
        variance_components(rng.normal(0, 5, 6)[code] + rng.normal(0, 1, len(code)), code)[1]
        for _ in range(1500)
    ]
    assert np.mean(found) == pytest.approx(25, rel=0.08)


def test_limits_are_those_of_the_total_deviation_and_its_bootstrap_covers_the_truth() -> None:
    covered = 0
    for seed in range(20):
        difference, code = repeated(60, between=5.0, within=3.0, seed=seed)
        label = np.random.default_rng(seed).normal(120, 15, len(code))
        found = bland_altman(label, label + difference, code)
        truth = 2.0 + 1.96 * np.sqrt(34)
        covered += found["upper_limit_ci95"][0] <= truth <= found["upper_limit_ci95"][1]
        assert found["limits"][1] - found["bias"] == pytest.approx(1.96 * found["sd"])
        assert found["sd"] ** 2 == pytest.approx(found["sd_within"] ** 2 + found["sd_between"] ** 2)
    assert covered >= 15


def test_no_difference_between_subjects_is_no_variance_and_not_a_negative_one() -> None:
    code = np.repeat(np.arange(30), 10)
    difference = np.tile(np.arange(10.0), 30)  # every subject has the very same differences
    within, between = variance_components(difference, code)
    assert between == 0 and within == pytest.approx(np.var(np.arange(10.0), ddof=1))


def test_one_subject_or_one_row_each_has_no_limits() -> None:
    assert "why" in bland_altman(np.arange(9.0), np.arange(9.0), np.zeros(9, np.int64))
    assert "why" in bland_altman(np.arange(9.0), np.arange(9.0), np.arange(9))


def test_a_proportional_bias_is_its_slope() -> None:
    code = np.repeat(np.arange(40), 25)
    label = np.random.default_rng(0).normal(120, 12, 1000)
    found = bland_altman(label, 1.2 * label - 20, code)
    # estimate − reference = 0.2·reference − 20, average = 1.1·reference − 10
    assert found["proportional_bias_slope"] == pytest.approx(0.2 / 1.1)
    assert found["proportional_bias_slope_ci95"] == pytest.approx((0.2 / 1.1,) * 2)
    flat = bland_altman(np.full(1000, 90.0), np.full(1000, 91.0), code)
    assert np.isnan(flat["proportional_bias_slope"])


def test_percentage_error_is_that_of_critchley() -> None:
    assert percentage_error(np.full(10, 5.0), np.repeat([0, 1], 5), 1.0) == pytest.approx(39.2)


def test_changes_are_a_minute_apart_and_small_ones_left_out() -> None:
    code, t_s = np.repeat([0, 1], 61), np.tile(np.arange(61) * 10.0, 2)
    first, second = steps(code, t_s)
    assert len(first) == 20 and (code[first] == code[second]).all()
    assert (t_s[second] - t_s[first] == 60).all()
    label = np.where(np.arange(122) % 12 < 6, 100.0, 120.0)  # every minute up or down by 20
    found = trending("SBP", label, 0.1 * label, t_s=t_s, code=code)
    assert found["concordance"] == 100 and found["n_changes"] == 20
    assert trending("SBP", label, -label, t_s=t_s, code=code)["concordance"] == 0
    still = trending("SBP", 100 + 0.1 * label, label, t_s=t_s, code=code)
    assert still["n_changes"] == 0 and still["n_changes_excluded"] == 20 and np.isnan(still["concordance"])


def test_errors_by_hand() -> None:
    label, estimate = np.array([100.0, 110, 120, 100]), np.array([102.0, 106, 126, 120])
    found = error_figures(label, estimate, np.array([0, 0, 0, 1]))
    assert found["mae"] == pytest.approx((4 + 20) / 2) and found["mae_pooled"] == pytest.approx(8)
    assert found["me"] == pytest.approx((4 / 3 + 20) / 2) and found["me_pooled"] == pytest.approx(6)
    assert found["cpe5"] == pytest.approx(100 * (2 / 3) / 2) and found["cpe5_pooled"] == pytest.approx(50)
    assert found["sd_pooled"] == pytest.approx(np.std([2, -4, 6, 20], ddof=1))
    assert found["rmse_pooled"] == pytest.approx(np.sqrt(114))
    assert found["r2_pooled"] == pytest.approx(1 - 456 / np.sum((label - 107.5) ** 2))
    assert found["mape_pooled"] == pytest.approx(np.mean([2, 400 / 110, 5, 20]))
    assert found["r_within"] == pytest.approx(np.corrcoef(label[:3], estimate[:3])[0, 1])


def test_an_estimate_that_never_moves_correlates_with_nothing() -> None:
    label, code = np.array([1.0, 2, 3, 4, 5, 6]), np.array([0, 0, 0, 1, 1, 1])
    assert within_r(label, np.full(6, 3.0), code) == 0
    assert np.isnan(within_r(np.full(6, 3.0), label, code))


def test_a_ratio_of_skills_is_quoted_only_where_the_other_skill_is_sure() -> None:
    rng = np.random.default_rng(0)
    mean = rng.uniform(8, 12, 50)
    sure, unsure = skill_figures(0.6 * mean, mean), skill_figures(mean * rng.normal(0.99, 0.2, 50), mean)
    assert sure["skill"] == pytest.approx(0.4) and sure["skill_above_zero"]
    assert not unsure["skill_above_zero"]
    assert skill_ratio(sure, sure) == pytest.approx(1) and skill_ratio(sure, unsure) is None


def test_a_gain_is_paired_by_subject() -> None:
    base = np.random.default_rng(0).uniform(3, 30, 40)
    found = gain_figures(base - 0.5, base)
    assert found["gain"] == pytest.approx(0.5) and found["gain_ci95"] == pytest.approx((0.5, 0.5))
    assert found["gain_better"] and found["gain_subjects_made_worse"] == 0
    assert gain_figures(base + 0.5, base)["gain_subjects_made_worse"] == 1


@given(st.integers(1, 40), st.integers(0, 2**31))
def test_a_constant_error_is_all_bias(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    code, label = rng.integers(0, 5, n), rng.uniform(60, 180, n)
    found = error_figures(label, label - 7, code)
    assert found["mae"] == pytest.approx(7) and found["me"] == pytest.approx(-7)
    assert found["sd"] == pytest.approx(0, abs=1e-6) or np.isnan(found["sd"])
    assert found["cpe5"] == 0 and found["cpe10"] == pytest.approx(100)
