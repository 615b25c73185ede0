"""The flags of ``hemoview backup``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

EXAMPLE: Final = """example:
  hemoview backup --to /mnt/backup/hemoview --keys /media/safe/hemoview-keys.json --copy-blobs"""


def add_parser(commands: Any) -> None:
    """``hemoview backup``."""
    parser = commands.add_parser(
        "backup",
        help="back the service up: database and blobs, and its keys apart",
        description="One consistent state of a service, which may run meanwhile. Into a folder that has an earlier "
        "backup only new blobs are copied. Keys and backup together open every session: keep them apart.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder of the backup")
    parser.add_argument("--copy-blobs", action="store_true", help="the blobs too, not only the list of them")
    add_common(parser)
    parser.set_defaults(run=_run)


def add_common(parser: argparse.ArgumentParser) -> None:
    """What ``restore`` has as well."""
    parser.add_argument("--keys", type=Path, required=True, metavar="FILE", help="of the keys; elsewhere")
    parser.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="its first line locks the file of keys"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings of the service (TOML)")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="of the service")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")


def _run(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.cloud import backup_command  # noqa: PLC0415 – help needs none of it

    return backup_command.run(args)
