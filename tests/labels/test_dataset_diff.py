"""What changed between two versions of a dataset."""

from __future__ import annotations

from typing import Any

import numpy as np

from hemoview.labels import make_dataset
from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.diff import diff
from recorder.schema import PARAMETERS


def small(
    n: int = 6, *, session: str = "s1", sbp: float = 120.0, why: str = "valid", **about: Any
) -> Dataset:
    rng = np.random.default_rng(1)
    labels = np.full((n, 10), np.nan)
    labels[:, 0], labels[:, 1], labels[:, 2] = sbp, 95.0, 80.0
    source = {"session_id": session, "session_sha256": about.pop("sha", "aa"), "alignment": {"version": 1}}
    return make_dataset(
        rng.normal(size=(n, 640)),
        64.0,
        labels,
        ["P-1"] * n,
        numbers={"t0_s": 5.0 * np.arange(n)},
        extra={
            "session_id": np.array([session] * n),
            **{f"label_valid_reason_{p}": np.array([why] * n) for p in PARAMETERS},
        },
        about={"sources": [source], "dropped": {"motion": 3}, "build": {"hop_s": 5.0}, **about},
    )


def test_the_same_is_the_same() -> None:
    found = diff(small(), small())
    assert found.same and not found.relabelled and not found.windows_added
    assert list(found.in_words()) == ["same"]


def test_windows_and_sessions_that_came_and_went() -> None:
    found = diff(small(6), small(8))
    assert found.windows_added == {"s1": 2} and not found.windows_removed and not found.same
    other = diff(small(session="s1"), small(session="s2"))
    assert other.sessions_added == ("s2",) and other.sessions_removed == ("s1",)
    assert other.windows_removed == {"s1": 6} and other.windows_added == {"s2": 6}
    assert other.in_words()["sessions added"] == "1: P-1 s2"


def test_labels_reasons_recordings_and_counts() -> None:
    a = small(software={"hemoview": "0.1.0"})
    b = small(sbp=118.0, why="corrected by AB", sha="bb", dropped={"gap": 1}, software={"hemoview": "0.2.0"})
    found = diff(a, b)
    assert found.relabelled == {"SBP": 6} and found.reasons["SBP"] == {"valid → corrected by AB": 6}
    assert found.sessions_changed == {"s1": ["recording or amendments"]}
    assert found.dropped == {"gap": (0, 1), "motion": (3, 0)}
    assert found.software == {"hemoview": ("0.1.0", "0.2.0")} and not found.options
    assert found.in_words()["sessions changed"] == {"P-1 s1": "recording or amendments"}
    assert found.in_words()["dropped"] == {"gap": "0 → 1", "motion": "3 → 0"}


def test_other_samples_at_the_same_place() -> None:
    a, b = small(), small()
    b.ppg[2] += 1.0
    assert diff(a, b).rewaved == {"s1": 1}
