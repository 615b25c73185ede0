"""``recorder update``: another version of HemoView for a site, and back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from recorder.errors import ConfigError
from recorder.host import update
from recorder.host.console import progress

EXAMPLE: Final = """examples:
  recorder update hemoview-0.2.0-py3-none-any.whl --root /opt/hemoview
  recorder update --rollback --why "window does not open" --root /opt/hemoview
  recorder update --root /opt/hemoview          (what is in use, and what was before)"""


def add_parser(commands: Any) -> None:
    """``recorder update``."""
    parser = commands.add_parser(
        "update",
        help="another version of HemoView for this computer, or back to the one before",
        description="Makes the new version beside the old one, from packages locked by hash, lets it prove itself, and "
        "switches to it. Refused while a station records. Back is one command.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("wheel", nargs="?", type=Path, metavar="WHEEL", help="the new version")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="where versions are kept")
    parser.add_argument(
        "--kind", choices=update.KINDS, default="bedside", help="whose packages (default: bedside)"
    )
    parser.add_argument("--rollback", action="store_true", help="back to the version before")
    parser.add_argument("--why", default="", help="reason, for the history")
    parser.add_argument("--home", type=Path, metavar="DIR", help="folder of stations and sessions")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Switch, or tell how it stands.

    Raises:
        ConfigError, StationError: see :mod:`recorder.host.update`.
    """
    if args.rollback and args.wheel:
        raise ConfigError("a wheel and --rollback exclude each other; give one of them")
    if args.rollback:
        switch = update.rollback(args.root, why=args.why, home=args.home)
    elif args.wheel:
        with progress("making the new version"):
            switch = update.install(args.root, args.wheel, kind=args.kind, home=args.home)
    else:
        past = [f"{s.before or 'nothing'} → {s.after}: {s.why}" for s in update.history(args.root)]
        return {"ok": True, "current": update.current(args.root), "history": past}
    return {"ok": True, "before": switch.before, "current": switch.after, "why": switch.why}
