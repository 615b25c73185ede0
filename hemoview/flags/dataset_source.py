"""The flags that name labelled windows."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_dataset(parser: argparse.ArgumentParser, what: str = "a dataset folder") -> None:
    """``--dataset DIR``, or the seed's two arrays ``--ppg_file F --labels_file F``; one of both is required."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--dataset", type=Path, metavar="DIR", help=what)
    source.add_argument(
        "--ppg_file", type=Path, metavar="NPY", help="windows (n, samples); with --labels_file"
    )
    parser.add_argument("--labels_file", type=Path, metavar="NPY", help="labels (n, 2, 3, 4 or 10)")
    parser.add_argument(
        "--sampling_rate_hz", type=float, metavar="HZ", help="of --ppg_file; default: a window is 10 s"
    )
