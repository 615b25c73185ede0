"""Personal offset and interval of predictions whose model was fitted without the rows' subjects: whatever is needed of
other people is taken from the other subjects of the set. A bundle brings its own; a training run and out-of-fold
predictions use this.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hemoview.estimate.metrics_intervals import aged_q90, cqr_score
from hemoview.estimate.metrics_rows import Plan, Predictions, Rows
from hemoview.estimate.metrics_subjects import F64, Codes, Flags, Spread
from hemoview.estimate.personalise import shrunk_offset
from recorder.schema import PARAMETERS


def offsets(rows: Rows, raw: Predictions, schedule: Plan, parameters: tuple[str, ...] = PARAMETERS) -> F64:
    """What the calibration points of each subject add to its estimates, ``(n, 10)``; 0 without a point.

    κ is that of the other subjects' residuals; where it cannot be told there is no offset.
    """
    out = np.zeros(raw.mean.shape)
    for column, parameter in enumerate(PARAMETERS):
        label = rows.column(parameter)
        known = np.isfinite(label) & np.isfinite(raw.mean[:, column]) & schedule.kept
        if parameter not in parameters or not schedule.k or not known.any():
            continue
        gap = label - raw.mean[:, column]
        spread, present = Spread.of(rows.code[known], gap[known]), np.unique(rows.code[known])
        for number in np.unique(rows.code[known & schedule.points]):
            mine = rows.code == number
            kappa = spread.without(int(np.searchsorted(present, number))).kappa
            if kappa is not None:
                out[mine, column] = shrunk_offset(gap[mine & known & schedule.points].tolist(), kappa)
    return out


def shifted(raw: Predictions, by: F64) -> Predictions:
    """Values and intervals moved alike."""
    return replace(raw, mean=raw.mean + by, q05=raw.q05 + by, q95=raw.q95 + by)


def conformal(rows: Rows, predictions: Predictions, schedule: Plan) -> Predictions:
    """The same values with intervals corrected from the other subjects' scored rows, by age since calibration.

    A value without quantiles gets a symmetric interval. Where fewer than nine other subjects have scored rows there is
    no interval.
    """
    low, high = (np.full(predictions.mean.shape, np.nan) for _ in range(2))
    for column, parameter in enumerate(PARAMETERS):
        label, mean = rows.column(parameter), predictions.mean[:, column]
        q05 = np.where(np.isfinite(predictions.q05[:, column]), predictions.q05[:, column], mean)
        q95 = np.where(np.isfinite(predictions.q95[:, column]), predictions.q95[:, column], mean)
        use = schedule.scored & np.isfinite(label) & np.isfinite(mean)
        if not use.any():
            continue
        q90 = aged_q90(rows.code[use], cqr_score(label[use], q05[use], q95[use]), schedule.age_s[use])
        q90[~np.isfinite(q90)] = np.nan
        low[use, column] = np.minimum(q05[use] - q90, mean[use])
        high[use, column] = np.maximum(q95[use] + q90, mean[use])
    return replace(predictions, q05=low, q95=high)


def permutation(rows: Rows, usable: Flags, seed: int = 0) -> Codes:
    """Row numbers ``(n,)`` with the usable rows of each subject shuffled among themselves: whose wave stands where in
    the control in which the wave tells nothing new.
    """
    rng = np.random.default_rng(seed)
    order = np.arange(len(rows))
    for number in range(len(rows.names)):
        mine = np.flatnonzero((rows.code == number) & usable)
        order[mine] = rng.permutation(mine)
    return order
