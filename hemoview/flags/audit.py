"""The flags of ``hemoview audit``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

EXAMPLE: Final = """example:
  hemoview audit verify               (entries, newest hash; exit status 1 where the chain is broken)"""


def add_parser(commands: Any) -> None:
    """``hemoview audit``."""
    parser = commands.add_parser(
        "audit",
        help="prove that the service's audit log is whole",
        description="Reads every entry of a service's audit log and checks the chain of hashes; the service may run. "
        "Keep the newest hash elsewhere: entries cut off at the end show by it alone.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=("verify",))
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings of the service (TOML)")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="of database, blobs and keys")
    parser.add_argument("--head", metavar="HASH", help="a newest hash that was kept: it must be in the log")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.cloud import audit_command  # noqa: PLC0415 – help needs none of it

    return audit_command.run(args)
