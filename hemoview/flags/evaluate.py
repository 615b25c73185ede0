"""The flags of ``hemoview evaluate``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from hemoview.flags.dataset_source import add_dataset

PARTS: Final = ("train", "val", "test", "all")


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
        choices=PARTS,
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
    parser.set_defaults(run=_run)


def _points(text: str) -> int:
    if not text.isdigit() or int(text) > 1000:
        raise argparse.ArgumentTypeError(f"{text} must be a whole number, 0 or more")
    return int(text)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.learn import evaluate_command  # noqa: PLC0415 – help needs none of it

    return evaluate_command.run(args)
