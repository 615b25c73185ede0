"""Everything that may be printed about estimates of labelled windows, by evaluation.md. Arrays in, figures out; no
model is known here, so that a bundle, a training run and out-of-fold predictions are judged by the same code.

``error = estimate − reference``. Figures weigh every subject once; pooled ones carry ``_pooled``.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from hemoview.estimate.metrics import standards
from hemoview.estimate.metrics.agreement import bland_altman, percentage_error, trending
from hemoview.estimate.metrics.error import error_figures, gain_figures, skill_figures, within_r
from hemoview.estimate.metrics.groups import by_reference_kind, identity_residuals, rate_by_rhythm, subgroups
from hemoview.estimate.metrics.intervals import constant_width, coverage_figures
from hemoview.estimate.metrics.judged import Judged, judge, judge_out_of_fold
from hemoview.estimate.metrics.rows import Predictions
from hemoview.estimate.metrics.subjects import BOOTSTRAPS, F64, Flags, rounded, subject_means
from recorder.schema import PARAMETERS, PRESSURES

__all__ = ["FIELDS", "Judged", "evaluate", "judge", "judge_out_of_fold", "parameter_figures", "protocol"]

MOVED_MMHG: Final = 8.0
NO_WORSE_MMHG: Final = 0.1
BAR_SUBJECTS: Final = 60
"""From this many test subjects on a bar for coverage applies (evaluation.md 5)."""

FIELDS: Final = (
    *("mae", "me", "sd", "rmse", "mape", "r2", "r_within", "cpe5", "cpe10", "cpe15", "ci95"),
    *(
        "baseline_mean_mae",
        "baseline_hold_mae",
        "baseline_shrunk_hold_mae",
        "baseline_subject_mean_oracle_mae",
    ),
    *("coverage_90", "coverage_90_ci95", "width_90", "coverage_90_p10_subject", "abstained_fraction"),
    *("n_windows", "n_subjects"),
)
"""What stands in every parameter's object, null where it cannot be computed; ``why`` says why."""


def evaluate(judged: Judged, seed: int = 0) -> dict[str, Any]:
    """Every figure, as plain JSON values.

    Returns:
        ``parameters, standards, by_reference_kind, subgroups, identity_residuals, protocol, simulated``.
    """
    return {
        "parameters": {p: parameter_figures(judged, p, seed) for p in PARAMETERS},
        "standards": {p: _standard(judged, p) for p in ("SBP", "DBP")},
        "by_reference_kind": rounded(by_reference_kind(judged)),
        "subgroups": rounded(subgroups(judged)),
        "identity_residuals": identity_residuals(judged),
        "protocol": protocol(judged),
        "simulated": judged.rows.simulated,
    }


def parameter_figures(judged: Judged, parameter: str, seed: int = 0) -> dict[str, Any]:
    """Figures of one parameter: every one of :data:`FIELDS` and more; null has its reason in ``why``."""
    column = PARAMETERS.index(parameter)
    due, given = judged.due(parameter), judged.given(parameter)
    code = judged.rows.code
    out: dict[str, Any] = dict.fromkeys(FIELDS)
    why: dict[str, str] = {}
    if not due.any():
        labelled = judged.schedule.scored & np.isfinite(judged.rows.column(parameter))
        uncalibrated = "no subject has it in a calibration point, so it is not scored"
        nothing = uncalibrated if labelled.any() else "no labelled window to be scored"
        return {**out, "n_windows": 0, "n_subjects": 0, "why": dict.fromkeys(FIELDS[:-2], nothing)}
    reasons, counts = np.unique(judged.predictions.reason[due & ~given, column], return_counts=True)
    out["abstained_fraction"] = float(subject_means(code[due], (~given[due]).astype(np.float64)).mean())
    out["abstained_fraction_pooled"] = float((~given[due]).mean())
    out["abstained_reasons"] = {str(r): int(n) for r, n in zip(reasons, counts, strict=True)}
    out |= {"n_windows": int(given.sum()), "n_subjects": len(np.unique(code[given]))}
    if not given.any():
        nothing = "every window abstained: " + ", ".join(out["abstained_reasons"])
        why = dict.fromkeys([f for f in FIELDS if out[f] is None], nothing)
        return {**rounded(out), "why": why}
    label, estimate = judged.rows.labels[given, column], judged.predictions.mean[given, column]
    out |= error_figures(label, estimate, code[given], seed)
    if parameter not in PRESSURES:
        for name in [n for n in out if n.startswith("cpe")]:
            out[name], why[name] = None, "limits of 5, 10 and 15 mmHg mean something for pressures only"
    out |= _compared(judged, parameter, given, why, seed)
    out |= _intervals(judged, parameter, due, given, why=why, seed=seed)
    out |= _agreement(judged, parameter, given, seed)
    if parameter == "HR":
        out["by_rhythm"] = rate_by_rhythm(judged)
    return _with_reasons(rounded(out), why, out["n_subjects"])


def _with_reasons(out: dict[str, Any], why: dict[str, str], n_subjects: int) -> dict[str, Any]:
    """Every null has its reason."""
    few = (
        "needs two subjects"
        if n_subjects < 2
        else "the reference or the estimate does not move, or too few rows"
    )
    return {**out, "why": {n: why.get(n, few) for n in out if out[n] is None}}


def _compared(judged: Judged, parameter: str, given: Flags, why: dict[str, str], seed: int) -> dict[str, Any]:
    """Baselines on the same rows, skill, gain, control, and the rows where the reference moved."""
    column, k = PARAMETERS.index(parameter), judged.schedule.k
    label, code = judged.rows.labels[given, column], judged.rows.code[given]
    mine = _each(judged.predictions.mean[given, column], label, code)
    out: dict[str, Any] = {}
    each: dict[str, F64] = {}
    for name, value in judged.baselines.items():
        if np.isfinite(value[given, column]).all():
            each[name] = _each(value[given, column], label, code)
            out[f"baseline_{name}_mae"] = float(each[name].mean())
        else:
            out[f"baseline_{name}_mae"], why[f"baseline_{name}_mae"] = None, _no_baseline(name, judged)
    if "mean" in each:
        out |= skill_figures(mine, each["mean"], seed)
    best = "shrunk_hold" if k else "mean"
    out |= _control(judged, parameter, given, best if best in each else "", seed)
    why["control_permuted_mae"] = "the shuffled waves gave no value in these windows"
    if best not in each:
        return out
    out |= gain_figures(mine, each[best], f"gain_over_{best}", seed)
    if parameter in PRESSURES:
        out["no_worse"] = bool(mine.mean() <= each[best].mean() + NO_WORSE_MMHG)
    if k and parameter in PRESSURES:
        out |= _moved(judged, parameter, given, seed)
    return out


def _control(judged: Judged, parameter: str, given: Flags, best: str, seed: int) -> dict[str, Any]:
    """Figures of the shuffled waves, in the rows where they gave a value as well."""
    column = PARAMETERS.index(parameter)
    both = given & np.isfinite(judged.control.mean[:, column])
    if not both.any():
        return {"control_permuted_mae": None}
    label, code = judged.rows.labels[both, column], judged.rows.code[both]
    shuffled = judged.control.mean[both, column]
    each = _each(shuffled, label, code)
    out: dict[str, Any] = {
        "control_permuted_mae": float(each.mean()),
        "control_permuted_r_within": within_r(label, shuffled, code),
        "control_permuted_n_windows": int(both.sum()),
    }
    if best:
        gain = gain_figures(
            each, _each(judged.baselines[best][both, column], label, code), "control_permuted_gain", seed
        )
        out |= {name: value for name, value in gain.items() if not name.endswith("made_worse")}
    return out


def _each(estimate: F64, label: F64, code: Any) -> F64:
    return subject_means(code, np.abs(estimate - label))


def _no_baseline(name: str, judged: Judged) -> str:
    rows = judged.rows
    if name in ("hold", "shrunk_hold") and not judged.schedule.k:
        return "needs calibration points (--calibration-points)"
    if "demographics" in name and not np.isfinite(rows.demographics).any():
        return "no age, sex, height or weight is known"
    return "too few other or training subjects to fit it"


def _moved(judged: Judged, parameter: str, given: Flags, seed: int) -> dict[str, Any]:
    """Rows where the reference is at least 8 mmHg from the mean of the calibration points."""
    column = PARAMETERS.index(parameter)
    label = judged.rows.labels[:, column]
    moved = given & (np.abs(label - judged.baselines["hold"][:, column]) >= MOVED_MMHG)
    out: dict[str, Any] = {"n_windows_moved": int(moved.sum()), "moved_mmhg": MOVED_MMHG}
    if not moved.any():
        return out
    code = judged.rows.code[moved]
    mine = _each(judged.predictions.mean[moved, column], label[moved], code)
    shrunk = _each(judged.baselines["shrunk_hold"][moved, column], label[moved], code)
    return {
        **out,
        "n_subjects_moved": len(mine),
        "moved_mae": float(mine.mean()),
        "moved_baseline_shrunk_hold_mae": float(shrunk.mean()),
        "moved_baseline_hold_mae": float(
            _each(judged.baselines["hold"][moved, column], label[moved], code).mean()
        ),
        **gain_figures(mine, shrunk, "moved_gain_over_shrunk_hold", seed),
    }


def _intervals(
    judged: Judged, parameter: str, due: Flags, given: Flags, *, why: dict[str, str], seed: int
) -> dict[str, Any]:
    """Coverage and width after abstention, before it, and of a conformalised constant on the same rows."""
    column = PARAMETERS.index(parameter)
    label, code = judged.rows.labels[:, column], judged.rows.code

    def covered(of: Predictions, rows: Flags) -> dict[str, Any] | None:
        known = rows & np.isfinite(of.q05[:, column]) & np.isfinite(of.q95[:, column])
        if not known.any() or known.sum() < rows.sum():
            return None
        return coverage_figures(label[known], of.q05[known, column], of.q95[known, column], code[known], seed)

    names = [f for f in FIELDS if f.startswith(("coverage", "width"))]
    out: dict[str, Any] = dict.fromkeys(names)
    found = covered(judged.predictions, given)
    if found is None:
        why |= dict.fromkeys(
            names, "no interval is claimed: fewer than nine calibration subjects, or none real"
        )
    else:
        out |= found | {"coverage_bar_applies": len(np.unique(code[given])) >= BAR_SUBJECTS}
    best = "shrunk_hold" if judged.schedule.k else "mean"
    constant = judged.baselines[best][:, column]
    if np.isfinite(constant[given]).all():
        width = constant_width(label[given], constant[given], judged.schedule.age_s[given], code[given])
        if judged.constant_q90 is not None and not np.isfinite(width):
            width = float(2 * subject_means(code[given], judged.constant_q90[given, column]).mean())
        out[f"width_90_conformal_{best}"] = width
        why[f"width_90_conformal_{best}"] = "needs ten subjects, or nine to train on"
    if judged.before is not None:
        computed = due & np.isfinite(judged.before.mean[:, column])
        unabstained = covered(judged.before, computed) or {}
        for name in ("coverage_90", "coverage_90_ci95", "coverage_90_p10_subject", "width_90"):
            out[f"{name}_before_abstention"] = unabstained.get(name)
            why[f"{name}_before_abstention"] = "no interval without abstention"
        out["n_windows_before_abstention"] = int(computed.sum())
    return out


def _agreement(judged: Judged, parameter: str, given: Flags, seed: int) -> dict[str, Any]:
    column = PARAMETERS.index(parameter)
    label, estimate = judged.rows.labels[given, column], judged.predictions.mean[given, column]
    code = judged.rows.code[given]
    repeated = bland_altman(label, estimate, code, seed)
    out: dict[str, Any] = {
        "bland_altman": repeated,
        "trending": trending(parameter, label, estimate, t_s=judged.rows.t_s[given], code=code, seed=seed),
    }
    if "sd" in repeated:
        out["percentage_error"] = percentage_error(label, code, repeated["sd"])
    return out


def _standard(judged: Judged, parameter: str) -> dict[str, Any]:
    given, column = judged.given(parameter), PARAMETERS.index(parameter)
    order = np.flatnonzero(given)
    order = order[np.lexsort((judged.rows.t_s[order], judged.rows.code[order]))]
    rows = judged.rows
    return standards.judge(
        standards.Pairs(
            parameter,
            rows.labels[order, column],
            judged.predictions.mean[order, column],
            rows.code[order],
            rows.demographics[order, 1],
            tuple(sorted(set(rows.reference_kind[order].tolist()))),
            rows.simulated,
            rows.subject_known,
        )
    )


def protocol(judged: Judged) -> dict[str, Any]:
    """How the figures came about, for the reader of the JSON and of the report."""
    rows, schedule = judged.rows, judged.schedule
    labelled = np.isfinite(rows.labels).any(axis=1)
    return {
        "error": "estimate - reference",
        "weighting": "every subject once; figures ending in _pooled weigh every window once",
        "calibration_points": schedule.k,
        "pause_after_calibration_s": 30.0 if schedule.k else 0.0,
        "window_s": rows.window_s,
        "n_windows_given": len(rows),
        "n_windows_labelled": int(labelled.sum()),
        "n_windows_overlapping_left_out": int((labelled & ~schedule.kept).sum()) - schedule.n_suggested,
        "n_windows_kept": int(schedule.kept.sum()),
        "n_windows_scored": int(schedule.scored.sum()),
        "n_windows_calibrating": int(schedule.points.sum()),
        "n_subjects_with_too_few_windows_to_calibrate": schedule.n_subjects_short,
        "n_labels_suggested_by_a_model_left_out": schedule.n_suggested,
        "n_subjects": len(rows.names),
        "subject_known": rows.subject_known,
        "reference_kinds": sorted(set(rows.reference_kind.tolist())),
        "origins": sorted(set(rows.origin.tolist())),
        "bootstrap": f"{BOOTSTRAPS} draws of subjects with replacement; ci95 is of mae",
        "control": "pulse waves shuffled inside each subject",
    }
