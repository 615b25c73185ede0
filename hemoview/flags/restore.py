"""The flags of ``hemoview restore``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from hemoview.flags.backup import add_common

EXAMPLE: Final = """example:
  hemoview restore --from /mnt/backup/hemoview --keys /media/safe/hemoview-keys.json"""


def add_parser(commands: Any) -> None:
    """``hemoview restore``."""
    parser = commands.add_parser(
        "restore",
        help="put the service back from its backup and prove it",
        description="Into a folder without a service. What was erased after the backup is erased again; every "
        "receipt and the audit log are checked; blobs that are missing are asked for at the bedsides.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--from", dest="source", type=Path, required=True, metavar="DIR", help="folder of the backup"
    )
    add_common(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.cloud import restore_command  # noqa: PLC0415 – help needs none of it

    return restore_command.run(args)
