"""What is known without the wave: the baselines every figure stands beside, on the same rows (evaluation.md 3).

Fitted on training subjects where those are at hand; otherwise, for every subject, on the other subjects of the set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from hemoview.estimate.metrics.rows import Plan, Rows
from hemoview.estimate.metrics.subjects import F64, Codes, Flags, shrinkage, subject_means, weights
from hemoview.estimate.personalise import shrunk_offset
from recorder.schema import PARAMETERS

RIDGE_SUBJECTS: Final = 3.0
"""Penalty of a ridge, in subjects: slopes of three people count as much as the belief that there is none."""
MOST_FOLDS: Final = 25
"""Subjects are dealt into at most this many groups where baselines are fitted on the other subjects."""
NAMES: Final = (
    "mean",
    "hr_ridge",
    "demographics_ridge",
    "demographics_hr_ridge",
    "hold",
    "shrunk_hold",
    "time_trend",
)


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """A line through standardised columns; a missing value counts as the mean.

    Args:
        level: mean of the training subjects.
        centre, scale, slope: ``(n_columns,)``.
    """

    level: float
    centre: F64
    scale: F64
    slope: F64

    def __call__(self, columns: F64) -> F64:
        """``(n, n_columns)`` → ``(n,)``."""
        z = (columns - self.centre) / self.scale
        return np.asarray(self.level + np.where(np.isfinite(z), z, 0.0) @ self.slope)


def ridge(columns: F64, label: F64, code: Codes) -> Ridge:
    """Fit, subjects weighing alike; a column nobody has, or that never moves, gets no slope."""
    w = weights(code)
    has = np.isfinite(columns)
    known = np.maximum((w[:, None] * has).sum(axis=0), 1e-12)
    filled = np.where(has, columns, 0.0)
    centre = (w[:, None] * filled).sum(axis=0) / known
    centred = np.where(has, columns - centre, 0.0)
    deviation = np.sqrt((w[:, None] * centred**2).sum(axis=0))
    scale = np.where(deviation > 1e-9, deviation, np.inf)
    z = np.where(has, centred / scale, 0.0)
    level = float(subject_means(code, label).mean())
    penalty = RIDGE_SUBJECTS / len(np.unique(code))
    weighed = z * w[:, None]  # einsum: threads of a linear-algebra library cost more than they give here
    inner = np.einsum("ni,nj->ij", weighed, z) + penalty * np.eye(z.shape[1])
    slope = np.linalg.solve(inner, np.einsum("ni,n->i", weighed, label - level))
    return Ridge(level, centre, scale, np.asarray(slope))


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Everything the baselines of one parameter take from the training subjects.

    Args:
        mean: of the subjects' means.
        hr, demographics, both: ridges on the counted heart rate, on demographics, on both; None where the columns are
            not known.
        kappa: of the shrunk hold, within over between variance around the prior; None where it cannot be told.
        drift: ``(intercept, slope per s)`` with age since calibration, or with time in the recording.
    """

    mean: float
    hr: Ridge | None
    demographics: Ridge | None
    both: Ridge | None
    kappa: float | None
    drift: tuple[float, float] | None

    def prior(self, demographics: F64) -> F64:
        """What is expected of people like these before anything is measured, ``(n,)``."""
        return (
            np.full(len(demographics), self.mean)
            if self.demographics is None
            else self.demographics(demographics)
        )


def fit(rows: Rows, parameter: str, schedule: Plan) -> Fit | None:
    """Baselines of one parameter from these rows as training rows; None where nobody has a label."""
    label = rows.column(parameter)
    use = schedule.kept & np.isfinite(label)
    if not use.any():
        return None
    y, code, demographics = label[use], rows.code[use], rows.demographics[use]
    hr = rows.hr_per_min[use][:, None]
    knows_hr, knows_people = bool(np.isfinite(hr).any()), bool(np.isfinite(demographics).any())
    found = Fit(
        mean=float(subject_means(code, y).mean()),
        hr=ridge(hr, y, code) if knows_hr else None,
        demographics=ridge(demographics, y, code) if knows_people else None,
        both=ridge(np.hstack((demographics, hr)), y, code) if knows_hr and knows_people else None,
        kappa=None,
        drift=None,
    )
    kappa = shrinkage(code, y - found.prior(demographics))
    found = Fit(found.mean, found.hr, found.demographics, found.both, kappa, None)
    return Fit(
        found.mean, found.hr, found.demographics, found.both, kappa, _drift(rows, label, schedule, found)
    )


def _drift(rows: Rows, label: F64, schedule: Plan, found: Fit) -> tuple[float, float] | None:
    """Straight line of what happens with time, subjects weighing alike: after calibration around the shrunk hold,
    without it around each subject's own mean.
    """
    use = schedule.scored & np.isfinite(label)
    if not use.any():
        return None
    if schedule.k:
        x, y = schedule.age_s, label - _shrunk(rows, label, schedule, found)
    else:
        x, y = _since_start(rows), label - own_mean(label, rows.code, use)
    use &= np.isfinite(y)
    if not use.any():
        return None
    w = weights(rows.code[use])
    mx, my = float((w * x[use]).sum()), float((w * y[use]).sum())
    spread = float((w * (x[use] - mx) ** 2).sum())
    slope = float((w * (x[use] - mx) * (y[use] - my)).sum()) / spread if spread > 1e-9 else 0.0
    return my - slope * mx, slope


def _since_start(rows: Rows) -> F64:
    start = np.full(len(rows.names), np.inf)
    np.minimum.at(start, rows.code, rows.t_s)
    return np.asarray(rows.t_s - start[rows.code])


def own_mean(label: F64, code: Codes, use: Flags) -> F64:
    """Each subject's mean over the rows used, ``(n,)``; NaN for subjects without any."""
    n = int(code.max()) + 1 if len(code) else 0
    count = np.bincount(code[use], minlength=n)
    total = np.bincount(code[use], weights=label[use], minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((total / count)[code])


def held(rows: Rows, label: F64, schedule: Plan) -> F64:
    """Mean of each subject's calibration points, ``(n,)``; NaN for subjects without one."""
    return own_mean(label, rows.code, schedule.points & np.isfinite(label))


def _shrunk(rows: Rows, label: F64, schedule: Plan, found: Fit) -> F64:
    """The points shrunk to what is expected of such people."""
    out = np.full(len(rows), np.nan)
    at = np.flatnonzero(schedule.points & np.isfinite(label))
    if found.kappa is None or not len(at):
        return out
    prior = found.prior(rows.demographics)
    gap = label[at] - prior[at]  # of one subject's rows the prior is the same
    for number in np.unique(rows.code[at]):
        offset = shrunk_offset(gap[rows.code[at] == number].tolist(), found.kappa)
        out[rows.code == number] = offset
    return out + prior


def values(rows: Rows, parameter: str, schedule: Plan, found: Fit) -> dict[str, F64]:
    """Every baseline of one parameter that needs other people, ``(n,)`` each by name; NaN where it cannot be said."""
    nothing = np.full(len(rows), np.nan)
    label = rows.column(parameter)
    people, hr = rows.demographics, rows.hr_per_min[:, None]
    shrunk = _shrunk(rows, label, schedule, found) if schedule.k else nothing
    trend = nothing
    if found.drift is not None:
        intercept, slope = found.drift
        base, x = (shrunk, schedule.age_s) if schedule.k else (found.prior(people), _since_start(rows))
        trend = base + intercept + slope * x
    return {
        "mean": np.full(len(rows), found.mean),
        "hr_ridge": nothing if found.hr is None else found.hr(hr),
        "demographics_ridge": nothing if found.demographics is None else found.demographics(people),
        "demographics_hr_ridge": nothing if found.both is None else found.both(np.hstack((people, hr))),
        "shrunk_hold": shrunk,
        "time_trend": trend,
    }


def all_values(
    rows: Rows, schedule: Plan, training: Rows | None, training_plan: Plan | None
) -> dict[str, F64]:
    """Every baseline of every parameter, ``(n, 10)`` by name.

    Args:
        rows: to be judged.
        schedule: of ``rows``.
        training, training_plan: training subjects and their own schedule; None = for every subject the others of
            ``rows``.
    """
    out = {name: np.full(rows.labels.shape, np.nan) for name in NAMES}
    labelled = [p for c, p in enumerate(PARAMETERS) if np.isfinite(rows.labels[:, c]).any()]
    for parameter in labelled if schedule.k else ():
        column = PARAMETERS.index(parameter)
        out["hold"][:, column] = held(rows, rows.labels[:, column], schedule)
    everybody = np.ones(len(rows), bool)
    for mine in [everybody] if training is not None else _folds(rows):
        if training is not None and training_plan is not None:
            teachers, taught = training, training_plan
        elif mine.all():
            continue
        else:
            teachers, taught = rows.take(~mine), _part(schedule, ~mine)
        ours, own = rows.take(mine), _part(schedule, mine)
        for parameter in labelled:
            found = fit(teachers, parameter, taught)
            for name, value in (values(ours, parameter, own, found) if found else {}).items():
                out[name][mine, PARAMETERS.index(parameter)] = value
    return out


def _folds(rows: Rows) -> list[Flags]:
    """Rows of each group of subjects; a group a subject where there are few."""
    n = min(len(rows.names), MOST_FOLDS)
    return [np.asarray(rows.code % n == fold) for fold in range(n)]


def _part(schedule: Plan, chosen: Flags) -> Plan:
    return Plan(
        schedule.k,
        schedule.kept[chosen],
        schedule.points[chosen],
        schedule.scored[chosen],
        schedule.age_s[chosen],
    )
