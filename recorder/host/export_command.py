"""``recorder export``: a session, or a span of it, in the formats other programs read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

FORMATS = ("edf", "wfdb", "xdf", "csv", "parquet", "e4zip")
"""Those of :mod:`recorder.exchange.exports.export`, imported only when something is exported: help needs no numpy."""
EXAMPLE = "recorder export SESSION --to edf --out S-07.edf --span 60 660 --streams 'e4.*' --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes, besides session and ``--json``."""
    parser.add_argument("--to", required=True, choices=FORMATS, help="format")
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="PATH",
        help="file or, for csv and parquet, folder; must be new",
    )
    parser.add_argument(
        "--span", type=float, nargs=2, metavar=("T0", "T1"), help="elapsed seconds (default: all of it)"
    )
    parser.add_argument(
        "--streams", nargs="+", metavar="ID", help="ids or patterns such as 'e4.*' (default: all)"
    )
    parser.add_argument(
        "--deidentify",
        action="store_true",
        help="shift dates, hash serials, drop free text; the same subject gets the same code and shift",
    )
    parser.add_argument(
        "--keep-label",
        action="append",
        default=[],
        metavar="TEXT",
        help="a label you have read: kept by --deidentify",
    )
    parser.add_argument(
        "--for-others",
        action="store_true",
        help="it is given away: needs the consent's scope 'upload' or a reason",
    )
    parser.add_argument(
        "--reason", default="", metavar="TEXT", help="why it is given away without that scope"
    )
    parser.add_argument("--operator", default="", metavar="CODE", help="who exports")
    parser.add_argument("--home", type=Path, metavar="DIR", help="folder of stations, sessions and logs")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Export and say what was done."""
    from recorder import session as store  # noqa: PLC0415
    from recorder.clock import Clock  # noqa: PLC0415
    from recorder.exchange.exports.export import Custody, Selection, export  # noqa: PLC0415
    from recorder.host import places, withdrawals  # noqa: PLC0415
    from recorder.host.console import progress  # noqa: PLC0415

    selection = Selection(
        tuple(args.span) if args.span else None,
        tuple(args.streams) if args.streams else None,
        args.deidentify,
        tuple(args.keep_label),
    )
    home = args.home or places.home()
    custody = Custody(
        home,
        args.operator,
        args.for_others,
        args.reason,
        Clock.from_environment().wall_ns(),
        withdrawals.pseudonyms(home),
    )
    with store.open(args.session) as session, progress("exporting", 100.0) as tell:
        report = export(
            session,
            args.to,
            args.out,
            selection,
            custody=custody,
            tell=lambda done, total: tell(100.0 * done / total, f"{done} of {total} rows"),
        )
    return report.to_json()
