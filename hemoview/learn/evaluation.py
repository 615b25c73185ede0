"""Everything that may be printed about a student, from out-of-fold estimates; and the tables of its card."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.learn import scores
from hemoview.learn.scores import F64, Held, Personalised

CALIBRATION_POINTS: Final = (1, 3, 5)
AGES_S: Final = (60.0, 180.0, 390.0)
"""Upper ends of the personalisation ages of the card's table; the recordings are no longer."""
MOVED_MMHG: Final = 8.0
FOLD_HR_RIDGE: Final = 10.0


def cold(held: Held, hr_per_min: F64) -> dict[str, Any]:
    """Calibration-free figures of one parameter, subjects weighing alike."""
    rows = np.isfinite(held.label)
    error = held.mean - held.label
    per_subject = scores.by_subject(held, np.abs(error), rows)
    none = np.zeros(len(error))
    own_mean = _own_mean(held, rows)
    return {
        "mae": _r(per_subject.mean()),
        "ci95": [_r(v) for v in scores.bootstrap(per_subject)],
        "me": _r(scores.by_subject(held, error, rows).mean()),
        "rmse": _r(np.sqrt(scores.by_subject(held, error**2, rows).mean())),
        "mae_pooled": _r(np.abs(error[rows]).mean()),
        "sd_pooled": _r(error[rows].std(ddof=1)),
        "r_within": _r(scores.within_r(held, held.mean, rows)),
        "baseline_mean_mae": _r(scores.mae(held, held.prior, rows)),
        "baseline_hr_ridge_mae": _r(scores.mae(held, _hr_ridge(held, hr_per_min, rows), rows)),
        "baseline_subject_mean_oracle_mae": _r(scores.mae(held, own_mean, rows)),
        "control_permuted_within_mae": _r(scores.mae(held, scores.permuted_within(held), rows)),
        "skill": _r(1 - per_subject.mean() / scores.mae(held, held.prior, rows), 3),
        **scores.coverage(held, rows, none, scores.cross_conformal(held, rows, none)),
        "n_windows": int(rows.sum()),
    }


def calibrated(held: Held, n_points: int) -> dict[str, Any]:
    """Figures after calibration with the first K windows of a subject, beside what needs no wave."""
    p = scores.personalise(held, n_points)
    estimate = held.mean + p.offset
    mine, shrunk = (
        scores.by_subject(held, np.abs(e - held.label), p.rows) for e in (estimate, p.shrunk_hold)
    )
    moved = p.rows & (np.abs(held.label - p.hold) >= MOVED_MMHG)
    return {
        "k": n_points,
        "mae": _r(mine.mean()),
        "baseline_hold_mae": _r(scores.mae(held, p.hold, p.rows)),
        "baseline_shrunk_hold_mae": _r(shrunk.mean()),
        "baseline_time_trend_mae": _r(scores.mae(held, _time_trend(held, p), p.rows)),
        "control_permuted_within_mae": _r(scores.mae(held, scores.permuted_within(held) + p.offset, p.rows)),
        "gain_over_shrunk_hold": _r((shrunk - mine).mean()),
        "gain_ci95": [_r(v) for v in scores.bootstrap(shrunk - mine)],
        "subjects_made_worse": _r((mine > shrunk).mean()),
        "moved_mae": _r(scores.mae(held, estimate, moved)) if moved.any() else None,
        "moved_shrunk_hold_mae": _r(scores.mae(held, p.shrunk_hold, moved)) if moved.any() else None,
        "n_windows_moved": int(moved.sum()),
        **scores.coverage(held, p.rows, p.offset, _aged_q90(held, p)),
        "width_90_conformal_hold": _r(_hold_width(held, p)),
        "n_windows": int(p.rows.sum()),
    }


def conformal_table(held: Held) -> dict[str, Any]:
    """The card's corrections of one parameter, from every subject: cold, and by age after one calibration point."""
    rows, none = np.isfinite(held.label), np.zeros(len(held.label))
    p = scores.personalise(held, 1)
    score = scores.scores(held, p.offset)
    classes = [(age, p.rows & _aged(p, age)) for age in AGES_S]
    personalised = [{"age_s_max": age, **_cell(held, score, aged)} for age, aged in classes if aged.any()]
    return {"cold": _cell(held, scores.scores(held, none), rows), "personalised": personalised}


def kappa(held: Held) -> float:
    """The card's shrinkage of one parameter."""
    rows = np.isfinite(held.label)
    return round(scores.shrinkage(held.subject[rows], (held.label - held.mean)[rows]), 4)


def _cell(held: Held, score: F64, rows: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "q90": _r(scores.conformal_q90(held.subject[rows], score[rows]), 3),
        "n_subjects": len(set(held.subject[rows].tolist())),
    }


def _aged(p: Personalised, age_s_max: float) -> NDArray[np.bool_]:
    """Rows in the age class that ends at ``age_s_max``."""
    younger = max((a for a in AGES_S if a < age_s_max), default=0.0)
    with np.errstate(invalid="ignore"):
        return np.asarray((p.age_s > younger) & (p.age_s <= age_s_max))


def _aged_q90(held: Held, p: Personalised) -> F64:
    """Leave-one-subject-out correction of every scored row from rows of its own age class; oldest class beyond."""
    q90 = scores.cross_conformal(held, p.rows & ~_aged(p, AGES_S[0]) & ~_aged(p, AGES_S[1]), p.offset)
    for age in AGES_S[:2]:
        rows = p.rows & _aged(p, age)
        q90[rows] = scores.cross_conformal(held, rows, p.offset)[rows]
    return q90


def _hold_width(held: Held, p: Personalised) -> float:
    """Mean width of a conformalised shrunk hold on the same rows, the interval to be compared with."""
    held_still = Held(
        held.subject, held.t_s, held.label, p.shrunk_hold, p.shrunk_hold, p.shrunk_hold, held.prior
    )
    still = Personalised(p.rows, p.age_s, np.zeros(len(p.age_s)), p.hold, p.shrunk_hold)
    return float(scores.by_subject(held, 2 * _aged_q90(held_still, still), p.rows).mean())


def _own_mean(held: Held, rows: NDArray[np.bool_]) -> F64:
    out = np.full(len(held.label), np.nan)
    for name in held.names:
        mine = held.of(name)
        out[mine] = held.label[mine & rows].mean()
    return out


def _hr_ridge(held: Held, hr_per_min: F64, rows: NDArray[np.bool_]) -> F64:
    """Ridge on heart rate alone, fitted on all other subjects; a window without a rate counts as the mean rate."""
    out = np.full(len(held.label), np.nan)
    for name in held.names:
        others = rows & ~held.of(name) & np.isfinite(hr_per_min)
        x, y = hr_per_min[others], held.label[others]
        slope = np.sum((x - x.mean()) * (y - y.mean())) / (np.sum((x - x.mean()) ** 2) + FOLD_HR_RIDGE)
        mine = held.of(name)
        out[mine] = y.mean() + slope * np.nan_to_num(hr_per_min[mine] - x.mean())
    return out


def _time_trend(held: Held, p: Personalised) -> F64:
    """Shrunk hold plus the drift with age that other subjects showed; knows the clock, not the wave."""
    out = p.shrunk_hold.copy()
    for name in held.names:
        others = p.rows & ~held.of(name)
        age, change = p.age_s[others], (held.label - p.shrunk_hold)[others]
        spread = np.sum((age - age.mean()) ** 2)
        slope = np.sum((age - age.mean()) * (change - change.mean())) / spread if spread > 0 else 0.0
        mine = p.rows & held.of(name)
        out[mine] += change.mean() + slope * (p.age_s[mine] - age.mean())
    return out


def _r(value: Any, digits: int = 2) -> float:
    return round(float(value), digits)
