"""Weights, thinning, calibration plan, shrinkage, conformal quantiles: cases whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_people import SBP, follows, people

from hemoview.estimate.metrics import cross as metrics_cross
from hemoview.estimate.metrics.intervals import (
    aged_q90,
    conformal_q90,
    constant_width,
    coverage_figures,
    cqr_score,
    leave_one_out_q90,
)
from hemoview.estimate.metrics.rows import Rows, plan, rows_of
from hemoview.estimate.metrics.subjects import (
    Spread,
    bootstrap_mean,
    bootstrap_ratio,
    rounded,
    shrinkage,
    subject_means,
    thin,
    times,
    weights,
)


def test_weights_sum_to_one_and_give_every_subject_the_same() -> None:
    code = np.array([0, 0, 0, 2, 2, 5])
    w = weights(code)
    assert w.sum() == pytest.approx(1)
    assert [w[code == c].sum() for c in (0, 2, 5)] == pytest.approx([1 / 3] * 3)
    assert subject_means(code, np.array([1.0, 2, 3, 4, 6, 9])).tolist() == [2, 5, 9]
    assert subject_means(np.empty(0, np.int64), np.empty(0)).size == 0


def test_bootstrap_of_the_mean_is_about_two_standard_errors() -> None:
    each = np.random.default_rng(1).normal(10, 3, 400)
    low, high = bootstrap_mean(each) or (0, 0)
    assert (high - low) / 2 == pytest.approx(1.96 * 3 / 20, rel=0.15)
    assert bootstrap_mean(each[:1]) is None
    assert bootstrap_ratio(each, each) == pytest.approx((1, 1))
    assert bootstrap_ratio(each[:3], np.zeros(3)) is None


def test_overlapping_windows_are_thinned_in_every_subject_apart() -> None:
    code = np.array([0, 0, 0, 0, 1, 1, 1])
    t_s = np.array([0.0, 5, 10, 14, 3, 12, 13])
    assert thin(code, t_s, 10.0).tolist() == [True, False, True, False, True, False, True]


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 300)), min_size=1, max_size=60), st.floats(1, 20))
def test_what_thinning_keeps_never_overlaps_and_what_it_drops_does(
    rows: list[tuple[int, float]], window_s: float
) -> None:
    code, t_s = np.array([c for c, _ in rows]), np.array([t for _, t in rows])
    kept = thin(code, t_s, window_s)
    for number in np.unique(code):
        mine = np.sort(t_s[kept & (code == number)])
        assert (np.diff(mine) >= window_s - 1e-5).all()
        for dropped in t_s[~kept & (code == number)]:
            assert ((dropped - mine >= -1e-6) & (dropped - mine < window_s)).any()


def test_unknown_times_follow_each_other_in_the_order_of_the_rows() -> None:
    code = np.array([0, 1, 0, 1])
    found = times(code, np.array([np.nan, 7.0, np.nan, 9.0]), 5.0)
    assert found.tolist() == [0, 7, 5, 9]


def test_shrinkage_is_the_ratio_of_variances_and_a_removed_subject_is_as_if_never_there() -> None:
    rows = people(300, between=6.0, within=3.0, seed=1)
    residual = rows.labels[:, SBP] - 120
    assert shrinkage(rows.code, residual) == pytest.approx((3 / 6) ** 2, rel=0.25)
    others = rows.code != 7
    assert Spread.of(rows.code, residual).without(7).kappa == pytest.approx(
        shrinkage(rows.code[others], residual[others])
    )
    assert shrinkage(np.zeros(9, np.int64), residual[:9]) is None


def test_calibration_points_and_the_pause_after_them_are_never_scored() -> None:
    rows = people(6, step_s=5.0)  # windows of 10 s every 5 s
    for k in (1, 3, 5):
        found = plan(rows, k)
        assert found.points.sum() == 6 * k
        assert not (found.points & found.scored).any()
        last = max(rows.t_s[found.points])
        assert rows.t_s[found.scored].min() == pytest.approx(last + 10 + 30)
        assert (
            np.isfinite(found.age_s[found.scored]).all() and not np.isfinite(found.age_s[~found.scored]).any()
        )
        assert found.age_s[found.scored].min() == pytest.approx(40)


def test_points_are_the_first_labelled_windows_and_short_subjects_are_counted() -> None:
    rows = people(3, n=12)
    labels = rows.labels.copy()
    labels[:2] = np.nan  # the first two windows of s000
    labels[rows.code == 2, :] = np.nan
    labels[24:26, SBP] = 120  # s002 has two labelled windows
    again = rows_of(rows.subject, labels, 10.0, t_s=rows.t_s)
    found = plan(again, 3)
    assert np.flatnonzero(found.points & (again.code == 0)).tolist() == [2, 3, 4]
    assert not (found.points | found.scored)[again.code == 2].any()
    assert found.n_subjects_short == 1


def test_labels_that_a_model_suggested_are_left_out_and_counted() -> None:
    kinds = np.where(np.arange(120) % 4 == 0, "suggested by lsm2oe-student-1", "finger cuff")
    found = plan(people(3, reference_kind=kinds), 1)
    assert found.n_suggested == 30
    assert not ((found.scored | found.points) & (np.arange(120) % 4 == 0)).any()


def test_fewer_than_nine_subjects_have_no_interval() -> None:
    for n, finite in ((8, False), (9, True)):
        rows = people(n)
        assert np.isfinite(conformal_q90(rows.code, np.abs(rows.labels[:, SBP] - 120))) == finite
        assert np.isfinite(leave_one_out_q90(rows.code, np.abs(rows.labels[:, SBP] - 120))).all() == (n > 9)


def test_leaving_one_out_is_the_quantile_of_the_others() -> None:
    rows = people(12)
    score = np.abs(rows.labels[:, SBP] - 120)
    found, others = leave_one_out_q90(rows.code, score), rows.code != 4
    assert (found[~others] == conformal_q90(rows.code[others], score[others])).all()


def test_nine_of_ten_people_have_three_quarters_inside_though_the_mean_is_reached_without_them() -> None:
    code = np.repeat(np.arange(20), 40)
    score = np.random.default_rng(1).random(800) + 9.0 * ((code < 4) & (np.arange(800) % 5 < 2))
    assert np.mean(score <= 1.0) > 0.9  # four people miss two of five each
    each = [np.mean(score[code == k] <= conformal_q90(code, score)) for k in range(20)]
    assert np.percentile(each, 10) >= 0.75


@given(seed=st.integers(0, 10**6), n=st.integers(9, 30))
def test_the_tenth_percentile_subject_of_those_it_comes_from(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(n), rng.integers(20, 40, n))
    score = rng.standard_normal(len(code)) * np.exp(rng.standard_normal(n))[code]
    q90 = conformal_q90(code, score)
    each = [np.mean(score[code == k] <= q90) for k in range(n)]
    assert sum(share >= 0.75 for share in each) >= int(0.9 * (n - 1) + 1e-9) + 1
    shuffled = rng.permutation(len(code))
    assert conformal_q90(code[shuffled], score[shuffled]) == q90


def test_a_share_of_a_few_rows_is_nobodys() -> None:
    rng = np.random.default_rng(2)
    code, score = np.repeat(np.arange(300), 8), rng.standard_normal(2400)
    assert np.mean(score <= conformal_q90(code, score)) == pytest.approx(0.9, abs=0.005)


def test_ages_have_corrections_of_their_own() -> None:
    rows = people(20, n=40)
    age_s = np.where(np.arange(800) % 2 == 0, 50.0, 800.0)
    score = np.where(age_s < 60, 1.0, 5.0) + np.random.default_rng(0).random(800) * 0.01
    found = aged_q90(rows.code, score, age_s)
    assert found[age_s < 60] == pytest.approx(1, abs=0.02) and found[age_s > 60] == pytest.approx(5, abs=0.02)


def test_a_true_interval_covers_nine_of_ten_and_its_bootstrap_includes_it() -> None:
    rng = np.random.default_rng(3)
    code = np.repeat(np.arange(200), 50)
    label = rng.normal(0, 1, len(code))
    found = coverage_figures(label, np.full_like(label, -1.6449), np.full_like(label, 1.6449), code)
    assert found["coverage_90"] == pytest.approx(0.9, abs=0.006)
    assert found["coverage_90_includes_90"]
    assert found["width_90"] == pytest.approx(3.29, abs=0.01)
    assert found["coverage_90_worst_subject"] <= found["coverage_90_p10_subject"] <= found["coverage_90"]
    assert found["coverage_90_worst_subject_n"] == 50


def test_cross_conformal_covers_nine_of_ten_on_average_whatever_the_model_says() -> None:
    covered = []
    for seed in range(12):
        rows = people(40, seed=seed)
        schedule = plan(rows)
        found = metrics_cross.conformal(rows, follows(rows, half_width=0.1), schedule)
        inside = (rows.labels >= found.q05) & (rows.labels <= found.q95)
        covered.append(inside[:, SBP].mean())
    assert 0.88 < np.mean(covered) < 0.95


def test_a_held_constant_has_the_width_of_its_own_errors() -> None:
    code = np.repeat(np.arange(60), 100)
    label = np.random.default_rng(0).normal(0, 2, len(code))
    width = constant_width(label, np.zeros(len(code)), np.full(len(code), np.nan), code)
    assert width == pytest.approx(2 * 1.645 * 2, rel=0.06)
    few = code < 9
    assert constant_width(label[few], np.zeros(900), np.full(900, np.nan), code[few]) == np.inf


def test_the_score_says_by_how_much_an_interval_missed() -> None:
    low, high = np.zeros(3), np.full(3, 10.0)
    assert cqr_score(np.array([-2.0, 4.0, 13.0]), low, high).tolist() == [2, -4, 3]


def around(rows: Rows, mean: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Median of the model over windows that end 45 s before to 15 s after each row's end."""
    out = np.empty(len(rows))
    for row in range(len(rows)):
        after_s = rows.t_s - rows.t_s[row]
        there = (rows.code == rows.code[row]) & (after_s >= -45) & (after_s <= 15)
        out[row] = np.median(mean[there])
    return out


def test_offsets_follow_the_formula_and_come_from_the_points_alone() -> None:
    rows = people(30, seed=4)
    raw, schedule = follows(rows), plan(rows, 3)
    found = metrics_cross.offsets(rows, raw, schedule)
    gap = rows.labels[:, SBP] - around(rows, raw.mean[:, SBP])
    mine, others = rows.code == 5, rows.code != 5
    kappa = shrinkage(rows.code[others], gap[others])
    assert kappa is not None
    wanted = 3 / (3 + kappa) * gap[mine & schedule.points].mean()
    assert found[mine, SBP] == pytest.approx(wanted)
    later = rows.labels.copy()
    later[mine & ~schedule.points] += 40
    changed = rows_of(rows.subject, later, 10.0, t_s=rows.t_s)
    assert metrics_cross.offsets(changed, raw, schedule)[mine, SBP] == pytest.approx(wanted)
    assert (metrics_cross.offsets(rows, raw, plan(rows, 0)) == 0).all()


def test_shuffling_stays_inside_a_subject_and_among_usable_rows() -> None:
    rows = people(5)
    usable = np.arange(200) % 3 != 0
    order = metrics_cross.permutation(rows, usable)
    assert (rows.code[order] == rows.code).all()
    assert (order[~usable] == np.arange(200)[~usable]).all()
    assert sorted(order.tolist()) == list(range(200)) and (order != np.arange(200)).sum() > 100


def test_rounding_leaves_no_number_that_json_cannot_hold() -> None:
    found = rounded(
        {"a": [np.nan, np.float64(1.23456)], "b": np.bool_(True), "c": (np.inf, 2), "d": "x", "e": None}
    )
    assert found == {"a": [None, 1.2346], "b": True, "c": [None, 2], "d": "x", "e": None}
    assert found["b"] is True
