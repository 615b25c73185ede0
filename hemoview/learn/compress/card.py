"""The card of a compressed student, from what its maker knows of training, evaluation and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hemoview.dsp.preprocess import MODEL_RATE_HZ, PREPROCESSING, WINDOW_S_MAX, WINDOW_S_MIN
from hemoview.estimate import bundle
from hemoview.estimate.card import CARD_FORMAT
from hemoview.learn.compress.pipeline import Compressed
from hemoview.learn.moe.complexity import count_macs, count_params
from hemoview.learn.moe.model import SAMPLES_MAX
from recorder.schema import PARAMETER_UNITS

INTENDED_USE: Final = (
    "Research display of trends of arterial pressure and stroke volume in adults at rest beside a reference, with "
    "their uncertainty. Not a medical device; not for diagnosis, treatment or alarms."
)
EXPIRY_S: Final = 1800.0
"""After this a personal offset is dropped, unless the caller has evidence for another time."""


@dataclass(frozen=True, slots=True)
class Learned:
    """Where one parameter was learned from.

    Args:
        reference_kind: e.g. ``Finapres finger cuff``, or ``simulated``.
        sensor_site: e.g. ``finger``.
        n_real_subjects: people whose reference trained it; 0 = simulation alone.
        n_calibration_subjects: people behind its conformal table.
    """

    reference_kind: str
    sensor_site: str
    n_real_subjects: int
    n_calibration_subjects: int


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What only the maker knows.

    Args:
        name, version: the bundle's; its folder is ``<name>-<version>``.
        learned: by parameter.
        conformal: by parameter ``{cold: {q90, n_subjects}, personalised: [{age_s_max, q90, n_subjects}, …]}``; a
            parameter without one gets no interval.
        kappa: shrinkage by parameter; one without cannot be personalised.
        training_range: by parameter, [low, high] of the training labels.
        training_mean: by parameter, of the training labels.
        training_sets: name, licence, origin, devices of each.
        metrics: with their protocol; ``simulated``: the figures that are.
        simulated: any of it rests on simulated people.
        training_hash, split_hash: of dataset and split.
        reproduce: a command line.
    """

    name: str
    version: str
    learned: Mapping[str, Learned]
    conformal: Mapping[str, Mapping[str, Any]]
    kappa: Mapping[str, float]
    training_range: Mapping[str, Sequence[float]]
    training_mean: Mapping[str, float]
    training_sets: Sequence[Mapping[str, Any]]
    metrics: Mapping[str, Any]
    training_hash: str
    split_hash: str
    simulated: bool = False
    limits: Sequence[str] = ()
    intended_use: str = INTENDED_USE
    attribution: Sequence[str] = ()
    devices_in_training: Sequence[str] = ()
    devices_not_in_training: Sequence[str] = ()
    expiry_s: float = EXPIRY_S
    tested_up_to_s: float = 0.0
    reproduce: str = ""
    software: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def card_of(made: Compressed, facts: CardFacts) -> dict[str, Any]:
    """The card as a JSON object. Figures of simulated people stand under ``SIMULATED`` and nowhere else."""
    names = made.student.parameters_out
    measured = {"metrics": dict(facts.metrics), "stages": _stages(made)}
    return {
        "format": CARD_FORMAT,
        "name": facts.name,
        "version": facts.version,
        "intended_use": facts.intended_use,
        "limits": list(facts.limits),
        "parameters": list(names),
        "per_parameter": {p: _learned(p, facts.learned[p]) for p in names},
        "sampling_rate_hz": MODEL_RATE_HZ,
        "window_s_min": WINDOW_S_MIN,
        "window_s_max": WINDOW_S_MAX,
        "preprocessing": {"version": PREPROCESSING, "function": "hemoview.dsp.preprocess.model_input"},
        "inputs": ["ppg"],
        "outputs": list(bundle.OUTPUTS),
        "conformal": {p: dict(facts.conformal[p]) for p in names if p in facts.conformal},
        "conformal_from": "SIMULATED subjects" if facts.simulated else "real subjects",
        "personalisation": {
            "rule": "offset = n / (n + kappa) * mean(reference - estimate), n = calibration points",
            "kappa": {p: facts.kappa[p] for p in names if p in facts.kappa},
            "expiry_s": facts.expiry_s,
            "tested_up_to_s": facts.tested_up_to_s,
        },
        "training_range": {p: list(facts.training_range[p]) for p in names},
        "training_label_mean": {p: facts.training_mean[p] for p in names if p in facts.training_mean},
        "training_sets": [dict(s) for s in facts.training_sets],
        "reproduce": facts.reproduce,
        "software": dict(facts.software),
        "training_hash": facts.training_hash,
        "split_hash": facts.split_hash,
        **({"metrics": {}, "SIMULATED": measured} if facts.simulated else measured),
        "form": made.form,
        "why_this_form": made.why,
        "network": made.student.config.to_json(),
        "label_scale": made.student.scale.to_json(),
        "devices_in_training": list(facts.devices_in_training),
        "devices_not_in_training": list(facts.devices_not_in_training),
        "attribution": list(facts.attribution),
        "size_bytes": len(made.model),
        "macs": count_macs(made.student, SAMPLES_MAX).dense,
        "params": count_params(made.student),
        **facts.more,
    }


def _stages(made: Compressed) -> list[dict[str, Any]]:
    """The table without times, which are of one machine."""
    keep = ("name", "params", "macs", "size_bytes", "mae", "skill", "off_fp32_sd")
    return [{key: getattr(s, key) for key in keep} for s in made.stages]


def _learned(parameter: str, facts: Learned) -> dict[str, Any]:
    return {
        "unit": PARAMETER_UNITS[parameter],
        "reference_kind": facts.reference_kind,
        "sensor_site": facts.sensor_site,
        "n_real_subjects": facts.n_real_subjects,
        "n_calibration_subjects": facts.n_calibration_subjects,
    }
