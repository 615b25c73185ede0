"""The flags of ``hemoview compress``. No torch here: help and wrong usage need none."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from hemoview.flags.dataset_source import add_dataset
from hemoview.learn.compress.defaults import FIRST_VERSION, FORMS, PASSES, TARGET_SPARSITY
from hemoview.learn.moe.config import NOISE_TYPES

EXAMPLE: Final = """example:
  hemoview compress --dataset cohort --teacher_weights run --output_dir lsm2oe-student-0.1.0"""


def add_parser(commands: Any) -> None:
    """Register ``compress`` with the seed's flags (lsm2oe §8) and ours."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "compress",
        help="make a small bundle of a training run",
        description="Prune experts, slim channels, distil both ways, quantise, and write a verified bundle.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=_run)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    add_dataset(parser, "the dataset folder the run was trained on")
    parser.add_argument(
        "--teacher_weights",
        type=Path,
        required=True,
        metavar="RUN",
        help="the training run, or its checkpoint",
    )
    parser.add_argument(
        "--output_dir",
        type=Path,
        required=True,
        metavar="BUNDLE",
        help=f"the bundle's folder; NAME-VERSION names the bundle, without a version it is {FIRST_VERSION}",
    )
    parser.add_argument(
        "--target_sparsity",
        type=float,
        default=TARGET_SPARSITY,
        help="share of the teacher's parameters to remove",
    )
    parser.add_argument("--distillation_epochs", type=int, default=PASSES)
    parser.add_argument("--form", choices=("auto", *FORMS), default="auto", help="how weights are stored")
    parser.add_argument("--batch_size", type=int, help="default: the run's")
    parser.add_argument("--seed", type=int, help="default: the run's")
    parser.add_argument("--device", default="cuda:0", help="cuda:0 where there is one, else the CPU")
    parser.add_argument(
        "--wrist_views", type=int, default=0, help="add N wristband-like views of every window"
    )
    parser.add_argument(
        "--calibration_dataset",
        type=Path,
        metavar="DIR",
        help="people beside the validation subjects for the interval tables; nobody of the training dataset",
    )
    parser.add_argument("--test_size", type=float, help="checked against the run's split")
    parser.add_argument("--val_size", type=float, help="checked against the run's split")
    for name in ("num_experts", "hidden_channels", "k"):
        parser.add_argument(f"--{name}", type=int, help="checked against the checkpoint")
    parser.add_argument("--noise_type", choices=NOISE_TYPES, help="checked against the checkpoint")
    parser.add_argument("--expert_type", choices=("resnet", "msfgm"), help="checked against the checkpoint")
    for name in ("noisy_gating", "use_msfgm"):
        parser.add_argument(
            f"--{name}", action="store_true", default=None, help="checked against the checkpoint"
        )


def _run(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.learn.compress import command  # noqa: PLC0415 – torch

    return command.run(args)
