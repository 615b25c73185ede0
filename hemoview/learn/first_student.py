"""The first student, from two sources to a bundle, top to bottom.

``python -m hemoview.learn.first_student --data DIR --out DIR``: DIR with ``bcg_fold*.npz`` in, a folder with
``ppg-bp-student-<version>/``, ``checkpoint.pt`` and ``report.json`` out. About ten minutes on one core.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.preprocess import MODEL_RATE_HZ
from hemoview.learn import bundling, cohort, evaluation, export, rows, views
from hemoview.learn.rows import LABELS, Rows
from hemoview.learn.scores import F64, Held
from hemoview.learn.student import Student, count_macs, count_params
from hemoview.learn.training import Inputs, Recipe, train
from recorder.errors import ConfigError, RecorderError

log = logging.getLogger(__name__)

COHORT_SEED: Final = 2026
WRIST_VIEWS: Final = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of a run; the defaults are those of the shipped bundle.

    Args:
        n_simulated, seconds: simulated subjects, and how long each is recorded.
        n_folds: subject-grouped folds of a cross-validation.
        seeds: one cross-validation each, with another deal of subjects.
    """

    n_simulated: int = 240
    seconds: float = 180.0
    n_folds: int = 6
    seeds: tuple[int, ...] = (0, 1)


def run(real: Rows, plan: Plan, recipe: Recipe, out: Path) -> dict[str, Any]:
    """Cross-validate, train on everybody, export, and write bundle, checkpoint and report.

    Raises:
        ConfigError: windows of one subject turn up under another; a bundle that does not verify.
    """
    torch.set_num_threads(1)
    simulated = cohort.simulate_cohort(plan.n_simulated, COHORT_SEED, plan.seconds)
    inputs, sim_inputs = model_inputs_of(real), model_inputs_of(simulated.rows)
    ambiguity = cohort.ambiguity(simulated, sim_inputs.views[0])
    refuse_leaks(real, inputs.views[0])

    deals = [rows.split_subjects(real.subjects, plan.n_folds, seed) for seed in plan.seeds]
    held = []
    for number, folds in enumerate(deals):
        log.info("cross-validation %d of %d, %d folds", number + 1, len(deals), len(folds))
        held.append(
            cross_validate(
                real, inputs, simulated=simulated.rows, sim_inputs=sim_inputs, folds=folds, recipe=recipe
            )
        )
    report = evaluate(real, held, simulated.rows)

    log.info("training on all %d subjects", len(real.subjects))
    student = train(inputs, sim_inputs, recipe)
    facts = {
        "training_hash": _hash(real.content_hash(), simulated.sha256, asdict(recipe)),
        "split_hash": _hash(deals),
        "recipe": asdict(recipe),
        "plan": asdict(plan),
        "software": {"torch": torch.__version__.partition("+")[0], "numpy": np.__version__},
        "cohort_sha256": simulated.sha256,
        "ambiguity": ambiguity,
        "params": count_params(student),
        "macs": count_macs(student, round(10 * MODEL_RATE_HZ)),
        "training_range": _ranges(real, simulated.rows),
    }
    golden = export.golden(student, inputs.views[0], recipe.seed)
    folder = bundling.write_bundle(
        out, student, golden=golden, report=report, facts=facts, n_subjects=len(real.subjects)
    )
    torch.save(
        {"state": student.state_dict(), "scale": asdict(student.scale), **facts}, out / "checkpoint.pt"
    )
    (out / "report.json").write_text(json.dumps({**report, **facts}, indent=1), encoding="utf-8")
    log.info("wrote %s", folder.name)
    return report


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """Out-of-fold outputs of one cross-validation: ``(3, n, 4)`` for mean, q05, q95, and each row's prior."""

    real: F64
    prior: F64
    wrist: F64
    simulated: F64


def cross_validate(
    real: Rows,
    inputs: Inputs,
    *,
    simulated: Rows,
    sim_inputs: Inputs,
    folds: Sequence[Sequence[str]],
    recipe: Recipe,
) -> Folded:
    """Estimate every row by a student that never saw its subject; simulated subjects are dealt into folds as well."""
    sim_folds = rows.split_subjects(simulated.subjects, len(folds), recipe.seed)
    shape = (3, len(real), len(LABELS))
    found = Folded(
        np.empty(shape), np.empty(shape[1:]), np.empty(shape), np.empty((3, len(simulated), len(LABELS)))
    )
    for ours, theirs in zip(folds, sim_folds, strict=True):
        test, sim_test = np.isin(real.subject, ours), np.isin(simulated.subject, theirs)
        student = train(_part(inputs, ~test), _part(sim_inputs, ~sim_test), recipe)
        found.real[:, test] = predict(student, inputs.views[0][test])
        found.wrist[:, test] = predict(student, inputs.views[-1][test])
        found.simulated[:, sim_test] = predict(student, sim_inputs.views[0][sim_test])
        people = [
            np.nanmean(real.labels[real.subject == s, :3], axis=0) for s in real.subjects if s not in ours
        ]
        found.prior[test] = np.append(np.mean(people, axis=0), np.nan)
    return found


def predict(student: Student, ppg: NDArray[np.float32]) -> F64:
    """Mean, q05, q95 of ``(n, time)`` model inputs, ``(3, n, 4)``."""
    with torch.no_grad():
        parts = [
            torch.stack(student(torch.from_numpy(part[:, None])))
            for part in np.array_split(ppg, 8)
            if len(part)
        ]
    return np.asarray(torch.cat(parts, dim=1).numpy(), dtype=np.float64)


def refuse_leaks(real: Rows, ppg: NDArray[np.float32]) -> None:
    """Fail when a window of one subject is also in another: the subjects would not be different people.

    Raises:
        ConfigError: naming the subject.
    """
    for name in real.subjects:
        mine = real.subject == name
        if copies := rows.near_duplicates(ppg[mine], ppg[~mine]):
            raise ConfigError(
                f"training set: {copies} windows of subject {name} are also in another subject; split them out"
            )


def evaluate(real: Rows, held: Sequence[Folded], simulated: Rows) -> dict[str, Any]:
    """Figures and card tables, the mean over the cross-validations."""
    hr = np.array([heart_rate(wave, real.rate_hz) for wave in real.raw])
    report: dict[str, Any] = {"metrics": {}, "wristlike": {}, "conformal": {}, "kappa": {}}
    for column, name in enumerate(LABELS[:3]):
        ours = [_held(real, folded.real, folded.prior, column) for folded in held]
        wrist = [_held(real, folded.wrist, folded.prior, column) for folded in held]
        report["metrics"][name] = mean_of([evaluation.cold(h, hr) for h in ours])
        report["metrics"][name]["calibrated"] = [
            mean_of([evaluation.calibrated(h, k) for h in ours]) for k in evaluation.CALIBRATION_POINTS
        ]
        report["wristlike"][name] = mean_of([evaluation.cold(h, hr) for h in wrist])
        report["conformal"][name] = mean_of([evaluation.conformal_table(h) for h in ours])
        report["kappa"][name] = mean_of([evaluation.kappa(h) for h in ours])
    error = np.mean([((f.simulated[0] - simulated.labels) ** 2).mean(axis=0) for f in held], axis=0)
    r2 = 1 - error / simulated.labels.var(axis=0)
    report["simulated"] = {"r2": {name: round(float(v), 3) for name, v in zip(LABELS, r2, strict=True)}}
    return report


def heart_rate(wave: NDArray[np.floating], rate_hz: float) -> float:
    """Per minute, from the median distance of beats; NaN where fewer than three are found."""
    beats = [beat.position for beat in find_ppg_beats(wave, rate_hz)]
    return float(60 * rate_hz / np.median(np.diff(beats))) if len(beats) >= 3 else float("nan")


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


def _held(real: Rows, outputs: F64, prior: F64, column: int) -> Held:
    mean, q05, q95 = outputs[:, :, column]
    return Held(real.subject, real.t_s, real.labels[:, column], mean, q05, q95, prior[:, column])


def model_inputs_of(source: Rows) -> Inputs:
    """What the network sees of the rows: as they are, and as a wristband might have seen them."""
    raw, rate_hz = source.raw, source.rate_hz
    seen = (
        views.plain(raw, rate_hz),
        *(views.wristlike(raw, rate_hz, seed) for seed in range(1, WRIST_VIEWS + 1)),
    )
    return Inputs(seen, source.labels.astype(np.float32), np.searchsorted(source.subjects, source.subject))


def _part(inputs: Inputs, chosen: NDArray[np.bool_]) -> Inputs:
    return Inputs(tuple(v[chosen] for v in inputs.views), inputs.labels[chosen], inputs.subject_no[chosen])


def _ranges(real: Rows, simulated: Rows) -> dict[str, list[float]]:
    """1st and 99th percentile of every label, from people where there are people."""
    labels = [*real.labels.T[:3], simulated.labels[:, 3]]
    return {
        name: [round(float(v), 1) for v in np.nanpercentile(values, [1, 99])]
        for name, values in zip(LABELS, labels, strict=True)
    }


def _hash(*values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hemoview.learn.first_student", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with bcg_fold1.npz to bcg_fold3.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for bundle, checkpoint and report")
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument(
        "--repeats", type=int, default=len(Plan().seeds), help="cross-validations, each with another deal"
    )
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("onnxscript").setLevel(logging.WARNING)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        plan = Plan(seeds=tuple(range(options.repeats)))
        run(rows.read_bcg_finapres(options.data), plan, Recipe(seed=options.seed), options.out)
    except (RecorderError, OSError) as error:
        print(f"first student: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
