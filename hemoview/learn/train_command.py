"""``hemoview train``: a dataset in, a training run with its report out. The seed's flags mean what they say."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.folder import HOLDS_WITHDRAWN
from hemoview.labels.datasets.made_register import remember
from hemoview.labels.datasets.split import Split
from hemoview.labels.datasets.splits import make_split, refuse_leaks
from hemoview.learn import checkpoint, distributed, evaluate_command, prepare
from hemoview.learn.batches import Drawing
from hemoview.learn.checkpoint import RunFacts
from hemoview.learn.dataset_source import read
from hemoview.learn.loop import train
from hemoview.learn.moe.complexity import count_params
from hemoview.learn.moe.config import ModelConfig
from hemoview.learn.run_config import RunConfig, Weights
from hemoview.report import judging
from recorder.errors import ConfigError
from recorder.host import places
from recorder.host.console import progress

CONFIG, REPORT = "config.json", "report"


def run(args: argparse.Namespace) -> dict[str, Any] | None:
    """Train as the flags say.

    Returns:
        ``{run, passes, score, params, train_subjects, …, parameters, report}``; None where another process leads.

    Raises:
        ConfigError: flags, data or an earlier run that do not fit; says which and what to do.
    """
    distributed.share_cores()
    device = usable_device(args.device)
    dataset = read(args)
    refuse_withdrawn(dataset)
    split = chosen_split(dataset, args)
    parts = [prepare.part_of(dataset, split.train, wrist_views=args.wrist_views)]
    validation = prepare.part_of(dataset, split.val) if split.val else None
    config = config_of(args)
    facts = RunFacts(
        run=config,
        scale=prepare.scale_of(parts),
        dataset_version=dataset.version,
        split=split.to_json(),
        simulated=dataset.simulated,
        software={"torch": torch.__version__.partition("+")[0], "numpy": np.__version__},
    )
    folder: Path = args.output_dir
    with distributed.joined(device), progress("training", config.passes) as tell:
        if distributed.leads():
            begin_folder(folder, facts, resume=args.resume)
            remember(places.home(), "run", folder)
        distributed.wait()
        model = train(
            parts,
            validation,
            facts,
            folder=folder,
            resume=args.resume,
            device=device,
            on_pass=lambda number, _, line: tell(number, f"pass {number}, score {line['score']}"),
        )
    if not distributed.leads():
        return None  # one of several processes speaks
    _, kept = checkpoint.load(folder)
    return {
        "run": str(folder),
        "passes": kept.pass_no,
        "score": kept.score,
        "params": count_params(model),
        "train_subjects": len(split.train),
        "val_subjects": len(split.val),
        "test_subjects": len(split.test),
        "train_windows": len(parts[0]),
        "device": device,
        **(judged(dataset, folder) if split.test else {}),
    }


def refuse_withdrawn(dataset: Dataset) -> None:
    """No model learns from somebody who has withdrawn since the dataset was built.

    Raises:
        ConfigError: naming them.
    """
    for note in dataset.about.get("notes") or ():
        if str(note).startswith(HOLDS_WITHDRAWN):
            raise ConfigError(f"dataset {dataset.name} {note}")


def judged(dataset: Dataset, folder: Path) -> dict[str, Any]:
    """The report of a run on the subjects it was not trained on, with a line a parameter."""
    said = judging.summary(evaluate_command.evaluated(folder, dataset, folder / REPORT))
    kept = ("SIMULATED", "parameters", "leakage", "report")
    return {name: said[name] for name in kept if name in said}


def chosen_split(dataset: Dataset, args: argparse.Namespace) -> Split:
    """The split asked for by name, or one made by subject; refused where something leaks across it.

    Raises:
        ConfigError: no such split, too few subjects, or a leak.
    """
    if args.split is not None:
        split = dataset.split(args.split)
    else:
        split = make_split(dataset, args.test_size, args.val_size, args.seed)
    refuse_leaks(dataset, split)
    return split


def config_of(args: argparse.Namespace) -> RunConfig:
    """The configuration the flags ask for.

    Raises:
        ConfigError: a value that makes no model or no run; names it.
    """
    if not 0 <= args.level_weight <= 1:
        raise ConfigError(f"--level_weight {args.level_weight:g} is outside 0 to 1")
    inside = args.level_weight < 1
    return RunConfig(
        model=model_of(args),
        drawing=Drawing(
            batch_size=args.batch_size, windows_a_subject=min(12, args.batch_size // 2) if inside else 0
        ),
        weights=Weights(level=args.level_weight),
        passes=args.epochs,
        lr=args.lr,
        weight_decay=args.weight_decay,
        patience=args.patience,
        seed=args.seed,
    )


def model_of(args: argparse.Namespace) -> ModelConfig:
    """The network the flags ask for."""
    return ModelConfig(
        num_experts=args.num_experts,
        hidden_channels=args.hidden_channels,
        k=args.k,
        noisy_gating=args.noisy_gating,
        noise_type=args.noise_type,
        expert_type=args.expert_type,
        use_msfgm=args.use_msfgm,
        gates=args.gates,
        outputs=args.outputs,
        demographics=args.demographics,
    )


def usable_device(wanted: str) -> str:
    """``wanted`` where torch can use it, else the CPU (as the seed's programs do)."""
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        return "cpu"
    try:
        torch.zeros(1, device=wanted)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"--device {wanted}: torch cannot use it; give cpu or cuda:0") from error
    return wanted


def begin_folder(folder: Path, facts: RunFacts, *, resume: bool) -> None:
    """Make the folder of the run and write its configuration; an earlier run is not written over.

    Raises:
        ConfigError: it holds a run already and ``resume`` is off.
    """
    if not resume and (folder / checkpoint.LAST).exists():
        raise ConfigError(
            f"{folder}: there is a training run already; add --resume to go on with it, or give another --output_dir"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(facts.to_json(), indent=1) + "\n", encoding="utf-8")
