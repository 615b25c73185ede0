"""Agreement with the reference where every subject was measured many times, and whether changes go the same way.

Bland & Altman 2007 (J Biopharm Stat 17:571, "Agreement between methods of measurement with multiple observations per
individual"), the case in which the true value varies: a one-way analysis of variance of the differences, unequal n.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from hemoview.estimate.metrics.subjects import F64, Codes, bootstrap_ratio, draws, interval, weights

LIMITS_SD: Final = 1.96
LEAST_STEP_S: Final = 60.0
"""Changes are taken over at least this long (evaluation.md 9)."""
ZONE_PART: Final = 0.10
"""Changes of the reference smaller than this part of its mean are left out for flow and resistance (methods.md §D.3: 10
to 15 %)."""
ZONE: Final = {"SBP": 5.0, "MAP": 5.0, "DBP": 5.0, "HR": 3.0}
"""The same in mmHg and /min; our choice, printed beside the figure."""


def variance_components(difference: F64, code: Codes) -> tuple[float, float]:
    """Variances of one difference within a subject, and between subjects, ``(within, between)``.

    Method of moments for unequal numbers; a negative between variance is 0. NaN where it cannot be told.
    """
    n, mean, inner = _sums(difference, code)
    within, between = _components(n[None], mean[None], inner[None])
    return float(within[0]), float(between[0])


def _sums(difference: F64, code: Codes) -> tuple[F64, F64, F64]:
    """Rows, mean and inner sum of squares of every subject."""
    count = np.bincount(code)
    has = count > 0
    n = count[has].astype(np.float64)
    mean = np.bincount(code, weights=difference)[has] / n
    centred = difference - (np.bincount(code, weights=difference) / np.maximum(count, 1))[code]
    return n, mean, np.asarray(np.bincount(code, weights=centred**2)[has], np.float64)


def _components(n: F64, mean: F64, inner: F64) -> tuple[F64, F64]:
    """Variance components of each of many samples of subjects, every argument ``(n_samples, n_subjects)``."""
    rows, subjects = n.sum(axis=1), n.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        within = inner.sum(axis=1) / (rows - subjects)
        grand = (n * mean).sum(axis=1) / rows
        square = (n * (mean - grand[:, None]) ** 2).sum(axis=1) / (subjects - 1)
        typical = (rows - (n**2).sum(axis=1) / rows) / (subjects - 1)
        between = np.maximum((square - within) / typical, 0.0)
    return within, between


def bland_altman(label: F64, estimate: F64, code: Codes, seed: int = 0) -> dict[str, Any]:
    """Bias, limits of agreement for one measurement of a new subject, their bootstrap intervals by subject, and the
    slope of a proportional bias.

    Args:
        label, estimate: ``(n,)`` finite.
        code: ``(n,)`` subject numbers.
        seed: of the bootstrap.

    Returns:
        ``why`` instead of figures where fewer than two subjects, or none with two rows.
    """
    n, mean, inner = _sums(estimate - label, code)
    if len(n) < 2 or n.sum() <= len(n):
        return {"why": "needs two subjects, and two rows of some subject"}
    within, between = (float(v[0]) for v in _components(n[None], mean[None], inner[None]))
    bias, sd = float(mean.mean()), float(np.sqrt(within + between))
    drawn = draws(len(n), seed)
    more_within, more_between = _components(n[drawn], mean[drawn], inner[drawn])
    more_sd, more_bias = np.sqrt(more_within + more_between), mean[drawn].mean(axis=1)
    pooled = estimate - label
    return {
        "bias": bias,
        "bias_ci95": interval(more_bias),
        "sd": sd,
        "sd_within": float(np.sqrt(within)),
        "sd_between": float(np.sqrt(between)),
        "limits": (bias - LIMITS_SD * sd, bias + LIMITS_SD * sd),
        "lower_limit_ci95": interval(more_bias - LIMITS_SD * more_sd),
        "upper_limit_ci95": interval(more_bias + LIMITS_SD * more_sd),
        "limits_pooled": (
            float(pooled.mean() - LIMITS_SD * pooled.std(ddof=1)),
            float(pooled.mean() + LIMITS_SD * pooled.std(ddof=1)),
        ),
        **_proportional(label, estimate, code, drawn),
        "method": "one-way variance components of the differences, true value varies, unequal n; bias of subject means",
    }


def _proportional(label: F64, estimate: F64, code: Codes, drawn: Codes) -> dict[str, Any]:
    """Slope of the difference on the average of both, subjects weighing alike, with its interval."""
    w = weights(code)
    x, y = (estimate + label) / 2, estimate - label
    columns = np.stack([np.ones_like(x), x, y, x * x, x * y], axis=1) * w[:, None]
    has = np.bincount(code) > 0
    by_subject = np.stack([np.bincount(code, weights=c)[has] for c in columns.T], axis=1)

    def slope(sums: F64) -> F64:
        one, sx, sy, sxx, sxy = (sums[..., i] for i in range(5))
        spread = sxx * one - sx**2
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(spread > 1e-9 * sxx * one, (sxy * one - sx * sy) / spread, np.nan)

    all_of_it = float(slope(by_subject.sum(axis=0)))
    if not np.isfinite(all_of_it):
        return {"proportional_bias_slope": float("nan"), "proportional_bias_slope_ci95": None}
    return {
        "proportional_bias_slope": all_of_it,
        "proportional_bias_slope_ci95": interval(slope(by_subject[drawn].sum(axis=1))),
    }


def percentage_error(label: F64, code: Codes, sd: float) -> float:
    """Critchley & Critchley 1999: 1.96·SD over the mean reference, in percent, with the SD of repeated measures."""
    mean = float(weights(code) @ label)
    return 100.0 * LIMITS_SD * sd / mean if mean > 0 else float("nan")


def trending(
    parameter: str, label: F64, estimate: F64, *, t_s: F64, code: Codes, seed: int = 0
) -> dict[str, Any]:
    """Share of changes that go the way the reference goes, small reference changes left out.

    Args:
        parameter: names the exclusion zone.
        label, estimate: ``(n,)`` finite.
        t_s: ``(n,)`` time in the subject's recording.
        code: ``(n,)`` subject numbers.
        seed: of the bootstrap.
    """
    zone = ZONE.get(parameter, ZONE_PART * float(np.abs(label).mean()))
    first, second = steps(code, t_s)
    d_ref, d_est = label[second] - label[first], estimate[second] - estimate[first]
    counted = np.abs(d_ref) >= zone
    agree = (np.sign(d_ref) == np.sign(d_est)) & counted
    n_subjects = int(code.max()) + 1 if len(code) else 0
    of_each = np.bincount(code[first], weights=counted, minlength=n_subjects).astype(np.float64)
    agreed = np.bincount(code[first], weights=agree, minlength=n_subjects).astype(np.float64)
    n = int(counted.sum())
    return {
        "concordance": 100.0 * agree.sum() / n if n else float("nan"),
        "concordance_ci95": _percent(bootstrap_ratio(agreed[of_each > 0], of_each[of_each > 0], seed)),
        "exclusion_zone": zone,
        "n_changes": n,
        "n_changes_excluded": int((~counted).sum()),
        "n_subjects": int((of_each > 0).sum()),
        "least_step_s": LEAST_STEP_S,
    }


def _percent(span: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if span is None else (100 * span[0], 100 * span[1])


def steps(code: Codes, t_s: F64) -> tuple[Codes, Codes]:
    """Rows between which changes are taken: a chain of rows at least :data:`LEAST_STEP_S` apart in every subject."""
    first: list[int] = []
    second: list[int] = []
    last = -1
    for row in np.lexsort((t_s, code)):
        if last < 0 or code[row] != code[last]:
            last = int(row)
        elif t_s[row] - t_s[last] >= LEAST_STEP_S - 1e-6:
            first.append(last)
            second.append(int(row))
            last = int(row)
    return np.array(first, np.int64), np.array(second, np.int64)
