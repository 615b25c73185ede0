"""Which labelled windows a command of learning works on. No torch here."""

from __future__ import annotations

import argparse

from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.folder import read_dataset, read_seed_files
from recorder.errors import ConfigError


def read(args: argparse.Namespace) -> Dataset:
    """What :func:`~hemoview.flags.dataset_source.add_dataset` asked for.

    Raises:
        ConfigError: as the readers; windows without labels; windows too short for an estimate.
    """
    if args.dataset is None and args.labels_file is None:
        raise ConfigError("--ppg_file: windows without labels tell nothing; add --labels_file FILE")
    dataset = (
        read_dataset(args.dataset)
        if args.dataset is not None
        else read_seed_files(args.ppg_file, args.labels_file, args.sampling_rate_hz)
    )
    if dataset.short_windows:
        raise ConfigError(
            f"{dataset.name}: windows of {dataset.window_s:g} s are for pre-training only; give windows of 5 to 10 s"
        )
    return dataset
