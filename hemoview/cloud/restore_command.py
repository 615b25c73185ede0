"""``hemoview restore``: a service from its backup."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from hemoview.cloud.backup_command import add_common, passphrase_of
from hemoview.cloud.custody.backup import Order
from hemoview.cloud.custody.restore import restore
from hemoview.cloud.settings import Settings

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
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Restore; ``ok`` is false where something is missing or does not verify.

    Raises:
        ConfigError, StorageError: see :func:`~hemoview.cloud.custody.restore.restore`.
    """
    settings = Settings.read(args.config, {"folder": args.folder})
    return restore(settings, Order(args.source, args.keys, passphrase_of(args.passphrase_file)))
