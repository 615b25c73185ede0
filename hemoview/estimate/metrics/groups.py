"""Figures of parts of the rows: reference kinds, subgroups; and whether the ten numbers agree with each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from hemoview.estimate.metrics.judged import Judged
from hemoview.estimate.metrics.subjects import F64, Flags, rounded, subject_means
from recorder.schema import PARAMETERS, body_surface_m2
from recorder.schema.subject import ASSUMED_CVP_MMHG

LEAST_SUBJECTS: Final = 5
TOO_FEW: Final = "too few"
AGE_BANDS: Final = ((0.0, 40.0), (40.0, 65.0), (65.0, 200.0))


def by_reference_kind(judged: Judged) -> dict[str, Any]:
    """Short figures of every kind of reference apart; kinds are never pooled without this beside it."""
    kinds = sorted(set(judged.rows.reference_kind[judged.schedule.scored].tolist()))
    return {kind or "unknown": _short(judged, judged.rows.reference_kind == kind, least=1) for kind in kinds}


def rate_by_rhythm(judged: Judged) -> dict[str, Any]:
    """Heart rate apart for each rhythm, however few subjects: beats are counted otherwise where it is irregular."""
    rhythms = {name: _short(judged, judged.rows.rhythm == name, least=1) for name in ("regular", "irregular")}
    return {name: found["HR"] for name, found in rhythms.items() if isinstance(found, dict) and "HR" in found}


def subgroups(judged: Judged) -> dict[str, Any]:
    """Error, coverage and abstention by sex, age, pressure and rhythm; fewer than five subjects read "too few"."""
    out: dict[str, Any] = {}
    for family, name, rows in _groups(judged):
        out.setdefault(family, {})[name] = _short(judged, rows, least=LEAST_SUBJECTS)
    out["skin_tone"] = "not recorded in this dataset"
    return out


def _groups(judged: Judged) -> Iterator[tuple[str, str, Flags]]:
    rows = judged.rows
    age, sex = rows.demographics[:, 0], rows.demographics[:, 1]
    for name, group in (("women", sex == 0), ("men", sex == 1), ("unknown", ~np.isfinite(sex))):
        yield "sex", name, group
    for low, high in AGE_BANDS:
        text = f"{low:g} to {high - 1:g}" if high < 200 else f"{low:g} and more"
        yield "age_years", text, (age >= low) & (age < high)
    yield "age_years", "unknown", ~np.isfinite(age)
    tertile = _pressure_tertile(judged)
    for number, name in enumerate(("lowest", "middle", "highest")):
        yield "sbp_tertile_of_subjects", name, tertile == number
    for name in ("regular", "irregular"):
        yield "rhythm_seen_in_the_pulse_wave", name, rows.rhythm == name


def _pressure_tertile(judged: Judged) -> F64:
    """Which third of the subjects, by mean reference SBP, a row's subject is in; NaN unknown."""
    sbp = judged.rows.column("SBP")
    known = judged.schedule.kept & np.isfinite(sbp)
    out = np.full(len(sbp), np.nan)
    if not known.any():
        return out
    present = np.unique(judged.rows.code[known])
    means = subject_means(judged.rows.code[known], sbp[known])
    edges = np.quantile(means, [1 / 3, 2 / 3])
    for number, mean in zip(present, means, strict=True):
        out[judged.rows.code == number] = float(np.searchsorted(edges, mean, side="right"))
    return out


def _short(judged: Judged, group: Flags, least: int) -> dict[str, Any] | str:
    """Per parameter ``{mae, me, coverage_90, width_90, abstained_fraction, n_windows, n_subjects}``."""
    out: dict[str, Any] = {}
    code, found = judged.rows.code, judged.predictions
    for column, parameter in enumerate(PARAMETERS):
        due = judged.due(parameter) & group
        given = due & judged.given(parameter)
        n = len(np.unique(code[due]))
        if n == 0:
            continue
        if n < least:
            out[parameter] = TOO_FEW
            continue
        label = judged.rows.labels[:, column]
        error = found.mean[given, column] - label[given]
        sure = given & np.isfinite(found.q05[:, column]) & np.isfinite(found.q95[:, column])
        inside = (label >= found.q05[:, column]) & (label <= found.q95[:, column])
        width = found.q95[:, column] - found.q05[:, column]
        out[parameter] = {
            "mae": _mean(code[given], np.abs(error)),
            "me": _mean(code[given], error),
            "coverage_90": _mean(code[sure], inside[sure].astype(np.float64)),
            "width_90": _mean(code[sure], width[sure]),
            "abstained_fraction": _mean(code[due], (~given[due]).astype(np.float64)),
            "n_windows": int(given.sum()),
            "n_subjects": n,
        }
    if not out or all(value == TOO_FEW for value in out.values()):
        return TOO_FEW
    return out


def _mean(code: Any, value: F64) -> float | None:
    return float(subject_means(code, value).mean()) if len(code) else None


def identity_residuals(judged: Judged) -> dict[str, Any]:
    """Largest relative residual of each identity among the estimates, and among the references, with the number of rows
    it could be formed in; and how often DBP < MAP < SBP does not hold.
    """
    use = judged.schedule.scored
    return {
        "estimate": _residuals(judged, judged.predictions.mean, use),
        "reference": _residuals(judged, judged.rows.labels, use),
        "of": "largest |left − right| / |right|; CVP as recorded, else 5 mmHg; BSA by DuBois & DuBois",
    }


def _residuals(judged: Judged, values: F64, use: Flags) -> dict[str, Any]:
    v = {p: values[use, column] for column, p in enumerate(PARAMETERS)}
    height, weight = judged.rows.demographics[use, 2], judged.rows.demographics[use, 3]
    bsa = body_surface_m2(height, weight)
    cvp = judged.rows.cvp_mmhg[use]
    cvp = np.where(np.isfinite(cvp), cvp, ASSUMED_CVP_MMHG)
    sides = {
        "CO": (v["CO"], v["HR"] * v["SV"] / 1000.0),
        "CI": (v["CI"], v["CO"] / bsa),
        "SI": (v["SI"], v["SV"] / bsa),
        "SVR": (v["SVR"], 80.0 * (v["MAP"] - cvp) / v["CO"]),
        "SVRI": (v["SVRI"], v["SVR"] * bsa),
    }
    out: dict[str, Any] = {}
    for name, (left, right) in sides.items():
        known = np.isfinite(left) & np.isfinite(right) & (right != 0)
        residual = np.abs(left[known] - right[known]) / np.abs(right[known])
        out[name] = {"largest": rounded(residual.max(), 9) if known.any() else None, "n": int(known.sum())}
    ordered = np.isfinite(v["SBP"]) & np.isfinite(v["MAP"]) & np.isfinite(v["DBP"])
    wrong = ordered & ~((v["DBP"] < v["MAP"]) & (v["MAP"] < v["SBP"]))
    return {**out, "order": {"violations": int(wrong.sum()), "n": int(ordered.sum())}}
