"""What the shipped student's cross-validations say: figures, the card's tables, coverage by quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.estimate.metrics import cross as metrics_cross
from hemoview.estimate.metrics import figures as metrics
from hemoview.estimate.metrics import quality as metrics_quality
from hemoview.estimate.metrics import repeats as metrics_repeats
from hemoview.estimate.metrics.quality import Heard
from hemoview.estimate.metrics.rows import Predictions, Rows
from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.split import Split
from hemoview.learn import loop, prepare
from hemoview.learn.hearings import Hearing
from hemoview.learn.moe.config import PREDICTED
from hemoview.learn.moe.model import LSM2oE
from recorder.schema import PARAMETERS, PRESSURES

F64 = NDArray[np.float64]
CALIBRATION_POINTS: Final = (0, 1, 3, 5)


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """Out-of-fold estimates of one cross-validation.

    Args:
        raw: of every row, by a model that never saw its subject.
        prior: ``(n, 10)`` mean over the training subjects of that fold.
        noisy: the same of every hearing with noise.
    """

    raw: Predictions
    prior: F64
    noisy: tuple[Predictions, ...] = ()


def keep(path: Path, rows: Rows, deals: Sequence[Mapping[str, Folded]]) -> None:
    """Out-of-fold estimates, ``(deal, mean q05 q95, row, parameter)``, for whoever asks another question of them."""
    student, teacher = (
        np.array([(d[who].raw.mean, d[who].raw.q05, d[who].raw.q95) for d in deals])
        for who in ("student", "teacher")
    )
    np.savez_compressed(
        path,
        subject=rows.subject,
        t_s=rows.t_s,
        labels=rows.labels,
        prior=[d["student"].prior for d in deals],
        student=student,
        teacher=teacher,
    )


def judged(rows: Rows, deals: Sequence[Folded], cold_share: float) -> dict[int, dict[str, Any]]:
    """Figures by number of calibration points, means over the cross-validations."""
    return {
        k: metrics_repeats.mean_of_repeats(
            [metrics.evaluate(judged_at(rows, deal, k, cold_share)) for deal in deals]
        )
        for k in CALIBRATION_POINTS
    }


def judged_at(rows: Rows, deal: Folded, k: int, cold_share: float) -> metrics.Judged:
    """One cross-validation after ``k`` calibration points."""
    raw = deal.raw if k else cold(deal, cold_share)
    return metrics.judge_out_of_fold(rows, raw, k=k, prior_mean=deal.prior)


def cold(deal: Folded, share: float) -> Predictions:
    """Estimates and intervals moved towards the training mean, as the bedside shows them before any calibration."""
    return _cold(deal.raw, deal.prior, share)


def _cold(raw: Predictions, prior: F64, share: float) -> Predictions:
    return metrics_cross.shifted(raw, (share - 1) * (raw.mean - prior))


def heard_by(heard: Sequence[Hearing], deal: Folded, share: float) -> list[Heard]:
    """Every hearing with what was estimated of it."""
    return [
        Heard(one.rows, raw, _cold(raw, deal.prior, share), one.sqi)
        for one, raw in zip(heard, (deal.raw, *deal.noisy), strict=True)
    ]


def card_tables(
    heard: Sequence[Hearing], deals: Sequence[Folded], cold_share: float
) -> dict[str, dict[str, Any]]:
    """Shrinkage and conformal tables of every pressure, means over the cross-validations. κ is of the people as
    recorded; the tables, by quality, are of all hearings.
    """
    rows = heard[0].rows
    found = {}
    for p in PRESSURES:
        kappa = mean_of([metrics_cross.card_table(rows, deal.raw, p)["kappa"] for deal in deals])
        tables = [metrics_quality.table(heard_by(heard, deal, cold_share), p) for deal in deals]
        found[p] = {"kappa": kappa, "conformal": mean_of(tables)}
    return found


def quality_figures(
    heard: Sequence[Hearing], deals: Sequence[Folded], cold_share: float
) -> dict[str, dict[str, Any]]:
    """Coverage by quality with and without tables by quality, by pressure and number of calibration points."""
    return {
        p: {
            f"k{k}": mean_of(
                [metrics_quality.coverage(heard_by(heard, deal, cold_share), p, k) for deal in deals]
            )
            for k in (0, 1)
        }
        for p in PRESSURES
    }


def mean_of(values: Sequence[Any]) -> Any:
    """The mean of numbers that sit in equally shaped dicts and lists; whole numbers that agree stay whole."""
    first = values[0]
    if isinstance(first, dict):
        return {key: mean_of([v[key] for v in values]) for key in first}
    if isinstance(first, list):
        return [mean_of(list(each)) for each in zip(*values, strict=True)]
    if any(v is None for v in values):
        return None
    return first if len(set(values)) == 1 else round(float(np.mean(values)), 4)


def simulated_figures(student: LSM2oE, cohort: Dataset, split: Split) -> dict[str, Any]:
    """SIMULATED: how much of stroke volume the student tells of simulated people it never saw."""
    part = prepare.part_of(cohort, split.test)
    found = loop.predict(student, part.views[0])[0][:, PREDICTED.index("SV")]
    label = part.labels[:, PARAMETERS.index("SV")].astype(np.float64)
    r2 = 1 - float(((found - label) ** 2).mean() / label.var())
    return {
        "parameters": {"SV": {"r2_pooled": round(r2, 3), "n_subjects": len(split.test)}},
        "oracle_r2": cohort.about.get("simulated", {}).get("ambiguity", {}).get("oracle_r2", {}),
        "cohort_version": cohort.version,
    }
