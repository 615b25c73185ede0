"""The flags of ``hemoview subject``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

EXAMPLE: Final = """examples:
  hemoview subject withdraw P-014 --list          (only say where it is)
  hemoview subject withdraw P-014 --list --look-in /data/runs --look-in ~/Documents/reports
  hemoview subject withdraw P-014 --why "asked by letter" --operator OP2"""


def add_parser(commands: Any) -> None:
    """``hemoview subject ACTION``."""
    raw = argparse.RawDescriptionHelpFormatter
    subject = commands.add_parser(
        "subject", help="withdraw a subject from everything", epilog=EXAMPLE, formatter_class=raw
    )
    actions = subject.add_subparsers(title="actions", metavar="ACTION", required=True)
    parser = actions.add_parser(
        "withdraw",
        help="delete what may be deleted, mark the rest, bar new datasets",
        description="Lists every session, export, dataset, report and model that holds the subject. Those of this "
        "subject alone are deleted; datasets and reports with others in them and models trained on them stay and are "
        "marked. New datasets are barred. What was done is kept in an append-only list.",
        epilog=EXAMPLE,
        formatter_class=raw,
    )
    parser.add_argument("subject", metavar="ID", help="pseudonym")
    parser.add_argument("--why", default="", help="reason; nobody has to give one")
    parser.add_argument("--operator", default="", metavar="CODE", help="who enters it, as a code")
    parser.add_argument("--list", action="store_true", dest="only_list", help="only say where it is")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    for name, what in (
        ("sessions", "session folders"),
        ("datasets", "datasets"),
        ("models", "model bundles or runs"),
        ("look-in", "anything: it is looked through whole, reports and training runs as well"),
    ):
        parser.add_argument(
            f"--{name}",
            type=Path,
            action="append",
            default=[],
            metavar="DIR",
            help=f"a further folder of {what}",
        )
    parser.add_argument("--home", type=Path, metavar="DIR", help="folder that remembers datasets and exports")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview import subject_command  # noqa: PLC0415 – help needs none of it

    return subject_command.run(args)
