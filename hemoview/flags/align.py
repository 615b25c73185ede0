"""The flags of ``hemoview align``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """examples:
  hemoview align 20261128-101500_S-07_1a2b3c
  hemoview align SESSION --nudge-ms -12 --why "tap seen on video" --operator OP1
  hemoview align SESSION --undo

Exit status: 0 locked, 1 refused (the refusal is stored too and bars the session from training)."""


def add_parser(commands: Any) -> None:
    """``hemoview align SESSION``."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "align",
        help="align pulse and reference of a session by their beats, or refuse",
        description="Finds by how much the clocks of both devices differ, and their drift, from the beats both felt. "
        "A further version is stored each time; samples are never rewritten.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("session", type=Path, metavar="SESSION", help="folder of the session")
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--undo", action="store_true", help="go back to the version before, by a further version"
    )
    action.add_argument("--nudge-ms", type=float, metavar="N", help="move the pulse by N ms; needs --why")
    action.add_argument("--show", action="store_true", help="what holds now; nothing is computed or stored")
    parser.add_argument("--why", default="", metavar="TEXT", help="reason for a nudge or an undo")
    parser.add_argument("--operator", default="", metavar="CODE", help="who does it (default: hemoview)")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.labels.align import command as align_command  # noqa: PLC0415 – help needs none of it

    return align_command.run(args)
