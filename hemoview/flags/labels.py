"""The flags of ``hemoview labels``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

LABEL_SET: Final = "labels"
STEP_S: Final = 1.0
TOLERANCE_S: Final = 0.5
_EXAMPLE = "example: hemoview labels agree sessions/P-014-3 --a OP1 --b OP2"


def add_parser(commands: Any) -> None:
    """``hemoview labels ACTION``."""
    labels = commands.add_parser("labels", help="labels of a session", epilog=_EXAMPLE)
    actions = labels.add_subparsers(title="actions", metavar="ACTION", required=True)
    agree = actions.add_parser(
        "agree",
        help="how far two raters agree",
        description="Cohen's kappa of quality and spans on a common grid, F1 of spans by overlap and of instants "
        "within a tolerance, where both raters looked. Where there is too little, no figure but the reason. Raters "
        "who have not finished are refused: the figures would tell one what the other labels.",
        epilog=_EXAMPLE,
    )
    agree.add_argument("session", type=Path, metavar="SESSION", help="session folder")
    agree.add_argument("--a", metavar="RATER", required=True, help="operator code of one rater")
    agree.add_argument("--b", metavar="RATER", required=True, help="operator code of the other")
    agree.add_argument("--set", metavar="NAME", default=LABEL_SET, help="label set (%(default)s)")
    agree.add_argument("--step-s", type=_seconds, default=STEP_S, help="step of the grid (%(default)s)")
    agree.add_argument("--tolerance-s", type=_seconds, default=TOLERANCE_S, help="of instants (%(default)s)")
    agree.add_argument(
        "--unfinished",
        action="store_true",
        help="also where one has not finished; for somebody who rates none of it and tells the raters nothing",
    )
    agree.add_argument("--json", action="store_true", help="one JSON object as the last line")
    agree.set_defaults(run=_run_agree)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.001 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no length; give seconds, 0.001 to 3600")
    return value


def _run_agree(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.labels.raters import agree_command  # noqa: PLC0415 – help needs none of it

    return agree_command.run_agree(args)
