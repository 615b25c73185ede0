"""The flags of ``hemoview report``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from hemoview.report.session.words import LANGUAGES

NARRATOR_FILE: Final = "narrator.toml"
EXAMPLE: Final = """examples:
  hemoview report sessions/P-014-import --out report-P-014
  hemoview report sessions/P-014-import --only hemodynamic --language zh --out report-P-014
  hemoview report cohort-2 --model lsm2oe-student-0.2.1 --calibration-points 3 --out report-cohort-2 --json"""


def add_parser(commands: Any) -> None:
    """The command and its flags."""
    parser = commands.add_parser(
        "report",
        help="hemodynamics of a session; a model against the reference of a session or dataset",
        description="Of a session: its hemodynamics as page, PDF, Excel and CSV in a new folder hemodynamic below DIR, "
        "never over an older one; and, where it is aligned, the agreement of a model with its reference. Of a dataset: "
        "that agreement. Research use only.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, metavar="SESSION_OR_DATASET", help="its folder")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the report")
    parser.add_argument(
        "--only",
        choices=("hemodynamic", "validation"),
        help="of a session: one of both (both, where possible)",
    )
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the hemodynamic report (en)")
    parser.add_argument(
        "--narrative",
        action="store_true",
        help=f"a summary in sentences, too: by the endpoint of {NARRATOR_FILE} in the home folder, "
        "every number checked; by fixed sentences where there is none",
    )
    parser.add_argument(
        "--model", type=Path, metavar="BUNDLE", help="a bundle's folder or name (the shipped student)"
    )
    parser.add_argument(
        "--calibration-points",
        type=_points,
        default=0,
        metavar="K",
        help="the first K windows of a subject calibrate and are never scored (0)",
    )
    parser.add_argument(
        "--label-set", default="", metavar="NAME", help="of a session: its spans exclude and correct"
    )
    parser.add_argument("--home", type=Path, metavar="DIR", help="folder that remembers withdrawals")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.set_defaults(run=_run)


def _points(text: str) -> int:
    if not text.isdigit() or int(text) > 1000:
        raise argparse.ArgumentTypeError(f"{text} must be a whole number, 0 to 1000")
    return int(text)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.report import command  # noqa: PLC0415 – help needs none of it

    return command.run(args)
