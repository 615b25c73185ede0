"""The whole evaluation of arrays: baselines, calibrated mode, control, abstention, nulls with their reasons."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_people import DBP, HR, MAP, SBP, follows, knows_nothing, own_means, people

from hemoview.estimate.metrics import anchors as metrics_anchors
from hemoview.estimate.metrics import baselines as metrics_baselines
from hemoview.estimate.metrics import cross as metrics_cross
from hemoview.estimate.metrics import derived as metrics_derived
from hemoview.estimate.metrics import figures as metrics
from hemoview.estimate.metrics.rows import Predictions, Rows, plan, predictions_of, rows_of
from hemoview.estimate.metrics.subjects import shrinkage
from recorder.schema import PARAMETERS, body_surface_m2


def evaluated(rows: Rows, raw: Predictions, k: int = 0, **more: Any) -> dict[str, Any]:
    found = metrics_cross.personalised(rows, raw, plan(rows, k))
    return metrics.evaluate(metrics.judge(rows, found, k=k, **more))


def test_every_field_of_the_contract_is_there_for_every_parameter_and_a_null_has_a_reason() -> None:
    rows = people()
    for k in (0, 3):
        found = evaluated(rows, follows(rows), k)
        json.loads(json.dumps(found, allow_nan=False))
        assert tuple(found["parameters"]) == PARAMETERS
        for parameter, one in found["parameters"].items():
            assert set(metrics.FIELDS) <= set(one), parameter
            assert all(name in one["why"] for name in metrics.FIELDS if one[name] is None), parameter
        assert found["parameters"]["CO"]["why"]["mae"] == "no labelled window to be scored"
        assert found["simulated"] is False


def test_a_parameter_that_comes_after_the_calibration_points_says_why_it_is_not_scored() -> None:
    rows = people()
    labels = rows.labels.copy()
    late = np.concatenate([np.arange(20, 40) + 40 * n for n in range(len(rows.names))])
    labels[late, PARAMETERS.index("CO")] = 5.0
    found = evaluated(replace(rows, labels=labels), follows(rows), 3)["parameters"]["CO"]
    assert found["n_windows"] == 0 and "in a calibration point" in found["why"]["mae"]


def test_without_calibration_a_model_that_follows_changes_is_a_little_better_than_the_mean() -> None:
    one = evaluated(people(60), follows(people(60)))["parameters"]["SBP"]
    assert one["mae"] < one["baseline_mean_mae"] and one["gain_over_mean_better"]
    assert one["baseline_hold_mae"] is None and "calibration" in one["why"]["baseline_hold_mae"]
    assert one["baseline_subject_mean_oracle_mae"] == pytest.approx(4 * np.sqrt(2 / np.pi), rel=0.05)
    assert one["control_permuted_mae"] > one["baseline_mean_mae"]
    assert abs(one["control_permuted_r_within"]) < 0.05 and one["r_within"] > 0.95


def test_calibrated_a_wave_that_tells_something_beats_the_shrunk_hold_and_its_shuffled_self_does_not() -> (
    None
):
    rows = people(60, seed=3)
    one = evaluated(rows, follows(rows), 3)["parameters"]["SBP"]
    assert one["gain_over_shrunk_hold_ci95"][0] > 0 and one["gain_over_shrunk_hold_better"]
    assert one["baseline_shrunk_hold_mae"] < one["baseline_hold_mae"]
    assert not one["control_permuted_gain_better"]
    assert one["no_worse"] and one["gain_over_shrunk_hold_subjects_made_worse"] < 0.1
    assert one["moved_mae"] < one["moved_baseline_shrunk_hold_mae"] and one["n_windows_moved"] > 50
    assert one["width_90"] < one["width_90_conformal_shrunk_hold"]
    assert 0.85 < one["coverage_90"] < 0.96


def test_noise_shows_no_gain_in_either_mode() -> None:
    rows = people(60, seed=4)
    for k, best in ((0, "mean"), (3, "shrunk_hold")):
        one = evaluated(rows, knows_nothing(rows), k)["parameters"]["SBP"]
        assert not one[f"gain_over_{best}_better"]
        assert not one["control_permuted_gain_better"]
        assert one["skill"] < 0.05 or k


def test_the_shrunk_hold_is_the_formula() -> None:
    rows = people(25, seed=2)
    schedule = plan(rows, 2)
    found = metrics_baselines.values(rows, "SBP", schedule, metrics_baselines.fit(rows, "SBP", schedule))  # type: ignore[arg-type]
    label, mean = rows.labels[:, SBP], rows.labels[:, SBP].mean()
    kappa = shrinkage(rows.code, label - mean)
    points = label[schedule.points & (rows.code == 7)]
    wanted = mean + 2 / (2 + kappa) * (points - mean).mean()  # type: ignore[operator]
    assert found["shrunk_hold"][rows.code == 7] == pytest.approx(wanted)
    assert metrics_baselines.held(rows, label, schedule)[rows.code == 7] == pytest.approx(points.mean())


def test_baselines_of_a_subject_never_see_that_subject() -> None:
    rows = people(10)
    labels = rows.labels.copy()
    labels[rows.code == 3] += 500
    changed = replace_labels(rows, labels)
    for k in (0, 2):
        schedule = plan(rows, k)
        before = metrics_baselines.all_values(rows, schedule, None, None)
        after = metrics_baselines.all_values(changed, schedule, None, None)
        assert after["mean"][rows.code == 3, SBP] == pytest.approx(before["mean"][rows.code == 3, SBP])
        assert (after["mean"][rows.code == 2, SBP] > before["mean"][rows.code == 2, SBP] + 40).all()


def replace_labels(rows: Rows, labels: np.ndarray[Any, Any]) -> Rows:
    return rows_of(
        rows.subject,
        labels,
        rows.window_s,
        t_s=rows.t_s,
        hr_per_min=rows.hr_per_min,
        demographics=rows.demographics,
    )


def test_training_subjects_give_the_baselines_where_they_are_at_hand() -> None:
    rows, training = people(10), people(40, seed=8)
    labels = training.labels.copy()
    labels[:, SBP] += 30
    found = evaluated(rows, follows(rows), training=replace_labels(training, labels))
    assert found["parameters"]["SBP"]["baseline_mean_mae"] == pytest.approx(30, abs=5)
    stated = np.full(10, np.nan)
    stated[SBP] = 50.0
    found = evaluated(rows, follows(rows), prior_mean=stated)["parameters"]
    assert found["SBP"]["baseline_mean_mae"] == pytest.approx(70, abs=6)
    assert found["DBP"]["baseline_mean_mae"] < 10


def test_ridges_find_what_heart_rate_and_people_tell() -> None:
    rng = np.random.default_rng(0)
    n_subjects, n = 80, 10
    age = np.repeat(rng.uniform(20, 80, n_subjects), n)
    hr = rng.normal(70, 10, len(age))
    people_ = np.column_stack(
        (age, np.repeat(rng.integers(0, 2, n_subjects), n), *[np.full(len(age), np.nan)] * 2)
    )
    labels = np.full((len(age), 10), np.nan)
    labels[:, SBP] = 100 + 0.5 * (age - 50) + 0.4 * (hr - 70) + rng.normal(0, 1, len(age))
    subject = np.repeat([f"s{i:02d}" for i in range(n_subjects)], n)
    rows = rows_of(subject, labels, 10.0, hr_per_min=hr, demographics=people_)
    one = evaluated(rows, predictions_of(labels + 1.0))["parameters"]["SBP"]
    assert one["baseline_demographics_hr_ridge_mae"] < 1.5
    assert (
        one["baseline_demographics_hr_ridge_mae"]
        < one["baseline_demographics_ridge_mae"]
        < one["baseline_mean_mae"]
    )
    assert one["baseline_hr_ridge_mae"] < one["baseline_mean_mae"]


def test_a_drift_with_time_alone_is_found_by_the_trend_and_shown_beside_the_model() -> None:
    rows = people(40, within=0.5)
    labels = rows.labels.copy()
    labels[:, SBP] += 0.05 * rows.t_s
    drifting = replace_labels(rows, labels)
    one = evaluated(drifting, follows(drifting), 2)["parameters"]["SBP"]
    assert one["baseline_time_trend_mae"] < 0.25 * one["baseline_shrunk_hold_mae"]


def test_what_abstains_is_counted_and_baselines_stand_on_the_rows_that_do_not() -> None:
    rows = people(20)
    raw = follows(rows)
    silent = np.arange(len(rows)) % 4 == 0
    mean = raw.mean.copy()
    mean[silent] = np.nan
    gaps = Predictions(mean, raw.q05, raw.q95, np.where(np.tile(silent[:, None], 10), "motion", ""))
    judged = metrics.judge(rows, gaps, before=raw)
    one = metrics.evaluate(judged)["parameters"]["SBP"]
    assert one["abstained_fraction"] == pytest.approx(0.25) and one["abstained_reasons"] == {"motion": 200}
    assert one["n_windows"] == 600 and one["n_windows_before_abstention"] == 800
    given_ = judged.given("SBP")
    wanted = [
        np.abs(
            judged.baselines["mean"][given_ & (rows.code == c), SBP]
            - rows.labels[given_ & (rows.code == c), SBP]
        ).mean()
        for c in range(20)
    ]
    assert one["baseline_mean_mae"] == pytest.approx(np.mean(wanted), abs=1e-3)


def test_a_model_that_always_abstains_has_no_figures_but_a_reason() -> None:
    rows = people(12)
    found = metrics.evaluate(metrics.judge(rows, metrics_derived.empty(len(rows), "no-real-reference")))
    one = found["parameters"]["SBP"]
    assert one["mae"] is None and one["abstained_fraction"] == 1
    assert "no-real-reference" in one["why"]["mae"]
    assert found["standards"]["SBP"]["iso_81060_2"]["verdict"] == "not computable"


def test_one_subject_alone_has_an_error_and_no_interval() -> None:
    rows = people(1)
    for k in (0, 2):
        one = evaluated(rows, follows(rows), k)["parameters"]["SBP"]
        assert one["mae"] > 0 and one["ci95"] is None and one["coverage_90"] is None
        assert one["baseline_mean_mae"] is None and one["why"]["baseline_mean_mae"]
        assert "nine" in one["why"]["coverage_90"]
        assert (one["baseline_hold_mae"] is not None) == (k > 0)


def test_subjects_that_are_not_known_each_count_alone() -> None:
    base = people(4)
    rows = rows_of(
        np.array([f"row-{i:04d}" for i in range(160)]),
        base.labels,
        10.0,
        subject_known=False,
        reference_kind="cuff",
    )
    found = evaluated(rows, follows(base))
    assert found["parameters"]["SBP"]["n_subjects"] == 160
    assert found["protocol"]["subject_known"] is False
    assert any("own" in line for line in found["standards"]["SBP"]["iso_81060_2"]["unmet"])
    assert evaluated(rows, follows(base), 1)["parameters"]["SBP"]["n_windows"] == 0


def test_overlapping_windows_count_once() -> None:
    rows = people(10, step_s=5.0)
    found = evaluated(rows, follows(rows))
    assert found["protocol"]["n_windows_overlapping_left_out"] == 200
    assert found["parameters"]["SBP"]["n_windows"] == 200


def test_kinds_of_reference_and_subgroups_stand_apart() -> None:
    kinds = np.repeat(np.where(np.arange(30) < 26, "finger cuff", "arterial line"), 40)
    demographics = np.full((1200, 4), np.nan)
    demographics[:, 1] = np.repeat(np.arange(30) % 2, 40)
    demographics[:, 0] = np.repeat(np.where(np.arange(30) < 27, 30, 70), 40)
    rows = people(reference_kind=kinds, demographics=demographics)
    found = evaluated(rows, follows(rows))
    assert set(found["by_reference_kind"]) == {"finger cuff", "arterial line"}
    assert found["by_reference_kind"]["arterial line"]["SBP"]["n_subjects"] == 4
    groups = found["subgroups"]
    assert groups["sex"]["women"]["SBP"]["n_subjects"] == 15
    assert groups["age_years"]["65 and more"] == "too few"
    assert groups["sbp_tertile_of_subjects"]["middle"]["SBP"]["n_subjects"] == 10
    assert groups["rhythm_seen_in_the_pulse_wave"]["irregular"] == "too few"


def test_identities_hold_to_the_last_digit_in_what_is_derived_and_a_broken_one_is_seen() -> None:
    rng = np.random.default_rng(0)
    labels = np.column_stack(
        [
            rng.uniform(a, b, 50)
            for a, b in ((110, 130), (85, 95), (60, 75), (60, 90), *[(1, 2)] * 2, (60, 90), *[(1, 2)] * 3)
        ]
    )
    demographics = np.tile([40.0, 1, 178, 75], (50, 1))
    rows = rows_of(
        np.repeat(["a", "b"], 25), labels, 10.0, demographics=demographics, cvp_mmhg=np.full(50, 6.0)
    )
    found = metrics_derived.derive(predictions_of(labels, labels - 1, labels + 1), rows)
    co, bsa = found.mean[:, PARAMETERS.index("CO")], body_surface_m2(np.array([178.0]), np.array([75.0]))[0]
    assert co == pytest.approx(labels[:, 3] * labels[:, 6] / 1000)
    assert found.mean[:, PARAMETERS.index("SVRI")] == pytest.approx(80 * (labels[:, MAP] - 6) / co * bsa)
    assert (found.q05 <= found.mean).all() and (found.mean <= found.q95).all()
    residuals = metrics.evaluate(metrics.judge(rows, found))["identity_residuals"]
    assert all(residuals["estimate"][name]["largest"] == 0 for name in ("CO", "CI", "SI", "SVR", "SVRI"))
    assert residuals["reference"]["CO"]["largest"] > 0.1
    assert residuals["estimate"]["order"] == {"violations": 0, "n": 50}
    wrong = replace(found, mean=found.mean.copy())
    wrong.mean[3, DBP] = 200
    assert (
        metrics.evaluate(metrics.judge(rows, wrong))["identity_residuals"]["estimate"]["order"]["violations"]
        == 1
    )


def test_without_height_and_weight_what_needs_them_abstains() -> None:
    rows = people(2)
    full = np.full(rows.labels.shape, 80.0)
    found = metrics_derived.derive(predictions_of(full), rows)
    for name in ("CI", "SI", "SVRI"):
        assert (found.reason[:, PARAMETERS.index(name)] == "needs-height-weight").all()
        assert np.isnan(found.mean[:, PARAMETERS.index(name)]).all()
    silent = metrics_derived.silenced(predictions_of(full), ["motion", *[None] * (len(rows) - 1)])
    assert (metrics_derived.derive(silent, rows).reason[0] == "motion").all()


def test_simulated_rows_say_so() -> None:
    rows = people(12, origin=np.where(np.arange(480) == 0, "simulated", "recorded"))
    found = evaluated(rows, follows(rows))
    assert found["simulated"] is True
    assert "people: these are simulated" in found["standards"]["SBP"]["bhs"]["unmet"]


def test_the_same_rows_give_the_same_figures_in_any_order() -> None:
    rows, raw = people(15), follows(people(15))
    order = np.random.default_rng(0).permutation(len(rows))
    one = evaluated(rows, raw, 2)["parameters"]["SBP"]
    other = evaluated(rows.take(order), raw.take(order), 2)["parameters"]["SBP"]
    for name in ("mae", "baseline_shrunk_hold_mae", "coverage_90", "width_90", "n_windows", "ci95"):
        assert one[name] == pytest.approx(other[name], abs=1e-3), name


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.integers(1, 5), st.floats(0, 1), st.integers(0, 2))
def test_missing_labels_and_values_in_any_pattern_never_become_a_silent_number(
    seed: int, n_subjects: int, missing: float, k: int
) -> None:
    rng = np.random.default_rng(seed)
    n = n_subjects * 12
    labels = rng.uniform(50, 150, (n, 10))
    labels[rng.random((n, 10)) < missing] = np.nan
    mean = rng.uniform(50, 150, (n, 10))
    mean[rng.random((n, 10)) < missing] = np.nan
    rows = rows_of(np.repeat([f"s{i}" for i in range(n_subjects)], 12), labels, 10.0)
    found = evaluated(rows, predictions_of(mean), k)
    json.dumps(found, allow_nan=False)
    for parameter, one in found["parameters"].items():
        column = PARAMETERS.index(parameter)
        assert one["n_windows"] <= (np.isfinite(labels[:, column]) & np.isfinite(mean[:, column])).sum()
        assert (one["mae"] is None) == (one["n_windows"] == 0)
        assert all(name in one["why"] for name in metrics.FIELDS if one[name] is None)


def test_arrays_that_do_not_fit_are_refused() -> None:
    rows = people(3)
    with pytest.raises(ValueError, match="120 rows"):
        metrics.judge(rows, follows(people(2)))
    with pytest.raises(ValueError, match="labels has shape"):
        rows_of(rows.subject, rows.labels[:, :4], 10.0)
    with pytest.raises(ValueError, match="q05 has shape"):
        predictions_of(np.zeros((3, 10)), np.zeros((2, 10)))


def test_own_mean_is_nobody_elses() -> None:
    rows = people(5)
    found = metrics_baselines.own_mean(rows.labels[:, SBP], rows.code, np.ones(len(rows), bool))
    assert found == pytest.approx(own_means(rows))


def test_out_of_fold_the_control_is_shuffled_before_it_is_calibrated() -> None:
    rows = people(50, seed=3)
    raw = follows(rows)
    found = metrics.evaluate(metrics.judge_out_of_fold(rows, raw, k=3))["parameters"]["SBP"]
    plain = evaluated(rows, raw, 3)["parameters"]["SBP"]
    assert found["mae"] == plain["mae"] and found["coverage_90"] == plain["coverage_90"]
    assert found["control_permuted_mae"] != plain["control_permuted_mae"]
    assert found["control_permuted_mae"] > found["baseline_shrunk_hold_mae"]
    assert not found["control_permuted_gain_better"]


def test_a_cards_tables_are_those_of_everybody_and_grow_where_people_drift() -> None:
    rows = people(30, n=80, step_s=10.0)
    rng = np.random.default_rng(0)
    labels = rows.labels.copy()
    labels[:, SBP] += np.concatenate([np.cumsum(rng.normal(0, 1.2, 80)) for _ in range(30)])
    drifting, raw = replace_labels(rows, labels), follows(rows)
    found = metrics_cross.card_table(drifting, raw, "SBP")
    gap = metrics_anchors.gaps(len(rows), metrics_cross.compared(drifting, raw, plan(drifting)))
    residual = gap[:, SBP]
    assert found["kappa"] == pytest.approx(shrinkage(rows.code, residual), rel=1e-3)
    widths = [row["q90"] for row in found["conformal"]["personalised"]]
    assert widths == sorted(widths) and found["conformal"]["cold"]["n_subjects"] == 30
    assert [row["age_s_max"] for row in found["conformal"]["personalised"]] == [60, 180, 390, 900]
    few = metrics_cross.card_table(drifting.take(drifting.code < 8), raw.take(drifting.code < 8), "SBP")
    assert few["conformal"] == {"cold": None, "personalised": []}


def test_heart_rate_in_an_irregular_rhythm_stands_apart() -> None:
    rows = people(3, rhythm=np.where(np.arange(120) % 4 == 0, "irregular", "regular"))
    labels = rows.labels.copy()
    labels[:, HR] = 70.0
    again = rows_of(rows.subject, labels, 10.0, t_s=rows.t_s, rhythm=rows.rhythm)
    mean = np.full(labels.shape, np.nan)
    mean[:, HR] = np.where(rows.rhythm == "irregular", 76.0, 71.0)
    found = metrics.evaluate(metrics.judge(again, predictions_of(mean)))["parameters"]["HR"]["by_rhythm"]
    assert found["regular"]["mae"] == 1 and found["irregular"]["mae"] == 6
    assert found["irregular"]["n_windows"] == 30


def test_with_few_test_subjects_the_width_of_a_constant_comes_from_the_training_subjects() -> None:
    few, training = people(5, seed=7), people(60, seed=8)
    for k, best in ((0, "mean"), (2, "shrunk_hold")):
        raw = follows(few)
        alone = evaluated(few, raw, k)["parameters"]["SBP"]
        taught = evaluated(few, raw, k, training=training)["parameters"]["SBP"]
        many = evaluated(training, follows(training), k)["parameters"]["SBP"]
        name = f"width_90_conformal_{best}"
        assert alone[name] is None and alone["why"][name]
        assert taught[name] == pytest.approx(many[name], rel=0.05)
