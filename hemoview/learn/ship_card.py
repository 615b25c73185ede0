"""What the shipped student's card says: where it comes from, and what it cannot do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.split import Split
from hemoview.learn.compress.calibrate import with_untested_row
from hemoview.learn.compress.card import EXPIRY_S, CardFacts, Learned
from hemoview.learn.compress.pipeline import Compressed
from hemoview.learn.teaching import Sources
from recorder.schema import PARAMETERS

NAMES: Final = {"student": "lsm2oe-student", "teacher": "lsm2oe-teacher"}
VERSION: Final = "0.2.1"
PEOPLE: Final = "bcg_finapres"
INTENDED_USE: Final = (
    "Research display of arterial pressure trends in adults at rest beside a reference, with its uncertainty. "
    "Not a medical device; not for diagnosis, treatment or alarms."
)
LIMITS: Final = (
    "Learned from {n} young healthy people lying at rest, finger pulse wave at 125 Hz, 6 to 8 minutes each.",
    "Never checked against a wristband (Empatica E4) or CNAP: wrist waves were imitated by filtering finger waves and "
    "laying real E4 noise over them.",
    "Intervals by signal quality: windows of lower quality are those of the same people with noise of real E4 wrists "
    "laid over them at known ratios, not windows that were recorded badly.",
    "From a wristband the level means little before a calibration point, only its changes may.",
    "Evaluated on windows of 5 s; live ones are 10 s long.",
    "Without calibration SBP is no better than the mean of the training subjects: it does not know a person's level.",
    "After calibration points it follows changes at rest a little better than holding them; large changes, posture, "
    "exercise, drugs, arrhythmia and hypertension are outside what it saw.",
    "90 % intervals hold on average over people like the training subjects (exchangeable), not for each person and "
    "not for other devices. They cover readings of a finger cuff, not intra-arterial pressure.",
    "Calibration age was tested up to 390 s. From there to the expiry the interval keeps the width it has without "
    "calibration; no data support it.",
    "Calibration points in the evaluation came from the same finger cuff as the reference; an arm cuff has an error of "
    "its own on top.",
    "Stroke volume was learned from simulation alone: SIMULATED, of no meaning for people. No pressure was learned "
    "from simulation.",
    "Choices of size and training were made on the same cross-validation that is reported, so its figures are slightly "
    "favourable. No subject was held apart for a final test.",
)
PEOPLE_SET: Final[dict[str, Any]] = {
    "name": PEOPLE,
    "title": "Bed-based ballistocardiography dataset (Carlson et al., IEEE DataPort 2020), windows of the PPG "
    "blood pressure benchmark (González et al., Scientific Data 2023, doi 10.1038/s41597-023-02020-6)",
    "licence": "CC BY 4.0 (as stated by the collection used; not re-checked at its source)",
    "origin": "recorded",
    "devices": "finger photoplethysmograph; Finapres Finometer PRO",
}
WRIST_SET: Final[dict[str, Any]] = {
    "name": "e4_stress_predict",
    "title": "Stress-Predict Dataset (Iqbal et al., Sensors 2022): noise of moving wrists, no label; every other "
    "wearer teaches, the others judge quality",
    "licence": "MIT",
    "origin": "recorded",
    "devices": "Empatica E4",
}
COHORT_SET: Final[dict[str, Any]] = {
    "name": "simulated ten-label cohort",
    "title": "HemoView physiology model wk3-1; stroke volume only",
    "licence": "MIT",
    "origin": "simulated",
}
ATTRIBUTION: Final = (
    "Carlson C, Turpin V-R, Suliman A, Ade C, Warren S, Thompson DE. Bed-Based Ballistocardiography Dataset. "
    "IEEE DataPort 2020. CC BY 4.0.",
    "González S, Hsieh W-T, Chen TP-C. A benchmark for machine-learning based non-invasive blood pressure estimation "
    "using photoplethysmogram. Scientific Data 10, 149 (2023). CC BY 4.0.",
    "Iqbal T, Simpkin AJ, Roshan D, et al. Stress Monitoring Using Wearable Sensors: A Pilot Study and Stress-Predict "
    "Dataset. Sensors 22, 8135 (2022). MIT.",
)
PROTOCOL: Final = (
    "Repeated subject-grouped cross-validation; every window estimated by a student, compressed as the shipped one, "
    "that never saw its subject; subjects weigh alike; windows of 5 s do not overlap; intervals cross-conformal by "
    "subject; k points: the first k windows of a subject and the 30 s after are not scored; each is compared with the "
    "median of the model from 45 s before to 15 s after it, as live. Mean of the repeats."
)
_KEPT: Final = (
    *(
        "mae",
        "me",
        "sd",
        "rmse",
        "r_within",
        "ci95",
        "skill",
        "n_windows",
        "n_subjects",
        "coverage_90",
        "width_90",
    ),
    *("coverage_90_ci95", "coverage_90_p10_subject", "baseline_mean_mae", "baseline_hold_mae"),
    *(
        "baseline_shrunk_hold_mae",
        "baseline_subject_mean_oracle_mae",
        "baseline_time_trend_mae",
        "control_mae",
    ),
)
"""Of every parameter's figures; the whole is in the report."""


@dataclass(frozen=True, slots=True, eq=False)
class ColdStart:
    """Before any calibration: ``mean + share · (estimate − mean)``.

    Args:
        share: 0 to 1.
        mean: ``(10,)`` label means of the training subjects.
    """

    share: float
    mean: NDArray[np.float64]

    def to_json(self, parameters: Iterable[str]) -> dict[str, Any]:
        """As the card has it."""
        mean = {p: round(float(self.mean[PARAMETERS.index(p)]), 3) for p in parameters}
        return {"share": self.share, "mean": mean}


def facts(
    sources: Sources,
    cohort: Dataset,
    made: Compressed,
    *,
    name: str,
    split: Split,
    tables: Mapping[str, Mapping[str, Any]],
    metrics: Mapping[str, Mapping[str, Any]],
    simulated: Mapping[str, Any],
    recipe: Mapping[str, Any],
    cold_start: ColdStart,
) -> CardFacts:
    """Everything the card needs that the network does not tell.

    Args:
        sources, cohort: what pressures and stroke volume were learned from.
        made: the network. ``name``: of its bundle, without the version.
        split: of the cohort.
        tables: ``{kappa, conformal}`` of every pressure, from out-of-fold estimates.
        metrics: figures by number of calibration points.
        simulated: figures of simulated people.
        recipe: what decided the run.
        cold_start: what is done to an estimate without calibration.
    """
    people = sources.people
    n = len(people.subjects)
    stroke = Learned("simulated", "simulated finger and wrist", 0, 0)
    pressure = Learned("Finapres finger cuff", "finger", n, n)
    tested = max(row["age_s_max"] for t in tables.values() for row in t["conformal"]["personalised"])
    return CardFacts(
        name=name,
        version=VERSION,
        learned={**dict.fromkeys(tables, pressure), "SV": stroke},
        conformal={p: with_untested_row(t["conformal"]) for p, t in tables.items()},
        kappa={p: t["kappa"] for p, t in tables.items()},
        training_range={p: _range(people if p in tables else cohort, p) for p in made.student.parameters_out},
        training_mean=label_means(made),
        training_sets=_sets(sources, cohort),
        metrics=_metrics(metrics, tables),
        training_hash=people.version,
        split_hash=split.sha256,
        limits=[line.format(n=n) for line in LIMITS],
        intended_use=INTENDED_USE,
        attribution=ATTRIBUTION,
        devices_in_training=("Finapres", "Finometer"),
        devices_not_in_training=("Empatica E4", "CNAP"),
        expiry_s=EXPIRY_S,
        tested_up_to_s=tested,
        reproduce="python -m hemoview.learn.ship --people DIR --cohort DIR --wrists DIR --out DIR",
        software=software(),
        more={
            "quantiles": "around a subject's own level; the level's own uncertainty is in the conformal tables",
            "cold_start": cold_start.to_json(tables),
            "recipe": dict(recipe),
            "SIMULATED": dict(simulated),
        },
    )


def _sets(sources: Sources, cohort: Dataset) -> list[dict[str, Any]]:
    further = [*sources.arterial, *([] if sources.short is None else [sources.short])]
    told = [
        (PEOPLE_SET, sources.people),
        (WRIST_SET, sources.wrists),
        (COHORT_SET, cohort),
        *(
            ({"name": d.name, "origin": "recorded", "licence": d.about.get("licence", "")}, d)
            for d in further
        ),
    ]
    return [{**words, "version": d.version} for words, d in told if d is not None]


def _metrics(metrics: Mapping[str, Mapping[str, Any]], parameters: Iterable[str]) -> dict[str, Any]:
    short = {k: {p: _short(found[p]) for p in parameters} for k, found in metrics.items()}
    return {"protocol": PROTOCOL, **short}


def label_means(made: Compressed) -> dict[str, float]:
    """Mean of the training labels of every output."""
    mean = made.student.scale.mean
    return {p: round(mean[PARAMETERS.index(p)], 3) for p in made.student.parameters_out}


def software() -> dict[str, str]:
    """Versions of what trained and exported."""
    return {
        "torch": torch.__version__.partition("+")[0],
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def _range(source: Dataset, parameter: str) -> list[float]:
    """1st and 99th percentile of the labels."""
    low, high = np.nanpercentile(source.labels[:, PARAMETERS.index(parameter)], [1, 99])
    return [round(float(low), 1), round(float(high), 1)]


def _short(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in _KEPT if figures.get(name) is not None}
