"""``hemoview report``: of a session its hemodynamics, and beside them a model against its reference; of a dataset the
latter.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final, Literal, get_args

from hemoview.labels.build_options import BuildOptions
from hemoview.labels.dataset_folder import FACTS
from hemoview.report import judging, session_report, validation
from hemoview.report.narrate import FILE, endpoint_of, narrator_of
from hemoview.report.session_words import LANGUAGES
from recorder.errors import ConfigError
from recorder.host import places
from recorder.session.header import SESSION_FILE

EXAMPLE: Final = """examples:
  hemoview report sessions/P-014-import --out report-P-014
  hemoview report sessions/P-014-import --only hemodynamic --language zh --out report-P-014
  hemoview report cohort-2 --model lsm2oe-student-0.2.1 --calibration-points 3 --out report-cohort-2 --json"""

Only = Literal["hemodynamic", "validation"]


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
        "--only", choices=get_args(Only), help="of a session: one of both (both, where possible)"
    )
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the hemodynamic report (en)")
    parser.add_argument(
        "--narrative",
        action="store_true",
        help=f"a summary in sentences, too: by the endpoint of {FILE} in the home folder, every number checked; "
        "by fixed sentences where there is none",
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
    parser.set_defaults(run=run)


def _points(text: str) -> int:
    if not text.isdigit() or int(text) > 1000:
        raise argparse.ArgumentTypeError(f"{text} must be a whole number, 0 to 1000")
    return int(text)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """The command.

    Raises:
        RecorderError: the source is refused, the folder cannot be written, or a validation that was asked for – by
            ``--model`` or ``--only validation`` – cannot be made.
    """
    of_a_session = (args.source / SESSION_FILE).is_file() and not (args.source / FACTS).is_file()
    if not of_a_session:
        if args.only == "hemodynamic":
            raise ConfigError(f"{args.source}: no session; a hemodynamic report is of one. Name its folder")
        return _validation(args)
    if args.only == "validation":
        return _validation(args)
    figures: dict[str, Any] = {}
    if args.only is None:
        try:
            figures = _validation(args)
        except ConfigError as error:
            if args.model is not None:
                raise
            figures = {"validation": f"not made: {error}"}
    narrator = narrator_of(endpoint_of(args.home or places.home())) if args.narrative else None
    order = session_report.Order(args.source, args.out, args.language, args.home, narrator)
    made = session_report.carry_out(order)
    return {"ok": True, **figures, "hemodynamic": made.summary()}


def _validation(args: argparse.Namespace) -> dict[str, Any]:
    options = BuildOptions(allow_simulated=True, label_set=args.label_set)
    order = validation.Order(args.source, args.out, args.model, args.calibration_points, options, args.home)
    figures = validation.carry_out(order)
    return figures if args.json else {**judging.summary(figures), "pdf": figures["pdf"]}
