"""``hemoview dataset simulate``: a cohort of the physiology model as a dataset folder, with how ambiguous it is."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from hemoview.labels import write_dataset
from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.write import check_new
from hemoview.learn.ambiguity import ambiguity
from hemoview.learn.simulated import CohortConfig, against_published, simulate_cohort
from recorder.host.console import progress


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
