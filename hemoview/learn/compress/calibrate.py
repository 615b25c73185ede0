"""A card's conformal tables and shrinkage from subjects that trained nothing: what one split can give.

Cross-validated tables (:mod:`hemoview.learn.ship`) are better where there are few subjects; their maker passes them to
the card instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hemoview.estimate.bundle import Bundle
from hemoview.estimate.card import MIN_CALIBRATION_SUBJECTS
from hemoview.estimate.metrics.cross import card_table
from hemoview.estimate.metrics.derived import stretch_table
from hemoview.estimate.metrics.rows import Predictions, Rows, plan, predictions_of
from hemoview.estimate.predictors import BundlePredictor, Seen, rows_from
from hemoview.estimate.stretch import STRETCHED, flow_source
from hemoview.labels.datasets.dataset import Dataset
from hemoview.learn import views
from hemoview.learn.compress.card import EXPIRY_S
from hemoview.learn.compress.quantise import answers
from hemoview.learn.moe.config import PARAMETERS


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


def calibration(people: Dataset, seen: Seen, model: bytes, names: Sequence[str]) -> Calibration:
    """Tables of every parameter that has labels of nine subjects or more.

    Args:
        people, seen: windows of people who did not train.
        model: ONNX bytes that will be shipped.
        names: its outputs.
    """
    if not len(people) or people.flat.all():
        return Calibration()
    alive = ~people.flat
    chosen = people.take(alive)
    rows = rows_from(chosen, seen.take(alive))
    return tables_of(rows, _said(chosen, model, names), names, subject_known=people.subject_known)


def stretching(bundle: Bundle, people: Dataset, seen: Seen) -> dict[str, dict[str, Any]]:
    """``derived`` of the card: from what the bundle says of people who did not train, by the very code that judges and
    runs live, against labels.

    Args:
        bundle: with every other table in its card.
        people, seen: as :func:`calibration` has them.
    """
    if not len(people) or not people.subject_known:
        return {}
    rows, said = rows_from(people, seen), BundlePredictor(bundle, people, seen)
    plans = [plan(rows, k) for k in (0, 1)]
    cold, warm = (said.predict(rows, schedule)[0] for schedule in plans)
    direct = flow_source(bundle.card.parameters)
    found = {
        p: stretch_table(rows, (plans[0], cold), None if p == "HR" else (plans[1], warm), p)
        for p in STRETCHED
        if p != direct and (p != "HR" or people.simulated)
    }
    return {p: table for p, table in found.items() if table["cold"] is not None}


def tables_of(
    rows: Rows, raw: Predictions, names: Sequence[str], *, subject_known: bool = True
) -> Calibration:
    """Tables from estimates of people who did not train; where rows are not known to be people, none."""
    conformal, kappa, n_subjects = {}, {}, {}
    for name in names:
        known = np.isfinite(rows.column(name))
        n_subjects[name] = len(np.unique(rows.code[known]))
        if n_subjects[name] < MIN_CALIBRATION_SUBJECTS or not subject_known:
            continue
        found = card_table(rows, raw, name)
        if found["conformal"]["cold"] is not None:
            conformal[name] = with_untested_row(found["conformal"])
        if found["kappa"] is not None and conformal[name]["personalised"]:
            kappa[name] = found["kappa"]
    ages = [
        row["age_s_max"] for t in conformal.values() for row in t["personalised"] if row.get("tested", True)
    ]
    return Calibration(conformal, kappa, n_subjects, max(ages, default=0.0))


def with_untested_row(table: Mapping[str, Any]) -> dict[str, Any]:
    """The measured table, with last rows up to the expiry that are never narrower than the cold start, one for each
    quality the cold start knows.
    """
    cold, rows = table["cold"], table["personalised"]
    better = table.get("cold_by_quality", [])
    found = {"cold": cold, **({"cold_by_quality": better} if better else {})}
    if not rows:
        return {**found, "personalised": []}
    last = []
    for start in (cold, *better):
        least = start.get("sqi_min", 0.0)
        widest = max(start["q90"], *(row["q90"] for row in rows if _holds_at(row, least, rows)))
        quality = {"sqi_min": least} if least else {}
        facts = {"q90": widest, "n_subjects": start["n_subjects"], "tested": False}
        last.append({"age_s_max": EXPIRY_S, **quality, **facts})
    return {**found, "personalised": [*(row for row in rows if row["age_s_max"] < EXPIRY_S), *last]}


def _holds_at(row: Mapping[str, Any], sqi: float, rows: Sequence[Mapping[str, Any]]) -> bool:
    """The row is the one of its age for this quality."""
    reached = [r.get("sqi_min", 0.0) for r in rows if r["age_s_max"] == row["age_s_max"]]
    return bool(row.get("sqi_min", 0.0) == max(least for least in reached if least <= sqi))


def _said(chosen: Dataset, model: bytes, names: Sequence[str]) -> Predictions:
    """Outputs of the model in the order of all parameters."""
    said = answers(model, views.plain(chosen.ppg, chosen.sampling_rate_hz))
    out = np.full((3, len(chosen), len(PARAMETERS)), np.nan)
    for column, name in enumerate(names):
        for kind, key in enumerate(("mean", "q05", "q95")):
            out[kind, :, PARAMETERS.index(name)] = said[key][:, column]
    return predictions_of(*out)
