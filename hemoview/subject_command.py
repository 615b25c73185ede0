"""``hemoview subject withdraw ID``: where a subject is, what is deleted, what stays and is marked."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from hemoview.labels import withdrawal
from hemoview.labels.withdrawal import Holding, Places
from recorder.errors import ConfigError
from recorder.host import places
from recorder.host.console import progress

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
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Find, ask, do.

    Raises:
        ConfigError: nobody agreed.
        StorageError: what was done cannot be written down; then nothing was deleted.
    """
    home = args.home or places.home()
    looked = Places(
        home,
        tuple(p.absolute() for p in (places.sessions_dir(home), *args.sessions)),
        tuple(args.datasets),
        (places.models_dir(), *args.models),
        tuple(p.absolute() for p in args.look_in),
    )
    found = withdrawal.find(args.subject, looked)
    told = {
        "subject": args.subject,
        **_by_kind(found),
        "looked_in": looked.in_words,
        "cannot_reach": withdrawal.not_reached(found, looked),
    }
    if args.only_list:
        return {**told, "withdrawn": False}
    _ask(args, found)
    with progress("withdrawing", float(len(found))) as tell:
        done: list[str] = []

        def heard(line: str) -> None:
            done.append(line)
            tell(len(done), line)

        written, failed = withdrawal.withdraw(
            args.subject, found, home, why=args.why, who=args.operator, tell=heard
        )
    return {
        "ok": not failed,
        **told,
        "withdrawn": True,
        "erased": list(written.erased),
        "marked": list(written.marked),
        "failed": failed,
    }


def _by_kind(found: list[Holding]) -> dict[str, Any]:
    kinds = ("session", "export", "dataset", "report", "model")
    return {f"{kind}s": [h.to_json() for h in found if h.kind == kind] for kind in kinds}


def _ask(args: argparse.Namespace, found: list[Holding]) -> None:
    if args.yes:
        return
    deleted = [h.in_words() for h in found if h.deletable]
    if not sys.stdin.isatty():
        raise ConfigError(
            f"{args.subject}: nothing was changed; {len(deleted)} of {len(found)} would be deleted for ever. "
            "--list shows them, --yes does it"
        )
    for line in deleted:
        sys.stderr.write(f"  delete {line}\n")
    for holding in found:
        if not holding.deletable:
            sys.stderr.write(f"  mark   {holding.in_words()}\n")
    if input(f"Withdraw {args.subject} for ever? Type the pseudonym: ").strip() != args.subject:
        raise ConfigError(f"{args.subject}: nothing was changed; type the pseudonym, or give --yes")
