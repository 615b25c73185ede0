"""A model judged on a dataset: figures, the page and the print of them. No torch: a bundle runs as it does live."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.quality import assess
from hemoview.estimate.estimator import heart_rate_span
from hemoview.estimate.metrics import cross as metrics_cross
from hemoview.estimate.metrics import figures as metrics
from hemoview.estimate.metrics.figures import Judged
from hemoview.estimate.metrics.rows import Rows, plan, rows_of
from hemoview.estimate.metrics.subjects import F64
from hemoview.estimate.predictors import (
    BundlePredictor,
    Predictor,
    Seen,
    Tell,
    hop_s,
    look,
    recording_times,
    rows_from,
)
from hemoview.labels.datasets.dataset import Dataset
from hemoview.report import evaluation_page
from hemoview.report.choice import Chosen, Opened
from hemoview.report.pdf import pdf_of
from recorder.counted import counted
from recorder.errors import ConfigError
from recorder.host.console import progress
from recorder.schema import PARAMETER_UNITS, PARAMETERS
from recorder.session.workplace import workplace

MOST_RATES: Final = 1500
"""Training windows in which the heart rate is counted for the baselines; evenly spread where there are more."""
FIGURES, REPORT, PRINT, VALUES = "evaluation.json", "report.html", "report.pdf", "predictions.npz"


_BASELINES: Final = {"mean": "mean of others", "shrunk_hold": "the subject's calibration points held, shrunk"}
"""What an error is weighed against, in words for people."""

Make = Callable[[Dataset, Seen, Tell], Predictor]
"""A model before the rows it is judged on."""


def of_bundle(opened: Opened) -> Make:
    """The maker for a bundle.

    Raises:
        ConfigError: it is a training run.
    """
    bundle = opened.bundle
    if bundle is None:
        raise ConfigError(f"{opened.name} is a training run; compress it into a bundle first")
    return lambda dataset, seen, tell: BundlePredictor(bundle, dataset, seen, tell)


def figures_of(chosen: Chosen, k: int, make: Make, tell: Tell | None = None) -> tuple[dict[str, Any], Judged]:
    """Every figure of a model on the chosen rows, and what they were made of.

    Args:
        k: calibration points.
        tell: hears how much of ``2 · len(chosen.dataset)`` is done; None = a progress bar in a terminal.
    """
    judged, facts = judge_dataset(chosen, k, make, tell)
    figures = metrics.evaluate(judged)
    figures["protocol"] |= chosen.protocol | facts["protocol"]
    beside_oracle(figures, chosen.of)
    figures |= {
        "model": facts["model"]["name"],
        "model_facts": facts["model"],
        "dataset": chosen.of.name,
        "dataset_version": chosen.of.version,
    }
    return figures, judged


def judge_dataset(
    chosen: Chosen, k: int, make: Make, tell: Tell | None = None
) -> tuple[Judged, dict[str, Any]]:
    """Predictions, control and baselines of the chosen rows.

    Returns:
        what the figures are made of, and ``{model, protocol}`` facts.
    """
    dataset = chosen.dataset
    with progress("judging", 2.0 * len(dataset)) as bar:
        say = tell or (lambda done: bar(done, "beats and quality" if done <= len(dataset) else "model"))
        seen = look(dataset, say)
        rows = rows_from(dataset, seen)
        predictor = make(dataset, seen, lambda done: say(len(dataset) + done))
        schedule = plan(rows, k)
        final, before = predictor.predict(rows, schedule)
        shuffled = metrics_cross.permutation(rows, seen.usable & (schedule.scored | schedule.points))
        control, _ = predictor.predict(rows, schedule, shuffled)
    training = None if chosen.training is None else training_rows(chosen.training)
    prior = np.full(len(PARAMETERS), np.nan) if training is not None else predictor.prior_mean
    judged = metrics.judge(
        rows, final, k=k, training=training, prior_mean=prior, before=before, control=control
    )
    others = "for every subject, the other subjects judged here"
    known = np.isfinite(prior)
    protocol = {
        "baseline_mean_source": (
            "the split's training subjects"
            if training is not None
            else "label means of the training subjects, as the model states them"
            if known.all()
            else others
            if not known.any()
            else f"as the model states them for {', '.join(p for p, ok in zip(PARAMETERS, known, strict=True) if ok)}; "
            f"else {others}"
        ),
        "other_baselines_source": "the split's training subjects" if training is not None else others,
        "heart_rate_of_baselines": "counted from the pulse wave",
        "sampling_rate_hz": dataset.sampling_rate_hz,
        "ppg_sites": sorted(set(dataset.ppg_site.tolist())),
        "notes": [*dataset.about.get("notes", []), *_notes(dataset), *_suggested(dataset, predictor)],
    }
    return judged, {"model": predictor.facts, "protocol": protocol}


def training_rows(dataset: Dataset) -> Rows:
    """Rows of training subjects for the baselines; the heart rate is counted in :data:`MOST_RATES` of them at most."""
    hr: F64 = np.full(len(dataset), np.nan)
    for row in np.unique(np.linspace(0, len(dataset) - 1, min(len(dataset), MOST_RATES)).round().astype(int)):
        samples = dataset.ppg[row].astype(np.float64)
        quality = assess(samples, dataset.sampling_rate_hz, find_ppg_beats(samples, dataset.sampling_rate_hz))
        span = quality.fault or heart_rate_span(quality)
        hr[row] = np.nan if isinstance(span, str) else span[0]
    return rows_of(
        dataset.subject_id,
        dataset.labels.astype(np.float64),
        dataset.window_s,
        t_s=recording_times(dataset),
        hr_per_min=hr,
        demographics=dataset.demographics.astype(np.float64),
        reference_kind=dataset.reference_kind,
        origin=dataset.origin,
        hop_s=hop_s(dataset),
        subject_known=dataset.subject_known,
    )


def beside_oracle(figures: dict[str, Any], dataset: Dataset) -> None:
    """R² of simulated people beside what the simulator's own normalised pulse wave can tell (evaluation.md 7)."""
    cohort = dataset.about.get("simulated")
    if not figures["simulated"] or not isinstance(cohort, Mapping):
        return
    ambiguity = cohort.get("ambiguity") or {}
    figures["protocol"] |= {
        "simulated_config_sha256": cohort.get("config_sha256"),
        "simulated_many_to_one_fraction": ambiguity.get("many_to_one_fraction"),
    }
    if figures["protocol"]["calibration_points"]:
        return  # the oracle has no calibration point
    for parameter, one in figures["parameters"].items():
        for name in ("oracle_r2", "oracle_r2_demographics"):
            one[name] = (ambiguity.get(name) or {}).get(parameter)


def _suggested(dataset: Dataset, predictor: Predictor) -> list[str]:
    """Windows this very model proposed to leave out: the figures are of what it left (evaluation.md 1)."""
    sha256 = str(predictor.facts.get("sha256", ""))
    told = [s for s in dataset.about.get("sources", ()) if isinstance(s, Mapping)]
    counts = [each for s in told for each in (s.get("suggested_exclusions") or {}).items()]
    n = sum(count for who, count in counts if sha256 and who.endswith(sha256))
    said = "excluding spans were accepted from suggestions of this very model: it chose what it is judged on"
    return [f"{n} {said}"] if n else []


def _notes(dataset: Dataset) -> list[str]:
    """What a reader must know of the references."""
    notes = []
    if not np.isfinite(dataset.t0_s).all():
        notes.append(
            "times of windows are not known: rows count as following each other, overlap cannot be excluded"
        )
    cnap = np.char.find(np.char.upper(dataset.reference_kind), "CNAP") >= 0
    if (cnap & ~np.isfinite(dataset.reference_calibration_age_s)).any():
        notes.append(
            "CO, CI, SV, SI, SVR and SVRI of CNAP without a known haemodynamic calibration are uncalibrated CO"
        )
    if not np.isfinite(dataset.cvp_mmhg).all():
        notes.append("central venous pressure is assumed to be 5 mmHg where it is not known")
    return notes


def write(
    folder: Path, figures: dict[str, Any], judged: Judged, *, page: bool = True, pdf: bool = False
) -> Path:
    """``evaluation.json``, ``predictions.npz`` and, with ``page``, ``report.html``, with ``pdf`` ``report.pdf``.

    Returns:
        the page, or the figures where there is none.

    Raises:
        ConfigError: the folder cannot be written; what was in it is as it was.
    """
    beside = (
        folder / "report" if folder.exists() else folder
    )  # no part of it where it ends, before it is whole
    try:
        with workplace(beside, "writing the report") as place:
            _fill(place, figures, judged, page=page, pdf=pdf)
            folder.mkdir(parents=True, exist_ok=True)
            for path in place.iterdir():
                path.replace(folder / path.name)
    except OSError as error:
        raise ConfigError(
            f"{folder}: the report cannot be written there ({error.strerror or error})"
        ) from error
    return folder / (REPORT if page else FIGURES)


def _fill(place: Path, figures: dict[str, Any], judged: Judged, *, page: bool, pdf: bool) -> None:
    if page:
        said = evaluation_page.page(figures, judged)
        (place / REPORT).write_text(said, encoding="utf-8", newline="\n")
    if pdf:
        said = evaluation_page.page(figures, judged, as_pictures=True)
        (place / PRINT).write_bytes(pdf_of(said, title=evaluation_page.title_of(figures)))
    (place / FIGURES).write_text(json.dumps(figures, indent=1, ensure_ascii=False), encoding="utf-8")
    found, rows = judged.predictions, judged.rows
    np.savez_compressed(
        place / VALUES,
        subject=rows.subject,
        t_s=rows.t_s,
        labels=rows.labels,
        scored=judged.schedule.scored,
        mean=found.mean,
        q05=found.q05,
        q95=found.q95,
        reason=found.reason.astype(np.str_),
    )


def summary(figures: dict[str, Any]) -> dict[str, Any]:
    """A line a parameter, for people."""
    lines = {}
    for parameter, one in figures["parameters"].items():
        if one["mae"] is None:
            lines[parameter] = f"— ({one['why']['mae']})"
            continue
        baseline = "shrunk_hold" if figures["protocol"]["calibration_points"] else "mean"
        name = f"baseline_{baseline}_mae"
        beside, people = _or_dash(one[name], ".2f"), one["n_subjects"]
        which = one["why"].get(name, _BASELINES[baseline])
        lines[parameter] = (
            f"MAE {one['mae']:.2f} {PARAMETER_UNITS[parameter]}, without the pulse wave {beside} ({which}), "
            f"90 % interval covers {_or_dash(one['coverage_90'], '.0%')} "
            f"({counted(people, 'subject')}, {counted(one['n_windows'], 'window')})"
        )
    marked = {"SIMULATED": "every figure is of simulated people"} if figures["simulated"] else {}
    return {
        **marked,
        "model": figures["model"],
        "dataset": f"{figures['dataset']} {figures['dataset_version'][:16]}",
        "parameters": lines,
        "leakage": figures["protocol"]["leakage"],
        **({"notes": figures["protocol"]["notes"]} if figures["protocol"].get("notes") else {}),
        "report": figures["report"],
    }


def _or_dash(value: float | None, form: str) -> str:
    return "—" if value is None else format(value, form)
