"""Nobody is on both sides of a split, and nothing leaks across it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.labels import Dataset, Split, make_dataset, make_split, refuse_leaks
from hemoview.labels.datasets.splits import first_duplicate
from recorder.errors import ConfigError


def people(n_subjects: int, rows_each: int = 2, n_samples: int = 640, **rest: Any) -> Dataset:
    n = n_subjects * rows_each
    rng = np.random.default_rng(0)
    waves = np.cumsum(rng.normal(size=(n, n_samples)), axis=1)
    labels = np.full((n, 2), [120.0, 70])
    return make_dataset(waves, n_samples / 10, labels, [f"s{i // rows_each:03d}" for i in range(n)], **rest)


@given(
    st.one_of(st.integers(1, 6), st.integers(1, 40)),
    st.sampled_from([0.0, 0.1, 0.2, 0.5]),
    st.sampled_from([0.0, 0.2, 0.4]),
    st.integers(0, 9),
)
def test_every_subject_is_dealt_once(n: int, test_size: float, val_size: float, seed: int) -> None:
    dataset = people(n, 1, 200)
    wanted = 1 + (test_size > 0) + (val_size > 0)
    if n < wanted:
        with pytest.raises(ConfigError, match="cannot be split into"):
            make_split(dataset, test_size, val_size, seed)
        return
    split = make_split(dataset, test_size, val_size, seed)
    assert sorted((*split.train, *split.val, *split.test)) == dataset.subjects
    assert split.train and bool(split.test) == (test_size > 0) and bool(split.val) == (val_size > 0)
    assert abs(len(split.test) - test_size * n) <= 1 and abs(len(split.val) - val_size * n) <= 1
    assert split == make_split(dataset, test_size, val_size, seed)


def test_one_subject_only_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        ConfigError, match="1 subject cannot be split into 3 parts by subject; use a dataset with more"
    ):
        make_split(people(1, 10))


@pytest.mark.parametrize("sizes", [(0.6, 0.5), (-0.1, 0.2), (1.0, 0.0)])
def test_sizes_that_leave_nobody_are_refused(sizes: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="leave nobody to train on"):
        make_split(people(10), *sizes)


def alike(ages: list[float]) -> Dataset:
    demographics = np.array([[40.0 + i, i % 2, 160 + i, 60 + i] for i in range(10)])
    demographics[:3] = [[age, 1, 180, 80] for age in ages]
    return people(10, 1, demographics=demographics)


def test_people_who_may_be_one_stay_together_whatever_the_seed() -> None:
    for seed in range(30):
        split = make_split(alike([30, 31, 32]), 0.3, 0.3, seed)
        assert any({"s000", "s001", "s002"} <= set(part) for part in (split.train, split.val, split.test))
    parts = [make_split(alike([30, 40, 50]), 0.3, 0.3, seed) for seed in range(30)]
    assert any("s000" in s.train and "s001" in s.test for s in parts), "ages far apart are two people"


def test_one_recording_under_two_names_stays_together() -> None:
    session = np.array(["a", "a", "b", "c", "d", "e"])
    dataset = people(6, 1, extra={"session_id": session})
    for seed in range(20):
        split = make_split(dataset, 0.2, 0.2, seed)
        assert any({"s000", "s001"} <= set(part) for part in (split.train, split.val, split.test))
    with pytest.raises(ConfigError, match="subjects s000, s001, who may be one person or one recording"):
        refuse_leaks(dataset, Split("bad", ("s000", "s002"), (), ("s001", "s003")))


def test_a_split_made_elsewhere_that_parts_one_person_is_refused() -> None:
    with pytest.raises(ConfigError, match="who may be one person"):
        refuse_leaks(alike([30, 31, 50]), Split("bad", ("s000", "s004"), (), ("s001", "s005")))


def test_a_subject_in_two_parts_makes_no_split() -> None:
    with pytest.raises(ConfigError, match="subject a in both train and test; a subject is in one part only"):
        Split("bad", ("a", "b"), (), ("a",))


def test_unknown_subjects_are_named() -> None:
    with pytest.raises(ConfigError, match="split x names subjects p, q, r and 1 more, who are not in"):
        refuse_leaks(people(4), Split("x", ("s000",), (), ("p", "q", "r", "t")))


def test_clean_splits_pass() -> None:
    dataset = people(12, 4)
    assert refuse_leaks(dataset, make_split(dataset)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x,
        lambda x: 3 * x + 100,
        lambda x: x + 0.005 * x.std() * np.random.default_rng(1).normal(size=x.shape),
    ],
    ids=["copied", "scaled", "with a little noise"],
)
def test_a_window_that_turns_up_under_another_subject_is_found(change: Any) -> None:
    dataset = people(12, 4)
    split = make_split(dataset)
    ours, theirs = dataset.rows_of(split.train)[3], dataset.rows_of(split.test)[1]
    waves = dataset.ppg.astype(np.float64)
    waves[theirs] = change(waves[ours])
    leaky = replace(dataset, ppg=waves.astype(np.float32))
    with pytest.raises(
        ConfigError, match=rf"window {ours} .*train.* and window {theirs} .*test.* are nearly the same"
    ):
        refuse_leaks(leaky, split)


def test_overlapping_windows_under_two_names_are_found() -> None:
    """Half of one recording's window is half of another's: a hop of 5 s."""
    dataset = people(12, 4)
    split = make_split(dataset)
    ours, theirs = dataset.rows_of(split.train)[3], dataset.rows_of(split.val)[1]
    waves = dataset.ppg.copy()
    waves[theirs, :320] = waves[ours, 320:]
    with pytest.raises(ConfigError, match="nearly the same"):
        refuse_leaks(replace(dataset, ppg=waves), split)


@pytest.mark.parametrize(("correlation", "same"), [(0.9992, True), (0.9988, False)])
def test_the_limit_is_a_correlation_of_0_999(correlation: float, same: bool) -> None:
    """The quick comparison of block means drops nothing that the full one would find."""
    rng = np.random.default_rng(0)
    for seed in range(20):
        one, other = np.linalg.qr(rng.normal(size=(644, 2)))[0][:640].T
        one, other = one - one.mean(), other - other.mean()
        other -= one * (one @ other) / (one @ one)
        near = correlation * one / one.std() + np.sqrt(1 - correlation**2) * other / other.std()
        waves = [np.float32([w / w.std()]) for w in (one, near)]
        assert (first_duplicate(*waves) is not None) == same, seed


def test_flat_windows_are_no_duplicates() -> None:
    dataset = people(12, 4)
    waves = dataset.ppg.copy()
    waves[::4] = 5.0
    flat = replace(dataset, ppg=waves)
    assert flat.flat.sum() == len(flat) // 4, "the same wave stands in every subject"
    assert refuse_leaks(flat, make_split(flat)) is None


def test_the_hash_is_of_who_is_where() -> None:
    one, same, other = (
        Split("a", ("x", "y"), (), ("z",)),
        Split("b", ("y", "x"), (), ("z",)),
        Split("a", ("x",), (), ("z", "y")),
    )
    assert one.sha256 == same.sha256 != other.sha256
