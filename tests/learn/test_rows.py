"""Where training windows come from, and that no subject is on both sides of a split. No torch here."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.learn import rows, views
from hemoview.learn.cohort import ambiguity, simulate_cohort
from recorder.errors import ConfigError


@given(st.integers(2, 60), st.integers(2, 12), st.integers(0, 5))
def test_folds_share_no_subject_and_leave_none_out(n_subjects: int, n_folds: int, seed: int) -> None:
    subjects = [f"s{i}" for i in range(n_subjects)]
    if n_folds > n_subjects:
        with pytest.raises(ValueError, match="cannot be split"):
            rows.split_subjects(subjects, n_folds, seed)
        return
    folds = rows.split_subjects(subjects * 3, n_folds, seed)
    dealt = [s for fold in folds for s in fold]
    assert sorted(dealt) == sorted(subjects)
    assert max(map(len, folds)) - min(map(len, folds)) <= 1
    assert folds == rows.split_subjects(subjects[::-1], n_folds, seed)


def _beat() -> np.ndarray:
    """120/80 with a mean of 95 from peak to peak."""
    one = np.concatenate((np.linspace(120, 80, 75, endpoint=False), np.linspace(80, 120, 25, endpoint=False)))
    assert one.mean() == pytest.approx(100)
    return np.concatenate((np.linspace(80, 120, 10, endpoint=False), one, one))[:164]


def test_map_is_integrated_over_one_beat() -> None:
    found = rows.mean_pressure(_beat(), np.array([10, 40, 85, 110]), 120.0, 80.0)
    assert found == pytest.approx(100.0, abs=0.5)


@pytest.mark.parametrize(
    "landmarks",
    [[10, 40, 85, 164], [10, 40, 60, 75], [-1, 40, 85, 110], [85, 40, 85, 110]],
    ids=["cut off", "notch taken for a foot", "negative", "no order"],
)
def test_map_of_a_beat_that_cannot_be_trusted_is_unknown(landmarks: list[int]) -> None:
    assert np.isnan(rows.mean_pressure(_beat(), np.array(landmarks), 120.0, 80.0))


def test_a_copied_window_is_found_across_subjects() -> None:
    rng = np.random.default_rng(0)
    ours = rng.normal(size=(20, 320)).astype(np.float32)
    ours = (ours - ours.mean(axis=1, keepdims=True)) / ours.std(axis=1, keepdims=True)
    theirs = ours[::-1].copy()
    assert rows.near_duplicates(ours[:5], ours[5:]) == 0
    assert rows.near_duplicates(ours[:5], theirs) == 5


def test_a_folder_without_the_set_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"bcg_fold1.npz: not a fold of bcg_finapres"):
        rows.read_bcg_finapres(tmp_path)


def test_rows_need_as_many_labels_as_windows() -> None:
    with pytest.raises(ValueError, match="as many labels"):
        rows.Rows(
            np.zeros((2, 320), np.float32),
            64.0,
            np.zeros((3, 4)),
            np.array(["a", "b"]),
            np.zeros(2),
            simulated=False,
        )


def test_real_set_has_the_subjects_and_labels_it_says(real_recordings: Path) -> None:
    real = rows.read_bcg_finapres(real_recordings / "bcg_finapres")
    sbp, mean, dbp, sv = real.labels.T
    assert len(real.subjects) == 23 and len(real) == 1823
    known = np.isfinite(mean)
    assert known.mean() > 0.95 and np.isnan(sv).all()
    assert ((dbp < mean) & (mean < sbp))[known].all()
    assert 0.3 < np.median(((mean - dbp) / (sbp - dbp))[known]) < 0.42
    for name in real.subjects:
        assert (np.diff(real.t_s[real.subject == name]) > 0).all()


def test_cohort_is_the_same_for_the_same_seed_and_too_ambiguous_to_learn_by_heart() -> None:
    one, again = simulate_cohort(12, 5, 60.0), simulate_cohort(12, 5, 60.0)
    assert one.sha256 == again.sha256 and one.rows.content_hash() == again.rows.content_hash()
    assert one.sha256 != simulate_cohort(12, 6, 60.0).sha256
    assert one.rows.simulated and (one.rows.labels[:, 2] < one.rows.labels[:, 1]).all()
    more = simulate_cohort(60, 5, 60.0)
    found = ambiguity(more, views.plain(more.rows.raw, more.rows.rate_hz), n_nearest=10)
    assert found["simulated"] and found["many_to_one_fraction"] > 0.2


def test_wristlike_waves_are_rounder_and_still_the_same_pulse() -> None:
    cohort = simulate_cohort(6, 5, 60.0)
    waves = (cohort.rows.raw, cohort.rows.rate_hz)
    finger, wrist = views.plain(*waves), views.wristlike(*waves, 1)
    assert finger.shape == wrist.shape and np.isfinite(wrist).all()
    steepest = [np.abs(np.diff(x, axis=1)).max(axis=1).mean() for x in (finger, wrist)]
    assert steepest[1] < steepest[0]
    assert np.mean(np.sum(finger * wrist, axis=1) / finger.shape[1]) > 0.5
    assert (views.wristlike(*waves, 1) == wrist).all()
