"""The flags of ``hemoview train``. No torch here: help and wrong usage need none."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from hemoview.flags.dataset_source import add_dataset
from hemoview.learn.moe.config import NOISE_TYPES, ModelConfig
from hemoview.learn.run_config import RunConfig

EXAMPLE: Final = """example:
  hemoview dataset simulate --subjects 60 --out cohort
  hemoview train --dataset cohort --output_dir run --num_experts 4 --hidden_channels 32 --k 2 --epochs 10"""


def add_parser(commands: Any) -> None:
    """Register ``train`` with its flags: the seed's own (lsm2oe §8), and ours."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train",
        help="train LSM²oE on a dataset",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=_run)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    add_dataset(parser)
    parser.add_argument("--split", metavar="NAME", help="a split of the dataset; default: made from --seed")
    parser.add_argument("--output_dir", type=Path, default=Path("output"), metavar="RUN")
    add_split_arguments(parser)
    add_model_arguments(parser)
    default = RunConfig()
    parser.add_argument(
        "--epochs", type=int, default=default.passes, help="passes over the training rows, at most"
    )
    parser.add_argument("--batch_size", type=int, default=default.drawing.batch_size)
    parser.add_argument("--lr", type=float, default=default.lr)
    parser.add_argument("--weight_decay", type=float, default=default.weight_decay)
    parser.add_argument(
        "--patience",
        type=int,
        default=default.patience,
        help="passes without a better validation score; 0 = all passes",
    )
    parser.add_argument("--device", default="cuda:0", help="cuda:0 where there is one, else the CPU")
    parser.add_argument(
        "--wrist_views", type=int, default=0, help="add N wristband-like views of every window"
    )
    parser.add_argument(
        "--level_weight",
        type=float,
        default=default.weights.level,
        help="1 = the error as it is; below, the rest goes to changes inside a subject",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the run in --output_dir")


def add_split_arguments(parser: argparse.ArgumentParser) -> None:
    """``--test_size --val_size --seed``."""
    parser.add_argument("--test_size", type=float, default=0.2, help="part of all subjects")
    parser.add_argument("--val_size", type=float, default=0.2, help="part of all subjects")
    parser.add_argument("--seed", type=int, default=RunConfig().seed)


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that shape the network."""
    model = ModelConfig()
    parser.add_argument("--num_experts", type=int, default=model.num_experts)
    parser.add_argument("--hidden_channels", type=int, default=model.hidden_channels, help="a multiple of 4")
    parser.add_argument("--k", type=int, default=model.k, help="experts a gate chooses for a window")
    parser.add_argument("--noisy_gating", action="store_true")
    parser.add_argument("--noise_type", choices=NOISE_TYPES, default=model.noise_type)
    parser.add_argument("--expert_type", choices=("resnet", "msfgm"), default=model.expert_type)
    parser.add_argument("--use_msfgm", action="store_true")
    parser.add_argument("--gates", choices=("group", "task"), default=model.gates)
    parser.add_argument(
        "--outputs",
        choices=("physiology", "unconstrained"),
        default=model.outputs,
        help="physiology: order of pressures and identities hold by construction; unconstrained: ten free numbers",
    )
    parser.add_argument(
        "--demographics", action="store_true", help="age, sex, height, weight as masked input"
    )


def _run(args: argparse.Namespace) -> dict[str, Any] | None:
    from hemoview.learn import train_command  # noqa: PLC0415 – torch

    return train_command.run(args)
