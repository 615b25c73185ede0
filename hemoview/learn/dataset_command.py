"""``hemoview dataset simulate``: a cohort of the physiology model as a dataset folder, with how ambiguous it is."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from hemoview.labels import write_dataset
from hemoview.labels.dataset import Dataset
from hemoview.labels.dataset_write import check_new
from hemoview.learn.ambiguity import ambiguity
from hemoview.learn.simulated import WINDOW_S, CohortConfig, against_published, simulate_cohort
from recorder.host.console import progress


def add_simulate(actions: Any) -> None:
    """``hemoview dataset simulate``."""
    example = "example: hemoview dataset simulate --subjects 60 --seconds 120 --seed 1 --out cohort"
    simulate = actions.add_parser(
        "simulate",
        help="a cohort of the physiology model with all ten labels",
        description="Windows of 10 s at 64 Hz, labelled, split by subject, with the figures of how ambiguous they are. "
        "Whatever is made with them is SIMULATED: a proof of the pipeline, never of medicine.",
        epilog=example,
    )
    simulate.add_argument("--subjects", type=_one_or_more, required=True, help="how many people")
    simulate.add_argument("--seconds", type=_seconds, default=120.0, help="of recording, each (120)")
    simulate.add_argument("--seed", type=_none_or_more, default=1, help="decides every draw (1)")
    simulate.add_argument("--sensor", choices=("both", "e4", "finger"), default="both", help="optics (both)")
    simulate.add_argument("--moving", action="store_true", help="keep windows with a moving wrist, flagged")
    simulate.add_argument("--processes", type=_one_or_more, help="at once (default: one a core)")
    simulate.add_argument("--out", type=Path, metavar="DIR", required=True, help="new folder")
    simulate.add_argument("--json", action="store_true", help="one JSON object as the last line")
    simulate.set_defaults(run=run_simulate)


def run_simulate(args: argparse.Namespace) -> dict[str, Any]:
    """Simulate, measure, write.

    Raises:
        ConfigError: the folder is not empty, or the numbers make no cohort.
    """
    out: Path = args.out
    check_new(out)
    config = CohortConfig(args.subjects, args.seconds, args.seed, args.sensor, args.moving)
    with progress("simulating", config.subjects) as tell:
        dataset = simulate_cohort(config, args.processes or os.cpu_count() or 1, tell)
    frozen = freeze(dataset)
    version = write_dataset(out, frozen)
    return {
        "dataset": str(out),
        "version": version,
        "windows": len(frozen),
        "subjects": len(frozen.subjects),
        "splits": {name: split.sha256 for name, split in frozen.splits.items()},
        **frozen.about["simulated"],
        "simulated": True,
    }


def freeze(dataset: Dataset) -> Dataset:
    """The cohort with what must be known before anybody trains on it (evaluation rule 7), in ``about["simulated"]``:
    label means and spreads, many-to-one share, oracle R².
    """
    facts = {
        **dataset.about["simulated"],
        "labels": against_published(dataset.labels),
        "ambiguity": ambiguity(dataset),
    }
    return replace(dataset, about={**dataset.about, "simulated": facts})


def _one_or_more(text: str) -> int:
    return int(_number(text, 1, 1e6, "a whole number, 1 or more"))


def _none_or_more(text: str) -> int:
    return int(_number(text, 0, 2**31, "a whole number, 0 or more"))


def _seconds(text: str) -> float:
    return _number(text, WINDOW_S, 86_400, f"{WINDOW_S:g} to 86400 s")


def _number(text: str, low: float, high: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high or ("whole" in what and value != int(value)):
        raise argparse.ArgumentTypeError(f"{text} must be {what}")
    return value
