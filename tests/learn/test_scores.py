"""Figures and intervals by subject, against cases whose answer is known."""

import numpy as np
import pytest

from hemoview.learn import evaluation, scores
from hemoview.learn.scores import Held


def _people(n_subjects: int, seed: int, *, between: float = 7.0, within: float = 3.0, n: int = 40) -> Held:
    """Subjects whose level no model knows; the model follows half of what happens inside them."""
    rng = np.random.default_rng(seed)
    subject = np.repeat([f"s{i:03d}" for i in range(n_subjects)], n)
    change = rng.normal(0, within, n_subjects * n)
    label = 120 + np.repeat(rng.normal(0, between, n_subjects), n) + change
    mean = 120 + 0.5 * change
    t_s = np.tile(np.arange(n) * 5.0, n_subjects)
    return Held(subject, t_s, label, mean, mean - 3, mean + 3, np.full(len(label), 120.0))


def test_subjects_weigh_alike_however_many_windows_they_have() -> None:
    held = Held(
        np.array(["a"] * 9 + ["b"]),
        np.arange(10.0),
        np.r_[np.zeros(9), 0.0],
        np.r_[np.zeros(9), 10.0],
        *[np.zeros(10)] * 3,
    )
    assert scores.mae(held, held.mean, np.ones(10, bool)) == pytest.approx(5.0)


def test_shrinkage_finds_the_ratio_of_variances() -> None:
    held = _people(200, 1, between=6.0, within=3.0)
    assert scores.shrinkage(held.subject, held.label - held.prior) == pytest.approx((3 / 6) ** 2, rel=0.25)


def test_fewer_than_nine_subjects_have_no_interval() -> None:
    few, enough = _people(8, 0), _people(9, 0)
    for held, finite in ((few, False), (enough, True)):
        q90 = scores.conformal_q90(held.subject, scores.scores(held, np.zeros(len(held.label))))
        assert np.isfinite(q90) == finite


def test_cross_conformal_covers_nine_of_ten_on_average() -> None:
    covered = []
    for seed in range(20):
        held = _people(23, seed)
        rows, none = np.ones(len(held.label), bool), np.zeros(len(held.label))
        found = scores.coverage(held, rows, none, scores.cross_conformal(held, rows, none))
        covered.append(found["coverage_90"])
    assert 0.88 < np.mean(covered) < 0.96


def test_calibration_points_and_the_pause_after_them_are_never_scored() -> None:
    held = _people(12, 3)
    for k in (1, 3, 5):
        p = scores.personalise(held, k)
        last_s = (k - 1) * 5.0
        assert held.t_s[p.rows].min() > last_s + scores.PAUSE_S
        assert np.nanmin(p.age_s) > scores.PAUSE_S


def test_offset_of_a_subject_does_not_depend_on_its_own_later_labels() -> None:
    held = _people(12, 3)
    later = held.label.copy()
    mine = np.flatnonzero(held.of("s004"))[10:]
    later[mine] += 50
    changed = Held(held.subject, held.t_s, later, held.mean, held.q05, held.q95, held.prior)
    own = scores.personalise(held, 1).offset[mine], scores.personalise(changed, 1).offset[mine]
    assert own[0] == pytest.approx(own[1])


def test_a_wave_that_tells_something_beats_the_shrunk_hold_and_its_shuffled_self_does_not() -> None:
    found = evaluation.calibrated(_people(40, 2), 3)
    assert found["gain_ci95"][0] > 0
    assert found["control_permuted_within_mae"] > found["baseline_shrunk_hold_mae"]
    assert found["baseline_shrunk_hold_mae"] < found["baseline_hold_mae"]


def test_an_estimate_that_is_the_prior_has_no_skill() -> None:
    held = _people(20, 4)
    empty = Held(held.subject, held.t_s, held.label, held.prior, held.prior - 1, held.prior + 1, held.prior)
    found = evaluation.cold(empty, np.full(len(held.label), 70.0))
    assert found["skill"] == 0 and found["r_within"] == 0
    assert found["mae"] == found["baseline_mean_mae"] == found["control_permuted_within_mae"]


def test_card_tables_grow_with_age_where_people_drift() -> None:
    held = _people(30, 5, n=80)
    rng = np.random.default_rng(0)
    drift = np.concatenate([np.cumsum(rng.normal(0, 1.0, 80)) for _ in range(30)])
    drifting = Held(held.subject, held.t_s, held.label + drift, held.mean, held.q05, held.q95, held.prior)
    table = evaluation.conformal_table(drifting)
    widths = [row["q90"] for row in table["personalised"]]
    assert widths == sorted(widths)
    assert all(row["n_subjects"] == 30 for row in table["personalised"])
