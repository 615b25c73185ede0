"""The flags of ``hemoview dataset``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

HOP_S: Final = 5.0
WINDOW_S: Final = 10.0
REFERENCE_KINDS: Final = ("CNAP finger cuff", "arterial-line", "finger-cuff", "physiology-model")
EXAMPLE: Final = """examples:
  hemoview dataset build sessions/P-014-import sessions/P-015-import --out cohort --json
  hemoview dataset build sessions/* --out cohort --label-set labels --skip-barred
  hemoview dataset diff cohort-1 cohort-2"""


def add_parser(commands: Any) -> None:
    """``hemoview dataset ACTION``."""
    raw = argparse.RawDescriptionHelpFormatter
    dataset = commands.add_parser(
        "dataset", help="datasets of labelled windows", epilog=EXAMPLE, formatter_class=raw
    )
    actions = dataset.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_build(actions)
    two = actions.add_parser(
        "diff", help="what changed from one version to another", epilog="example: hemoview dataset diff A B"
    )
    two.add_argument("a", type=Path, metavar="A", help="folder of a dataset")
    two.add_argument("b", type=Path, metavar="B", help="folder of another")
    two.add_argument("--json", action="store_true", help="one JSON object as the last line")
    two.set_defaults(run=_run_diff)
    _add_simulate(actions)


def _add_build(actions: Any) -> None:
    parser = actions.add_parser(
        "build",
        help="a dataset out of aligned sessions",
        description="Windows of the pulse wave on its own samples, labelled by the reference, with the reason of every "
        "label that is missing. Sessions that are not aligned, without consent to reuse for training, withdrawn or "
        "simulated are barred, all of them named. The same sessions give the same bytes.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sessions", nargs="+", type=Path, metavar="SESSION", help="session folders")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folder of the dataset")
    parser.add_argument("--name", default="dataset", help="what it is called (dataset)")
    parser.add_argument("--window-s", type=float, default=10.0, help="length of a window, 5 to 10 s (10)")
    parser.add_argument(
        "--hop-s", type=float, default=HOP_S, help=f"from one window to the next, s ({HOP_S:g})"
    )
    parser.add_argument(
        "--label-set", default="", metavar="NAME", help="its spans exclude windows and correct labels"
    )
    parser.add_argument("--allow-simulated", action="store_true", help="simulated and replayed sessions too")
    parser.add_argument("--skip-barred", action="store_true", help="build from the sessions that may be")
    parser.add_argument(
        "--keep-uncalibrated-co",
        action="store_true",
        help='keep CO, CI, SV, SI, SVR, SVRI nobody calibrated, named "uncalibrated CO"',
    )
    parser.add_argument(
        "--reference-kind",
        default="",
        metavar="KIND",
        help=f"where a session does not tell: {', '.join(REFERENCE_KINDS)}",
    )
    how = parser.add_argument_group("who computes")
    how.add_argument("--workers", type=int, default=0, metavar="N", help="processes (one a core)")
    how.add_argument("--executor", choices=("processes", "dask"), default="processes")
    how.add_argument("--scheduler", default="", metavar="ADDRESS", help="of Dask, e.g. tcp://10.0.0.5:8786")
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="folder that remembers datasets and withdrawals"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.set_defaults(run=_run_build)


def _add_simulate(actions: Any) -> None:
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
    simulate.set_defaults(run=_run_simulate)


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


def _run_build(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview import dataset_command  # noqa: PLC0415 – help needs none of it

    return dataset_command.run_build(args)


def _run_diff(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview import dataset_command  # noqa: PLC0415 – help needs none of it

    return dataset_command.run_diff(args)


def _run_simulate(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.learn import dataset_command  # noqa: PLC0415 – help needs none of it

    return dataset_command.run_simulate(args)
