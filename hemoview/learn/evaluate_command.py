"""``hemoview evaluate``: a model and a dataset in, honest figures and a report out (contracts, evaluation.md)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.quality import assess
from hemoview.estimate import metrics, metrics_cross
from hemoview.estimate.estimator import heart_rate_span
from hemoview.estimate.metrics import Judged
from hemoview.estimate.metrics_rows import Rows, plan, rows_of
from hemoview.estimate.metrics_subjects import F64
from hemoview.labels.dataset import Dataset
from hemoview.labels.splits import PARTS
from hemoview.learn.dataset_flags import add_dataset, read
from hemoview.learn.evaluate_choice import ALL, Chosen, Opened, choose, open_model
from hemoview.learn.predictors import (
    BundlePredictor,
    Predictor,
    RunPredictor,
    hop_s,
    look,
    recording_times,
    rows_from,
)
from recorder.errors import ConfigError
from recorder.host.console import progress
from recorder.schema import PARAMETERS

MOST_RATES: Final = 1500
"""Training windows in which the heart rate is counted for the baselines; evenly spread where there are more."""
FIGURES, REPORT, VALUES = "evaluation.json", "report.html", "predictions.npz"


def add_parser(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "evaluate",
        help="judge a model on labelled windows and write a report",
        description="Figures weigh every subject once and stand beside what needs no pulse wave. Research use only.",
        epilog="example: hemoview evaluate --model RUN_OR_BUNDLE --dataset DIR --calibration-points 3 --json",
    )
    parser.add_argument(
        *("--model", "--model_path", "--model_weights"),
        type=Path,
        required=True,
        metavar="RUN_OR_BUNDLE",
        help="a training run, a bundle's folder, or the name of a shipped bundle",
    )
    add_dataset(parser)
    parser.add_argument(
        "--split", metavar="NAME", help="a split of the dataset; a run's own is found by itself"
    )
    parser.add_argument(
        *("--part", "--eval_split"),
        choices=(*PARTS, ALL),
        help="of the split (default: test; without a split all)",
    )
    parser.add_argument(
        *("--calibration-points", "--calibration_points"),
        type=_points,
        default=0,
        metavar="K",
        help="the first K windows of a subject calibrate and are never scored",
    )
    parser.add_argument("--output_dir", type=Path, default=Path("eval_output"), help="where the report goes")
    parser.add_argument("--no-report", action="store_true", help="figures only: no page, no drawings")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.set_defaults(run=run)


def _points(text: str) -> int:
    if not text.isdigit() or int(text) > 1000:
        raise argparse.ArgumentTypeError(f"{text} must be a whole number, 0 or more")
    return int(text)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Judge, write the report, and answer.

    Returns:
        every figure with ``--json``, else a line a parameter.

    Raises:
        ConfigError: model or dataset are refused; says which and what to do.
    """
    figures = evaluated(
        args.model,
        read(args),
        args.output_dir,
        split=args.split,
        part=args.part,
        k=args.calibration_points,
        page=not args.no_report,
    )
    return figures if args.json else summary(figures)


def evaluated(
    model: Path,
    dataset: Dataset,
    folder: Path,
    *,
    split: str | None = None,
    part: str | None = None,
    k: int = 0,
    page: bool = True,
) -> dict[str, Any]:
    """All figures of a bundle or run on a dataset, written to ``folder``, with the report where ``page`` says so.

    Raises:
        ConfigError: as :func:`run`.
    """
    opened = open_model(model)
    chosen = choose(dataset, opened, split, part)
    judged, facts = judge_dataset(opened, chosen, k)
    figures = metrics.evaluate(judged)
    figures["protocol"] |= chosen.protocol | facts["protocol"]
    beside_oracle(figures, dataset)
    figures |= {
        "model": facts["model"]["name"],
        "model_facts": facts["model"],
        "dataset": dataset.name,
        "dataset_version": dataset.version,
    }
    figures["report"] = str(write(folder, figures, judged, page=page))
    return figures


# ---- figures


def judge_dataset(opened: Opened, chosen: Chosen, k: int) -> tuple[Judged, dict[str, Any]]:
    """Predictions, control and baselines of the chosen rows.

    Returns:
        what the figures are made of, and ``{model, protocol}`` facts.
    """
    dataset = chosen.dataset
    with progress("judging", 2.0 * len(dataset)) as tell:
        seen = look(dataset, lambda done: tell(done, "beats and quality"))
        rows = rows_from(dataset, seen)
        predictor: Predictor
        if opened.bundle is not None:
            predictor = BundlePredictor(
                opened.bundle, dataset, seen, lambda done: tell(len(dataset) + done, "model")
            )
        else:
            predictor = RunPredictor(opened.name, opened.network, opened.facts, dataset=dataset, seen=seen)
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
        "notes": [*dataset.about.get("notes", []), *_notes(dataset)],
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


# ---- what is left behind


def write(folder: Path, figures: dict[str, Any], judged: Judged, *, page: bool = True) -> Path:
    """``evaluation.json``, ``predictions.npz`` and, with ``page``, ``report.html``; the path of the last or the first.

    Raises:
        ConfigError: the folder cannot be written.
    """
    from hemoview.report import evaluation_page  # noqa: PLC0415 – matplotlib is slow to load

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if page:
            said = evaluation_page.page(figures, judged)
            (folder / REPORT).write_text(said, encoding="utf-8", newline="\n")
        (folder / FIGURES).write_text(json.dumps(figures, indent=1, ensure_ascii=False), encoding="utf-8")
        found, rows = judged.predictions, judged.rows
        np.savez_compressed(
            folder / VALUES,
            subject=rows.subject,
            t_s=rows.t_s,
            labels=rows.labels,
            scored=judged.schedule.scored,
            mean=found.mean,
            q05=found.q05,
            q95=found.q95,
            reason=found.reason.astype(np.str_),
        )
    except OSError as error:
        raise ConfigError(f"{folder}: the report cannot be written there ({error.strerror})") from error
    return folder / (REPORT if page else FIGURES)


def summary(figures: dict[str, Any]) -> dict[str, Any]:
    """A line a parameter, for people."""
    lines = {}
    for parameter, one in figures["parameters"].items():
        if one["mae"] is None:
            lines[parameter] = f"— ({one['why']['mae']})"
            continue
        baseline = "shrunk_hold" if figures["protocol"]["calibration_points"] else "mean"
        beside = one[f"baseline_{baseline}_mae"]
        lines[parameter] = (
            f"MAE {one['mae']:.2f}, {baseline.replace('_', ' ')} {_or_dash(beside, '.2f')}, 90 % interval covers "
            f"{_or_dash(one['coverage_90'], '.0%')} ({one['n_subjects']} subjects, {one['n_windows']} windows)"
        )
    marked = {"SIMULATED": "every figure is of simulated people"} if figures["simulated"] else {}
    return {
        **marked,
        "model": figures["model"],
        "dataset": f"{figures['dataset']} {figures['dataset_version'][:16]}",
        "parameters": lines,
        "leakage": figures["protocol"]["leakage"],
        "report": figures["report"],
    }


def _or_dash(value: float | None, form: str) -> str:
    return "—" if value is None else format(value, form)
