"""Error of one parameter: ``error = estimate − reference``, subjects weighing alike, each figure with a pooled twin."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from hemoview.estimate.metrics.subjects import (
    F64,
    Codes,
    bootstrap_mean,
    bootstrap_ratio,
    subject_means,
    weights,
)

LEAST_ROWS_WITHIN: Final = 3
"""Fewer rows of a subject have no correlation."""
CPE_LIMITS: Final = (5.0, 10.0, 15.0)


def error_figures(label: F64, estimate: F64, code: Codes, seed: int = 0) -> dict[str, Any]:
    """``mae, me, sd, rmse, mape, r2, cpe5, cpe10, cpe15, ci95`` (of ``mae``), their ``_pooled`` twins and ``r_within``.

    Args:
        label, estimate: ``(n,)`` finite, n ≥ 1, in the parameter's unit.
        code: ``(n,)`` subject numbers.
        seed: of the bootstrap.

    Returns:
        figures; ``cpe…`` and ``mape`` in percent, NaN where a figure is not defined for these rows.
    """
    by_subject, alike = weights(code), np.full(len(label), 1.0 / len(label))
    return {
        **_weighted(label, estimate, by_subject),
        **{f"{name}_pooled": value for name, value in _weighted(label, estimate, alike).items()},
        "ci95": bootstrap_mean(subject_means(code, np.abs(estimate - label)), seed),
        "r_within": within_r(label, estimate, code),
    }


def _weighted(label: F64, estimate: F64, w: F64) -> dict[str, float]:
    error = estimate - label
    size = np.abs(error)
    me, mean_label = float(w @ error), float(w @ label)
    spread = float(w @ (label - mean_label) ** 2)
    # an unbiased variance of weighted rows; with equal weights it is the usual n − 1
    freedom = 1.0 - float(w @ w)
    positive = label > 0
    return {
        "mae": float(w @ size),
        "me": me,
        "sd": float(np.sqrt(w @ (error - me) ** 2 / freedom)) if freedom > 1e-12 else float("nan"),
        "rmse": float(np.sqrt(w @ error**2)),
        "mape": (
            100.0 * float(w[positive] @ (size[positive] / label[positive]) / w[positive].sum())
            if positive.any()
            else float("nan")
        ),
        "r2": 1.0 - float(w @ error**2) / spread if spread > 1e-12 else float("nan"),
        **{f"cpe{limit:g}": 100.0 * float(w @ (size <= limit)) for limit in CPE_LIMITS},
    }


def within_r(label: F64, estimate: F64, code: Codes) -> float:
    """Mean over subjects of the correlation inside a subject; an estimate that never moves counts as 0.

    NaN where no subject has three rows and a reference that moved.
    """
    found = []
    for number in np.unique(code):
        mine = code == number
        y, x = label[mine], estimate[mine]
        if len(y) < LEAST_ROWS_WITHIN or y.std() < 1e-9:
            continue
        found.append(0.0 if x.std() < 1e-9 else float(np.corrcoef(x, y)[0, 1]))
    return float(np.mean(found)) if found else float("nan")


def skill_figures(mine: F64, of_mean: F64, seed: int = 0) -> dict[str, Any]:
    """``skill`` = 1 − MAE / MAE of the mean, with its bootstrap interval by subject.

    Args:
        mine, of_mean: MAE of each subject, ``(n_subjects,)``, of the estimate and of the cohort's mean.
        seed: of the bootstrap.

    Returns:
        ``skill, skill_ci95, skill_above_zero`` – the last: above 0 with 95 % confidence, so that a ratio may be quoted.
    """
    ratio = bootstrap_ratio(mine, of_mean, seed)
    span = None if ratio is None else (1.0 - ratio[1], 1.0 - ratio[0])
    below = float(of_mean.mean())
    return {
        "skill": 1.0 - float(mine.mean()) / below if below > 0 else float("nan"),
        "skill_ci95": span,
        "skill_above_zero": span is not None and span[0] > 0,
    }


def skill_ratio(ours: dict[str, Any], theirs: dict[str, Any]) -> float | None:
    """Our skill over theirs; None where theirs is not above 0 with 95 % confidence (evaluation.md 6).

    Args:
        ours, theirs: figures of one parameter as :func:`hemoview.estimate.metrics.figures.evaluate` gives them.
    """
    if not theirs.get("skill_above_zero") or ours.get("skill") is None or theirs.get("skill") is None:
        return None
    return float(ours["skill"]) / float(theirs["skill"])


def gain_figures(mine: F64, baseline: F64, prefix: str = "gain", seed: int = 0) -> dict[str, Any]:
    """How much smaller our error is than the baseline's, paired by subject (evaluation.md 4).

    Args:
        mine, baseline: MAE of each subject on the same rows, ``(n_subjects,)``.
        prefix: of the figures' names.
        seed: of the bootstrap.
    """
    gain = baseline - mine
    span = bootstrap_mean(gain, seed)
    return {
        prefix: float(gain.mean()),
        f"{prefix}_ci95": span,
        f"{prefix}_better": span is not None and span[0] > 0,
        f"{prefix}_subjects_made_worse": float((gain < 0).mean()),
    }
