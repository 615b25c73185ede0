"""A card's conformal tables and shrinkage from subjects that trained nothing: what one split can give.

Cross-validated figures (:mod:`hemoview.learn.evaluation`) are better where there are few subjects; their maker passes
them to the card instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemoview.estimate.card import MIN_CALIBRATION_SUBJECTS
from hemoview.labels.dataset import Dataset
from hemoview.learn import evaluation, scores, views
from hemoview.learn.compress.card import EXPIRY_S
from hemoview.learn.compress.quantise import answers
from hemoview.learn.moe.config import PARAMETERS, LabelScale
from hemoview.learn.predictors import recording_times
from hemoview.learn.scores import Held

_WINDOWS_A_SUBJECT = 3


@dataclass(frozen=True, slots=True)
class Calibration:
    """Tables of the card.

    Args:
        conformal, kappa: by parameter; a parameter with too few subjects is in neither.
        n_subjects: by parameter, behind its table.
        tested_up_to_s: oldest personalisation age of a row.
    """

    conformal: dict[str, dict[str, Any]] = field(default_factory=dict)
    kappa: dict[str, float] = field(default_factory=dict)
    n_subjects: dict[str, int] = field(default_factory=dict)
    tested_up_to_s: float = 0.0


def calibration(
    dataset: Dataset, subjects: Sequence[str], model: bytes, names: Sequence[str], scale: LabelScale
) -> Calibration:
    """Tables of every parameter that has labels of nine subjects or more.

    Args:
        dataset, subjects: rows of people who did not train.
        model: ONNX bytes that will be shipped.
        names: its outputs.
        scale: label statistics of the training rows.
    """
    held = held_rows(dataset, subjects, model, names, scale)
    out = Calibration(tested_up_to_s=evaluation.AGES_S[-1])
    for name, rows in held.items():
        n_subjects = len(rows.names)
        out.n_subjects[name] = n_subjects
        if n_subjects < MIN_CALIBRATION_SUBJECTS or not dataset.subject_known:
            continue
        out.conformal[name] = table_of(rows)
        if _enough(rows):
            out.kappa[name] = evaluation.kappa(rows)
    return out


def held_rows(
    dataset: Dataset, subjects: Sequence[str], model: bytes, names: Sequence[str], scale: LabelScale
) -> dict[str, Held]:
    """What the model says of the labelled windows of ``subjects``, by parameter."""
    if not subjects:
        return {}
    chosen = dataset.take(np.intersect1d(dataset.rows_of(subjects), np.flatnonzero(~dataset.flat)))
    if not len(chosen):
        return {}
    said = answers(model, views.plain(chosen.ppg, chosen.sampling_rate_hz))
    times_s = _times_s(chosen)
    out = {}
    for column, name in enumerate(names):
        index = PARAMETERS.index(name)
        label = chosen.labels[:, index].astype(np.float64)
        known = np.isfinite(label)
        mean, q05, q95 = (said[kind][known, column].astype(np.float64) for kind in ("mean", "q05", "q95"))
        prior = np.full(int(known.sum()), scale.mean[index])
        out[name] = Held(chosen.subject_id[known], times_s[known], label[known], mean, q05, q95, prior)
    return out


def table_of(held: Held) -> dict[str, Any]:
    """Cold, and by age after one calibration point; the last row, to the expiry, no narrower than cold."""
    if not _enough(held):
        none = np.zeros(len(held.label))
        q90 = scores.conformal_q90(held.subject, scores.scores(held, none))
        return {"cold": {"q90": round(q90, 3), "n_subjects": len(held.names)}, "personalised": []}
    table = evaluation.conformal_table(held)
    cold = table["cold"]
    rows = [row for row in table["personalised"] if row["n_subjects"] >= MIN_CALIBRATION_SUBJECTS]
    widest = max(cold["q90"], *(row["q90"] for row in rows)) if rows else cold["q90"]
    untested = {
        "age_s_max": EXPIRY_S,
        "q90": widest,
        "n_subjects": cold["n_subjects"],
        "tested": False,
    }
    return {"cold": cold, "personalised": [*rows, untested]}


def _enough(held: Held) -> bool:
    """Every subject has windows to be calibrated with and windows to be judged on."""
    counts = [int(held.of(name).sum()) for name in held.names]
    return len(counts) >= MIN_CALIBRATION_SUBJECTS and min(counts) >= _WINDOWS_A_SUBJECT


def _times_s(dataset: Dataset) -> NDArray[np.float64]:
    """Start of each window on one clock of its subject; where it is not known, windows follow each other."""
    times_s = recording_times(dataset)
    for name in dataset.subjects:
        mine = np.flatnonzero(dataset.subject_id == name)
        if not np.isfinite(times_s[mine]).all():
            times_s[mine] = np.arange(len(mine)) * dataset.window_s
    return times_s
