"""Writes the bundle: model, golden outputs, card and hashes; what the card says it cannot do is written here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hemoview.dsp.preprocess import MODEL_RATE_HZ, PREPROCESSING, WINDOW_S_MAX, WINDOW_S_MIN
from hemoview.estimate import bundle
from hemoview.estimate.card import CARD_FORMAT
from hemoview.learn.compress import bundle_folder
from hemoview.learn.evaluation import AGES_S
from hemoview.learn.export import F32, model_bytes
from hemoview.learn.rows import LABELS
from hemoview.learn.student import Student
from recorder.errors import ConfigError
from recorder.schema import PARAMETER_UNITS

NAME: Final = "ppg-bp-student"
VERSION: Final = "0.1.0"
MOST_BYTES: Final = 500_000

REFERENCE: Final = "Finapres finger cuff"
EXPIRY_S: Final = 1800.0
"""After this an offset is dropped. The recordings end at 390 s of age; up to here the cold width is kept instead of a
measured one, which assumes only that a person at rest drifts less in half an hour than people differ."""

INTENDED_USE: Final = (
    "Research display of arterial pressure trends in adults at rest beside a reference, with its uncertainty. "
    "Not a medical device; not for diagnosis, treatment or alarms."
)
LIMITS: Final = (
    "Learned from {n} young healthy people lying at rest, finger pulse wave at 125 Hz, 6 to 8 minutes each.",
    "Never checked against a wristband (Empatica E4) or CNAP: wrist waves were imitated by filtering finger waves.",
    "On wearers of a real E4, without any reference, its uncalibrated level lay several mmHg above that of the finger "
    "set: from a wristband the level means little before a calibration point, only its changes may.",
    "Evaluated on windows of 5 s; the live ones of 10 s were checked for agreement only on simulated waves.",
    "Without calibration SBP is no better, rather a little worse, than the mean of the training subjects: it does not "
    "know a person's level.",
    "After one calibration point it follows changes at rest a little better than holding the point; large changes, "
    "posture, exercise, drugs, arrhythmia and hypertension are outside what it saw.",
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
TRAINING_SETS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "bcg_finapres",
        "title": "Bed-based ballistocardiography dataset (Carlson et al., IEEE DataPort 2020), windows of the PPG "
        "blood pressure benchmark (González et al., Scientific Data 2023, doi 10.1038/s41597-023-02020-6)",
        "licence": "CC BY 4.0 (as stated by the collection used; not re-checked at its source)",
        "origin": "recorded",
        "devices": "finger photoplethysmograph; Finapres Finometer PRO",
    },
    {
        "name": "simulated cohort",
        "title": "HemoView physiology model wk3-1; stroke volume only",
        "licence": "MIT",
        "origin": "simulated",
    },
)
ATTRIBUTION: Final = (
    "Carlson C, Turpin V-R, Suliman A, Ade C, Warren S, Thompson DE. Bed-Based Ballistocardiography Dataset. "
    "IEEE DataPort 2020. CC BY 4.0.",
    "González S, Hsieh W-T, Chen TP-C. A benchmark for machine-learning based non-invasive blood pressure estimation "
    "using photoplethysmogram. Scientific Data 10, 149 (2023). CC BY 4.0.",
)
PROTOCOL: Final = (
    "Repeated subject-grouped cross-validation; every window estimated by a student that never saw its subject; "
    "subjects weigh alike; windows of 5 s do not overlap; intervals cross-conformal by subject, each subject's "
    "correction from the other subjects; calibrated: first K windows of a subject and the 30 s after are not scored. "
    "Mean of the repeats. Not computable here: demographics baselines (the set has none)."
)


def write_bundle(
    out: Path,
    student: Student,
    *,
    golden: Mapping[str, F32],
    report: Mapping[str, Any],
    facts: Mapping[str, Any],
    n_subjects: int,
) -> Path:
    """Write the bundle folder below ``out`` and verify it as any reader would.

    Args:
        out: where.
        student: the trained network.
        golden: arrays of ``golden.npz``.
        report: metrics, conformal tables and κ of :func:`hemoview.learn.first_student.evaluate`.
        facts: hashes, recipe, sizes and training ranges of the run.
        n_subjects: real training subjects.

    Raises:
        ConfigError: too large, or it does not verify.
    """
    folder = out / f"{NAME}-{VERSION}"
    model = model_bytes(student)
    size = len(model)
    if size > MOST_BYTES:
        raise ConfigError(
            f"bundle {folder.name}: model.onnx has {size} bytes, at most {MOST_BYTES}; make it smaller"
        )
    return bundle_folder.write_bundle(folder, model, card(report, facts, n_subjects, size), golden)


def card(report: Mapping[str, Any], facts: Mapping[str, Any], n_subjects: int, size: int) -> dict[str, Any]:
    """The card as a JSON object."""
    pressures = LABELS[:3]
    return {
        "format": CARD_FORMAT,
        "name": NAME,
        "version": VERSION,
        "intended_use": INTENDED_USE,
        "limits": [line.format(n=n_subjects) for line in LIMITS],
        "parameters": list(LABELS),
        "per_parameter": {p: _facts(p, n_subjects if p in pressures else 0) for p in LABELS},
        "sampling_rate_hz": MODEL_RATE_HZ,
        "window_s_min": WINDOW_S_MIN,
        "window_s_max": WINDOW_S_MAX,
        "preprocessing": {"version": PREPROCESSING, "function": "hemoview.dsp.preprocess.model_input"},
        "inputs": ["ppg"],
        "outputs": list(bundle.OUTPUTS),
        "quantiles": "around a subject's own level; the level's own uncertainty is in the conformal tables",
        "conformal": {p: conformal(report["conformal"][p]) for p in pressures},
        "personalisation": {
            "rule": "offset = n / (n + kappa) * mean(reference - estimate), n = calibration points",
            "kappa": {p: report["kappa"][p] for p in pressures},
            "expiry_s": EXPIRY_S,
            "tested_up_to_s": AGES_S[-1],
        },
        "training_range": facts["training_range"],
        "training_sets": [dict(s) for s in TRAINING_SETS],
        "reproduce": "python -m hemoview.learn.first_student --data DIR --out DIR",
        "software": facts["software"],
        "training_hash": facts["training_hash"],
        "split_hash": facts["split_hash"],
        "recipe": facts["recipe"],
        "plan": facts["plan"],
        "metrics": {
            "protocol": PROTOCOL,
            "recorded": report["metrics"],
            "recorded_wristlike": report["wristlike"],
        },
        "SIMULATED": {
            "cohort_sha256": facts["cohort_sha256"],
            "ambiguity": facts["ambiguity"],
            "student_r2": report["simulated"]["r2"],
        },
        "devices_in_training": ["Finapres", "Finometer"],
        "devices_not_in_training": ["Empatica E4", "CNAP"],
        "attribution": list(ATTRIBUTION),
        "size_bytes": size,
        "macs": facts["macs"],
        "params": facts["params"],
    }


def conformal(table: Mapping[str, Any]) -> dict[str, Any]:
    """The measured table, with a last row up to the expiry that is never narrower than the cold start."""
    cold = table["cold"]
    last = max(cold["q90"], *(row["q90"] for row in table["personalised"]))
    untested = {"age_s_max": EXPIRY_S, "q90": last, "n_subjects": cold["n_subjects"], "tested": False}
    return {"cold": cold, "personalised": [*table["personalised"], untested]}


def _facts(parameter: str, n_subjects: int) -> dict[str, Any]:
    real = n_subjects > 0
    return {
        "unit": PARAMETER_UNITS[parameter],
        "reference_kind": REFERENCE if real else "simulated",
        "sensor_site": "finger" if real else "simulated finger and wrist",
        "n_real_subjects": n_subjects,
        "n_calibration_subjects": n_subjects,
    }
