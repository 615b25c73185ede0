"""``hemoview subject withdraw ID``: where a subject is, what is deleted, what stays and is marked."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from hemoview.labels.withdrawal import withdrawal
from hemoview.labels.withdrawal.withdrawal import Holding, Places
from recorder.errors import ConfigError
from recorder.host import places
from recorder.host.console import progress


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
            args.subject, found, looked, why=args.why, who=args.operator, tell=heard
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
