"""Labelled windows: the dataset folder, its splits by subject, and what is refused. No torch, no network here."""

from hemoview.labels.datasets.dataset import Dataset, make_dataset
from hemoview.labels.datasets.folder import read_dataset, read_seed_files
from hemoview.labels.datasets.split import Split
from hemoview.labels.datasets.splits import make_split, refuse_leaks
from hemoview.labels.datasets.write import write_dataset

__all__ = [
    "Dataset",
    "Split",
    "make_dataset",
    "make_split",
    "read_dataset",
    "read_seed_files",
    "refuse_leaks",
    "write_dataset",
]
