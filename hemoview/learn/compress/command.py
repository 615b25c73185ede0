"""``hemoview compress``: a training run in, a model bundle out, with a table of what each stage cost."""

from __future__ import annotations

import argparse
import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch

from hemoview.estimate import bundle
from hemoview.estimate.card import parse_card
from hemoview.estimate.predictors import Seen, look
from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.folder import read_dataset
from hemoview.labels.datasets.split import Split
from hemoview.labels.datasets.splits import make_split
from hemoview.learn import checkpoint, distributed, prepare
from hemoview.learn.checkpoint import RunFacts
from hemoview.learn.compress import stages
from hemoview.learn.compress.bundle_folder import write_bundle
from hemoview.learn.compress.calibrate import Calibration, calibration, stretching
from hemoview.learn.compress.card import CardFacts, Learned, card_of
from hemoview.learn.compress.defaults import FIRST_VERSION
from hemoview.learn.compress.distil import Recipe
from hemoview.learn.compress.people import calibration_people
from hemoview.learn.compress.pipeline import Compressed, Settings, compress
from hemoview.learn.compress.slim import shape_for
from hemoview.learn.dataset_source import read
from hemoview.learn.moe.config import PARAMETERS, ModelConfig
from hemoview.learn.run_config import RunConfig
from hemoview.learn.train_command import usable_device
from recorder.errors import ConfigError
from recorder.host.console import progress

_FOLDER: Final = re.compile(r"(?P<name>\w[\w.-]*)-(?P<version>\d[\w.]*)")
_SHAPE_FLAGS: Final = (
    "num_experts",
    "hidden_channels",
    "k",
    "noise_type",
    "expert_type",
    "noisy_gating",
    "use_msfgm",
)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Compress as the flags say.

    Returns:
        ``{bundle, form, why, params, macs, size_bytes, p50_ms, p99_ms, sparsity, stages, simulated}``.

    Raises:
        ConfigError: flags, data or checkpoint that do not fit each other; a sparsity out of reach; says what to do.
    """
    folder = bundle_folder(args.output_dir)
    settings = Settings(args.target_sparsity, Recipe(passes=args.distillation_epochs), args.form)
    distributed.share_cores()
    device = usable_device(args.device)
    teacher, facts = checkpoint.load(args.teacher_weights)
    refuse_other_shape(args, facts.run.model)
    shape_for(facts.run.model, settings.target_sparsity)  # before anything that takes time
    dataset = read(args)
    split = split_of(facts, dataset, args)
    further = None if args.calibration_dataset is None else read_dataset(args.calibration_dataset)
    people = calibration_people(dataset, split, further)
    parts = [prepare.part_of(dataset, split.train, wrist_views=args.wrist_views)]
    validation = prepare.part_of(dataset, split.val) if split.val else None
    judged_on = next(name for name in ("test", "val", "train") if getattr(split, name))
    judged = prepare.part_of(dataset, getattr(split, judged_on))
    run_config = _run_config(facts.run, args)
    with progress("compressing") as tell:
        made = compress(
            teacher,
            parts,
            validation,
            judged,
            run=run_config,
            settings=settings,
            device=device,
            tell=lambda note: tell(0, note),
        )
    seen = look(people)
    tables = calibration(people, seen, made.model, made.student.parameters_out)
    card = card_of(made, card_facts(folder.name, dataset, split, made, tables=tables, judged_on=judged_on))
    card |= derived_of(folder, made, card, people, seen) | _further(further)
    write_bundle(folder, made.model, card, made.golden)
    stages.write(
        folder / stages.FILE,
        made.stages,
        form=made.form,
        why=made.why,
        judged_on=f"{judged_on} subjects",
        simulated=dataset.simulated,
        expert_usage=[round(float(u), 4) for u in made.usage],
        distillation=made.log,
    )
    if not args.json:
        stages.show(made.stages, f"{judged_on} subjects" + (", SIMULATED" if dataset.simulated else ""))
    result = _result(folder, made, card, simulated=dataset.simulated)
    if args.json:
        result["stages"] = {s.name: {"mae": dict(s.mae), "skill": dict(s.skill)} for s in made.stages}
    return result


def derived_of(
    folder: Path, made: Compressed, card: dict[str, Any], people: Dataset, seen: Seen
) -> dict[str, Any]:
    """``{derived: …}`` for a card that has everything else; nothing where there are too few people."""
    parsed = parse_card(card, f"bundle {folder.name}")
    sha256 = hashlib.sha256(made.model).hexdigest()
    found = stretching(bundle.Bundle(folder, parsed, made.model, sha256, b""), people, seen)
    return {"derived": found} if found else {}


def _further(dataset: Dataset | None) -> dict[str, Any]:
    """Whose windows are in the tables beside the validation subjects'."""
    if dataset is None:
        return {}
    facts = {"name": dataset.name, "version": dataset.version, "n_subjects": len(dataset.subjects)}
    return {"calibration_sets": [{**facts, "licence": str(dataset.about.get("licence", "not stated"))}]}


def bundle_folder(output_dir: Path) -> Path:
    """Where the bundle goes: the folder that was asked for.

    Raises:
        ConfigError: a bundle is there already.
    """
    folder = output_dir.resolve()
    if any((folder / name).exists() for name in bundle.FILES):
        raise ConfigError(f"{folder}: there is a bundle already; give another --output_dir")
    return folder


def named(folder_name: str) -> tuple[str, str]:
    """Name and version of the bundle in a folder of this name: NAME-VERSION says both, another is the name."""
    found = _FOLDER.fullmatch(folder_name)
    return (found["name"], found["version"]) if found else (folder_name, FIRST_VERSION)


def refuse_other_shape(args: argparse.Namespace, config: ModelConfig) -> None:
    """Flags that say what the teacher is must say what it is.

    Raises:
        ConfigError: naming the flags that do not.
    """
    wrong = [
        f"--{name} {getattr(args, name)} (the checkpoint has {getattr(config, name)})"
        for name in _SHAPE_FLAGS
        if getattr(args, name) is not None and getattr(args, name) != getattr(config, name)
    ]
    if wrong:
        raise ConfigError(
            f"{args.teacher_weights.name}: a checkpoint of another configuration: {', '.join(wrong)}; leave the flags "
            "out, or name the right run"
        )


def split_of(facts: RunFacts, dataset: Dataset, args: argparse.Namespace) -> Split:
    """The split of the teacher's run: another would let it judge windows it learned from.

    Raises:
        ConfigError: other data, a run without a split, or a split asked for that is another.
    """
    if facts.split is None:
        raise ConfigError(
            f"{args.teacher_weights.name}: its checkpoint has no split, so who was kept apart is not known; train again"
        )
    if dataset.version != facts.dataset_version:
        raise ConfigError(
            f"{dataset.name}: the teacher was trained on another dataset ({_short(facts.dataset_version)}, this is "
            f"{_short(dataset.version)}); give the one it was trained on, or train a teacher on this one"
        )
    split = Split.from_json("of the run", facts.split, args.teacher_weights.name)
    if args.test_size is not None or args.val_size is not None:
        seed = args.seed if args.seed is not None else facts.run.seed
        asked = make_split(
            dataset,
            0.2 if args.test_size is None else args.test_size,
            0.2 if args.val_size is None else args.val_size,
            seed,
        )
        if asked.sha256 != split.sha256:
            raise ConfigError(
                "--test_size, --val_size: the teacher was trained on another split; leave both out to use its own"
            )
    return split


def card_facts(
    folder_name: str, dataset: Dataset, split: Split, made: Compressed, *, tables: Calibration, judged_on: str
) -> CardFacts:
    """What the card says of data and figures, as far as a dataset and one split tell."""
    bundle_name, version = named(folder_name)
    names, train = made.student.parameters_out, dataset.take(dataset.rows_of(split.train))
    learned = {p: _learned(p, train, tables.n_subjects.get(p, 0)) for p in names}
    last = made.stages[-1]
    chosen = next((s for s in reversed(made.stages) if s.size_bytes == len(made.model)), last)
    figures = {
        "protocol": f"one split by subject; {judged_on} subjects; subjects weigh alike; without calibration points",
        "parameters": {p: {"mae": chosen.mae[p], "skill_over_mean": chosen.skill[p]} for p in names},
    }
    return CardFacts(
        name=bundle_name,
        version=version,
        learned=learned,
        conformal=tables.conformal,
        kappa=tables.kappa,
        training_range={p: _range(p, train, made) for p in names},
        training_mean={p: round(made.student.scale.mean[PARAMETERS.index(p)], 3) for p in names},
        training_sets=[
            {
                "name": dataset.name,
                "version": dataset.version,
                "origin": ", ".join(sorted(set(train.origin.tolist()) - {""})) or "not stated",
                "licence": str(dataset.about.get("licence", "not stated")),
                "sources": dataset.about.get("sources", []),
            }
        ],
        metrics=figures,
        simulated=dataset.simulated,
        training_hash=dataset.version,
        split_hash=split.sha256,
        limits=_limits(dataset, tables, learned),
        devices_not_in_training=("Empatica E4", "CNAP"),
        tested_up_to_s=tables.tested_up_to_s,
        reproduce="hemoview compress --dataset DIR --teacher_weights RUN --output_dir BUNDLE",
        software={
            "torch": torch.__version__.partition("+")[0],
            "numpy": np.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    )


def _learned(parameter: str, train: Dataset, n_calibration: int) -> Learned:
    known = np.isfinite(train.labels[:, PARAMETERS.index(parameter)])
    real = known & (train.origin != "simulated")
    n_real = len(np.unique(train.subject_id[real]))
    kinds, sites = (
        ", ".join(sorted(set(column[real if n_real else known].tolist()) - {""}))
        for column in (train.reference_kind, train.ppg_site)
    )
    return Learned(
        (kinds or "not stated") if n_real else "simulated",
        sites or ("not stated" if n_real else "simulated"),
        n_real if train.subject_known else min(1, n_real),  # rows are not people
        n_calibration if train.subject_known else 0,
    )


def _range(parameter: str, train: Dataset, made: Compressed) -> list[float]:
    """Least and largest training label; three deviations around the mean where there is none."""
    index = PARAMETERS.index(parameter)
    known = train.labels[np.isfinite(train.labels[:, index]), index]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    if high <= low:
        mean, sd = made.student.scale.mean[index], made.student.scale.sd[index]
        low, high = mean - 3 * sd, mean + 3 * sd
    return [round(low, 2), round(high, 2)]


def _limits(dataset: Dataset, tables: Calibration, learned: dict[str, Learned]) -> list[str]:
    out = []
    if dataset.simulated:
        out.append(
            "SIMULATED: learned and judged on people of a physiology model; its figures prove that the pipeline works "
            "and mean nothing for people."
        )
    if not dataset.subject_known:
        out.append(
            "Whose each training window is is not known: every row counted as its own subject, leakage cannot be "
            "excluded, and there is no interval."
        )
    if without := [p for p in learned if p not in tables.conformal]:
        out.append(
            f"No 90 % interval of {', '.join(without)}: fewer than nine calibration subjects. The bedside abstains."
        )
    out.append(
        "The model is asked with the wave alone: age, sex, height and weight are not looked at. Never checked against "
        "a wristband (Empatica E4) or CNAP. Tables are of the subjects that also chose the pass and the form kept, "
        "and of those of calibration_sets where there is one."
    )
    return out


def _run_config(config: RunConfig, args: argparse.Namespace) -> RunConfig:
    drawing = config.drawing
    if args.batch_size is not None:
        a_subject = min(drawing.windows_a_subject, args.batch_size // 2)
        drawing = replace(drawing, batch_size=args.batch_size, windows_a_subject=a_subject)
    return replace(config, drawing=drawing, seed=config.seed if args.seed is None else args.seed)


def _result(folder: Path, made: Compressed, card: dict[str, Any], *, simulated: bool) -> dict[str, Any]:
    first = made.stages[0]
    chosen = next((s for s in reversed(made.stages) if s.size_bytes == len(made.model)), made.stages[-1])
    return {
        "bundle": str(folder),
        "form": made.form,
        "why": made.why,
        "params": card["params"],
        "macs": card["macs"],
        "size_bytes": card["size_bytes"],
        "p50_ms": chosen.p50_ms,
        "p99_ms": chosen.p99_ms,
        "sparsity": round(1 - card["params"] / first.params, 4),
        "simulated": simulated,
    }


def _short(version: str) -> str:
    return version[:16] or "without a version"
