"""Waves whose rate and height decide the labels, so that there is something to learn in seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hemoview.labels.datasets.dataset import Dataset, make_dataset


def waves_and_labels(n_subjects: int, n_windows: int, seed: int = 0) -> tuple[Any, Any, list[str]]:
    """``(n, 640)`` pulse waves at 64 Hz, ``(n, 10)`` labels that follow their rate, and whose they are."""
    rng = np.random.default_rng(seed)
    n, t_s = n_subjects * n_windows, np.arange(640) / 64
    rate_hz = rng.uniform(0.9, 1.8, n)[:, None]
    second = rng.uniform(0.2, 0.6, (n, 1))
    phase = rng.random((n, 1))
    turns = 2 * np.pi * (rate_hz * t_s + phase)
    ppg = np.sin(turns) + second * np.sin(2 * turns + 1.0) + 0.02 * rng.normal(size=(n, 640))
    sbp = 115 + 12 * (rate_hz[:, 0] - 1.35) / 0.26
    labels = np.full((n, 10), np.nan)
    labels[:, 0], labels[:, 1], labels[:, 2] = sbp, sbp - 28, sbp - 42
    labels[:, 6] = 84 + 60 * (second[:, 0] - 0.4)
    return ppg, labels, [f"p{i:02d}" for i in np.repeat(np.arange(n_subjects), n_windows)]


@pytest.fixture(scope="session")
def people() -> Dataset:
    """24 simulated subjects of 4 windows each."""
    ppg, labels, who = waves_and_labels(24, 4)
    t0_s = np.tile(np.arange(4) * 40.0, 24)
    return make_dataset(
        ppg, 64.0, labels, who, numbers={"t0_s": t0_s}, words={"origin": "simulated"}, name="waves"
    )
