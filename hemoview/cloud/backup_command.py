"""``hemoview backup``: the service's database and blobs into a folder, its keys into a file elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from hemoview.cloud.custody.backup import Order, back_up
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError

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
    parser.set_defaults(run=run)


def add_common(parser: argparse.ArgumentParser) -> None:
    """What ``restore`` has as well."""
    parser.add_argument("--keys", type=Path, required=True, metavar="FILE", help="of the keys; elsewhere")
    parser.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="its first line locks the file of keys"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings of the service (TOML)")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="of the service")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")


def passphrase_of(path: Path | None) -> str | None:
    """First line of the file; None where there is none.

    Raises:
        ConfigError: it cannot be read, or is too short to protect anything.
    """
    if path is None:
        return None
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read; check --passphrase-file") from error
    if not lines or len(lines[0]) < 12:
        raise ConfigError(f"{path}: its first line is the passphrase, of 12 characters at least")
    return lines[0]


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Back up; ``ok`` is false where a blob was found damaged.

    Raises:
        ConfigError, StorageError: see :func:`~hemoview.cloud.custody.backup.back_up`.
    """
    settings = Settings.read(args.config, {"folder": args.folder})
    order = Order(args.to, args.keys, passphrase_of(args.passphrase_file), args.copy_blobs)
    return back_up(settings, order)
