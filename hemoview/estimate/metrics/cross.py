"""Personal offset and interval of predictions whose model was fitted without the rows' subjects: whatever is needed of
other people is taken from the other subjects of the set. A bundle brings its own; a training run and out-of-fold
predictions use this.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from hemoview.estimate.metrics import anchors as metrics_anchors
from hemoview.estimate.metrics.intervals import AGE_CLASSES_S, aged_q90, conformal_q90, cqr_score
from hemoview.estimate.metrics.rows import Plan, Predictions, Rows, plan
from hemoview.estimate.metrics.subjects import F64, Codes, Flags, Spread
from hemoview.estimate.personalise import Anchor, Personalisation
from recorder.schema import PARAMETERS


def offsets(rows: Rows, raw: Predictions, schedule: Plan, parameters: tuple[str, ...] = PARAMETERS) -> F64:
    """What the calibration points of each subject add to its estimates, ``(n, 10)``; 0 without a usable point.

    Readings are compared, and offsets shrunk, by the code that runs live. κ is that of the other subjects' readings;
    where it cannot be told there is no offset.
    """
    out = np.zeros(raw.mean.shape)
    if not schedule.k:
        return out
    found = compared(rows, raw, schedule, parameters)
    gap = metrics_anchors.gaps(len(rows), found)
    personal = {
        int(number): Personalisation(
            tuple(
                found[r]
                for r in np.flatnonzero(schedule.points & (rows.code == number)).tolist()
                if r in found
            )
        )
        for number in np.unique(rows.code[schedule.points])
    }
    for parameter in parameters:
        column = PARAMETERS.index(parameter)
        known = np.isfinite(gap[:, column])
        if not known.any():
            continue
        spread, present = Spread.of(rows.code[known], gap[known, column]), np.unique(rows.code[known])
        for number, anchored in personal.items():
            if number in present:
                kappa = spread.without(int(np.searchsorted(present, number))).kappa
                out[rows.code == number, column] = anchored.offset(parameter, kappa)
    return out


def compared(
    rows: Rows, raw: Predictions, schedule: Plan, parameters: tuple[str, ...] = PARAMETERS
) -> dict[int, Anchor]:
    """Every kept row's labels as a reading, joined with what the model said around it; rows without are left out."""
    good = np.ones(len(rows), bool) if rows.good is None else rows.good
    given = good & np.isfinite(raw.mean).any(axis=1)
    return metrics_anchors.anchors(rows, metrics_anchors.said_by(raw, given, parameters), schedule.kept)


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


def personalised(
    rows: Rows, raw: Predictions, schedule: Plan, parameters: tuple[str, ...] = PARAMETERS
) -> Predictions:
    """Out-of-fold predictions as a subject would have got them: offset by its points, interval from the others."""
    return conformal(rows, shifted(raw, offsets(rows, raw, schedule, parameters)), schedule)


def card_table(rows: Rows, raw: Predictions, parameter: str) -> dict[str, Any]:
    """What a model card says of one parameter, from the out-of-fold predictions of everybody.

    Returns:
        ``{kappa, conformal: {cold, personalised: [{age_s_max, q90, n_subjects}]}}``, ages after one point; ``kappa``
        None where it cannot be told. Ages that fewer than nine subjects reached, and a cold start of fewer, are left
        out (None). Windows that the quality gate stops have no interval, so they count in none.
    """
    column, cold, warm = PARAMETERS.index(parameter), plan(rows, 0), plan(rows, 1)
    label = rows.column(parameter)
    gap = metrics_anchors.gaps(len(rows), compared(rows, raw, cold))[:, column]
    known = np.isfinite(gap)
    moved = shifted(raw, offsets(rows, raw, warm))
    passed = np.ones(len(rows), bool) if rows.good is None else rows.good

    def cell(of: Predictions, which: Flags) -> dict[str, Any] | None:
        use = which & passed & np.isfinite(label) & np.isfinite(of.mean[:, column])
        score = cqr_score(label[use], of.q05[use, column], of.q95[use, column])
        q90 = conformal_q90(rows.code[use], score) if use.any() else np.inf
        n = len(np.unique(rows.code[use]))
        return {"q90": round(float(q90), 4), "n_subjects": n} if np.isfinite(q90) else None

    ages, aged = (0.0, *AGE_CLASSES_S), []
    for younger, oldest in pairwise(ages):
        with np.errstate(invalid="ignore"):
            found = cell(moved, warm.scored & (warm.age_s > younger) & (warm.age_s <= oldest))
        if found is not None:
            aged.append({"age_s_max": oldest, **found})
    kappa = Spread.of(rows.code[known], gap[known]).kappa
    return {
        "kappa": None if kappa is None else round(kappa, 4),
        "conformal": {"cold": cell(raw, cold.scored), "personalised": aged},
    }


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
