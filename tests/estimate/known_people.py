"""Synthetic people whose figures are known beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np

from hemoview.estimate.metrics.rows import Predictions, Rows, predictions_of, rows_of
from recorder.schema import PARAMETERS

SBP, MAP, DBP, HR = 0, 1, 2, 3


def people(
    n_subjects: int = 30,
    n: int = 40,
    *,
    between: float = 8.0,
    within: float = 4.0,
    seed: int = 0,
    step_s: float = 10.0,
    **more: Any,
) -> Rows:
    """Subjects with a level of their own and windows that move around it; SBP, MAP and DBP labelled."""
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.normal(0, between, n_subjects), n)
    change = rng.normal(0, within, n_subjects * n)
    labels = np.full((n_subjects * n, len(PARAMETERS)), np.nan)
    labels[:, SBP] = 120 + level + change
    labels[:, DBP] = 75 + 0.5 * (level + change)
    labels[:, MAP] = labels[:, DBP] + 0.38 * (labels[:, SBP] - labels[:, DBP])
    subject = np.repeat([f"s{i:03d}" for i in range(n_subjects)], n)
    given: dict[str, Any] = {
        "t_s": np.tile(np.arange(n) * step_s, n_subjects),
        "reference_kind": "finger cuff",
    }
    return rows_of(subject, labels, 10.0, **{**given, **more})


def own_means(rows: Rows, column: int = SBP) -> np.ndarray[Any, Any]:
    """Each row's subject's mean label."""
    label = rows.labels[:, column]
    return np.array([label[rows.code == c].mean() for c in rows.code])


def follows(rows: Rows, part: float = 0.5, half_width: float = 3.0, seed: int = 9) -> Predictions:
    """A model that knows nobody's level and follows ``part`` of what happens inside a subject, with a little noise."""
    mean = np.full(rows.labels.shape, np.nan)
    rng = np.random.default_rng(seed)
    for column, centre in ((SBP, 120.0), (MAP, 92.0), (DBP, 75.0)):
        change = rows.labels[:, column] - own_means(rows, column)
        mean[:, column] = centre + part * change + rng.normal(0, 0.1, len(rows))
    return predictions_of(mean, mean - half_width, mean + half_width)


def knows_nothing(rows: Rows, seed: int = 5) -> Predictions:
    """Noise around the cohort's mean."""
    mean = np.full(rows.labels.shape, np.nan)
    mean[:, SBP] = 120 + np.random.default_rng(seed).normal(0, 2, len(rows))
    return predictions_of(mean, mean - 3, mean + 3)
