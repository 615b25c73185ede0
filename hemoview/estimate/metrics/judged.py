"""Predictions with everything that stands beside them: baselines, control, which rows count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from hemoview.estimate.metrics import baselines as metrics_baselines
from hemoview.estimate.metrics import cross as metrics_cross
from hemoview.estimate.metrics.intervals import q90_from
from hemoview.estimate.metrics.rows import Plan, Predictions, Rows, plan
from hemoview.estimate.metrics.subjects import F64, Flags
from recorder.schema import PARAMETERS

ORACLE: Final = "subject_mean_oracle"


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Everything the figures and the plots are made of.

    Args:
        rows, schedule: the windows, and which of them count.
        predictions: final values and intervals.
        baselines: ``(n, 10)`` by name (:data:`hemoview.estimate.metrics.baselines.NAMES` and the oracle).
        before: the same without abstention, where it could be computed; None = not known.
        control: of waves shuffled inside their subject.
        constant_q90: ``(n, 10)`` half width of a conformalised constant (the mean, or the shrunk hold) from the
            training subjects; None where they are not at hand.
    """

    rows: Rows
    schedule: Plan
    predictions: Predictions
    baselines: Mapping[str, F64]
    before: Predictions | None
    control: Predictions
    constant_q90: F64 | None = None

    def due(self, parameter: str) -> Flags:
        """Rows to be scored for one parameter, whether a value was given or not."""
        known = self.schedule.scored & np.isfinite(self.rows.column(parameter))
        if self.schedule.k:  # a subject none of whose points had this parameter was not calibrated for it
            known &= np.isfinite(self.baselines["hold"][:, PARAMETERS.index(parameter)])
        return known

    def given(self, parameter: str) -> Flags:
        """Rows to be scored in which a value was given."""
        return self.due(parameter) & np.isfinite(self.predictions.mean[:, PARAMETERS.index(parameter)])


def judge(
    rows: Rows,
    predictions: Predictions,
    *,
    k: int = 0,
    training: Rows | None = None,
    prior_mean: F64 | None = None,
    before: Predictions | None = None,
    control: Predictions | None = None,
) -> Judged:
    """Put baselines and control beside predictions.

    Args:
        rows, predictions: ``n`` windows and what was estimated of them.
        k: calibration points the predictions were made with.
        training: rows of the training subjects, for the baselines; None = for every subject, the others of ``rows``.
        prior_mean: ``(10,)`` or ``(n, 10)`` label means of the training subjects, where those are known though their
            rows are not (a card, a checkpoint, folds); NaN = not known.
        before: predictions without abstention.
        control: predictions of waves shuffled inside their subject; None = the estimates themselves are shuffled.

    Raises:
        ValueError: predictions of another number of rows.
    """
    if len(predictions.mean) != len(rows):
        raise ValueError(f"{len(predictions.mean)} predictions were given for {len(rows)} rows")
    schedule = plan(rows, k)
    found = metrics_baselines.all_values(
        rows, schedule, training, None if training is None else plan(training, k)
    )
    if prior_mean is not None:
        known = np.broadcast_to(prior_mean, rows.labels.shape)
        found["mean"] = np.where(np.isfinite(known), known, found["mean"])
    oracle = np.full(rows.labels.shape, np.nan)
    for column, parameter in enumerate(PARAMETERS):
        use = schedule.scored & np.isfinite(rows.column(parameter))
        if use.any():
            oracle[:, column] = metrics_baselines.own_mean(rows.labels[:, column], rows.code, use)
    if control is None:
        usable = schedule.scored & np.isfinite(predictions.mean).any(axis=1)
        control = predictions.take(metrics_cross.permutation(rows, usable))
    width = None if training is None else _constant_q90(training, k, schedule.age_s)
    return Judged(rows, schedule, predictions, {**found, ORACLE: oracle}, before, control, width)


def _constant_q90(training: Rows, k: int, age_s: F64) -> F64:
    """Half width of the interval that training subjects would give to a constant, ``(n, 10)``."""
    taught = plan(training, k)
    constant = metrics_baselines.all_values(training, taught, None, None)["shrunk_hold" if k else "mean"]
    out = np.full((len(age_s), len(PARAMETERS)), np.inf)
    for column in range(len(PARAMETERS)):
        miss = np.abs(training.labels[:, column] - constant[:, column])
        use = taught.scored & np.isfinite(miss)
        if use.any():
            out[:, column] = q90_from(training.code[use], miss[use], taught.age_s[use], age_s)
    return out


def judge_out_of_fold(rows: Rows, raw: Predictions, *, k: int = 0, prior_mean: F64 | None = None) -> Judged:
    """Judge predictions of which each row's model never saw its subject: offset, interval and baselines of a subject
    come from the other subjects, and the control shuffles the waves before anything is calibrated.

    Args:
        rows: the windows.
        raw: mean and quantiles out of fold, before any offset or correction.
        k: calibration points.
        prior_mean: ``(n, 10)`` label means of each row's training folds; None = of the other subjects.
    """
    schedule = plan(rows, k)
    usable = np.asarray(np.isfinite(raw.mean).any(axis=1))
    shuffled = raw.take(metrics_cross.permutation(rows, usable))
    return judge(
        rows,
        metrics_cross.personalised(rows, raw, schedule),
        k=k,
        prior_mean=prior_mean,
        control=metrics_cross.personalised(rows, shuffled, schedule),
    )
