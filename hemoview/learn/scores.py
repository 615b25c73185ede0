"""How good the estimates are, by evaluation.md: subjects weigh alike, baselines on the same rows, intervals by subject.

Pure numpy; ``error = estimate − reference`` everywhere; a label that is NaN takes no part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemoview.estimate import metrics_intervals, metrics_subjects
from hemoview.estimate.metrics_rows import PAUSE_S
from hemoview.estimate.metrics_subjects import bootstrap_mean, codes_of
from hemoview.estimate.personalise import shrunk_offset

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Out-of-fold estimates of one parameter: every row was estimated by a model that never saw its subject.

    Args:
        subject: ``(n,)``.
        t_s: ``(n,)``, rising within a subject.
        label, mean, q05, q95: ``(n,)`` in the parameter's unit.
        prior: ``(n,)`` mean of the training subjects of that fold, the calibration-free baseline.
    """

    subject: NDArray[np.str_]
    t_s: F64
    label: F64
    mean: F64
    q05: F64
    q95: F64
    prior: F64

    def of(self, name: str) -> NDArray[np.bool_]:
        """Rows of one subject."""
        return np.asarray(self.subject == name)

    @property
    def names(self) -> list[str]:
        """Subjects, sorted."""
        return sorted(set(self.subject.tolist()))


def by_subject(held: Held, value: F64, rows: NDArray[np.bool_] | None = None) -> F64:
    """Mean of ``value`` of each subject that has rows, ``(n_subjects,)``."""
    kept = np.ones(len(value), bool) if rows is None else rows
    means = [value[held.of(name) & kept].mean() for name in held.names if (held.of(name) & kept).any()]
    return np.array(means)


def bootstrap(per_subject: F64, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean over subjects, subjects drawn with replacement; NaN of fewer than two."""
    return bootstrap_mean(per_subject, seed) or (float("nan"), float("nan"))


def shrinkage(subject: NDArray[np.str_], residual: F64) -> float:
    """κ of ``n / (n + κ)`` (:func:`hemoview.estimate.metrics_subjects.shrinkage`); NaN where it cannot be told."""
    found = metrics_subjects.shrinkage(codes_of(subject)[1], residual)
    return float("nan") if found is None else found


@dataclass(frozen=True, slots=True, eq=False)
class Personalised:
    """Rows scored after calibration with the first K points of each subject.

    Args:
        rows: ``(n,)`` which rows are scored.
        age_s: ``(n,)`` since the last calibration point; NaN where not scored.
        offset: ``(n,)`` what is added to the estimate.
        hold, shrunk_hold: ``(n,)`` the baselines on those rows.
    """

    rows: NDArray[np.bool_]
    age_s: F64
    offset: F64
    hold: F64
    shrunk_hold: F64


def personalise(held: Held, n_points: int) -> Personalised:
    """Calibrate every subject on its first labelled windows; κ always comes from the *other* subjects."""
    n = len(held.label)
    rows, empty = np.zeros(n, bool), np.full(n, np.nan)
    age, shift, hold, shrunk = (empty.copy() for _ in range(4))
    for name in held.names:
        mine = np.flatnonzero(held.of(name) & np.isfinite(held.label))
        others = ~held.of(name) & np.isfinite(held.label)
        first, rest = mine[:n_points], mine[n_points:]
        if len(first) < n_points:
            continue
        rest = rest[held.t_s[rest] > held.t_s[first[-1]] + PAUSE_S]
        rows[rest] = True
        age[rest] = held.t_s[rest] - held.t_s[first[-1]]
        kappa = shrinkage(held.subject[others], (held.label - held.mean)[others])
        shift[rest] = shrunk_offset((held.label - held.mean)[first].tolist(), kappa)
        hold[rest] = held.label[first].mean()
        kappa_hold = shrinkage(held.subject[others], (held.label - held.prior)[others])
        shrunk[rest] = held.prior[rest] + shrunk_offset((held.label - held.prior)[first].tolist(), kappa_hold)
    return Personalised(rows, age, shift, hold, shrunk)


def conformal_q90(subject: NDArray[np.str_], score: F64) -> float:
    """Hierarchical split-conformal quantile (:func:`hemoview.estimate.metrics_intervals.conformal_q90`)."""
    return metrics_intervals.conformal_q90(codes_of(subject)[1], score)


def scores(held: Held, shift: F64) -> F64:
    """By how much the interval of the model's own quantiles, moved by ``shift``, misses the label (CQR)."""
    return np.maximum(held.q05 + shift - held.label, held.label - held.q95 - shift)


def cross_conformal(held: Held, rows: NDArray[np.bool_], shift: F64) -> F64:
    """q90 for every subject from all other subjects' scores, ``(n,)``; NaN off ``rows``."""
    score = scores(held, shift)
    q90 = np.full(len(score), np.nan)
    for name in held.names:
        others = rows & ~held.of(name)
        q90[rows & held.of(name)] = conformal_q90(held.subject[others], score[others])
    return q90


def coverage(held: Held, rows: NDArray[np.bool_], shift: F64, q90: F64) -> dict[str, Any]:
    """Mean, tenth-percentile and worst coverage by subject, and mean width, of ``[q05 − q90, q95 + q90]``."""
    low, high = held.q05 + shift - q90, held.q95 + shift + q90
    low, high = np.minimum(low, held.mean + shift), np.maximum(high, held.mean + shift)
    inside = ((held.label >= low) & (held.label <= high)).astype(float)
    each = by_subject(held, inside, rows)
    return {
        "coverage_90": _r(each.mean()),
        "coverage_90_ci95": [_r(v) for v in bootstrap(each)],
        "coverage_90_p10_subject": _r(np.percentile(each, 10)),
        "coverage_90_worst_subject": _r(each.min()),
        "width_90": _r(by_subject(held, high - low, rows).mean(), 2),
        "n_subjects": len(each),
    }


def _r(value: Any, digits: int = 3) -> float:
    return round(float(value), digits)


def mae(held: Held, estimate: F64, rows: NDArray[np.bool_]) -> float:
    """Subject-weighted mean absolute error on these rows."""
    return float(by_subject(held, np.abs(estimate - held.label), rows).mean())


def within_r(held: Held, estimate: F64, rows: NDArray[np.bool_]) -> float:
    """Mean over subjects of the correlation inside a subject; a constant estimate counts as 0."""
    values = []
    for name in held.names:
        mine = held.of(name) & rows
        flat = estimate[mine].std() < 1e-9 or held.label[mine].std() < 1e-9
        values.append(0.0 if flat else float(np.corrcoef(estimate[mine], held.label[mine])[0, 1]))
    return float(np.mean(values))


def permuted_within(held: Held, seed: int = 0) -> F64:
    """The estimate with windows shuffled inside each subject: the control in which the wave tells nothing new."""
    rng = np.random.default_rng(seed)
    shuffled = held.mean.copy()
    for name in held.names:
        mine = np.flatnonzero(held.of(name))
        shuffled[mine] = held.mean[rng.permutation(mine)]
    return shuffled
