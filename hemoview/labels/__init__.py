"""Labelled windows: the dataset folder, its splits by subject, and what is refused. No torch, no network here."""

from hemoview.labels.dataset import Dataset, make_dataset
from hemoview.labels.dataset_folder import read_dataset, read_seed_files
from hemoview.labels.dataset_write import write_dataset
from hemoview.labels.split import Split
from hemoview.labels.splits import make_split, refuse_leaks

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
