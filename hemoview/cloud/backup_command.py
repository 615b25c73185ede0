"""``hemoview backup``: the service's database and blobs into a folder, its keys into a file elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hemoview.cloud.custody.backup import Order, back_up
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError


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
