"""``hemoview restore``: a service from its backup."""

from __future__ import annotations

import argparse
from typing import Any

from hemoview.cloud.backup_command import passphrase_of
from hemoview.cloud.custody.backup import Order
from hemoview.cloud.custody.restore import restore
from hemoview.cloud.settings import Settings


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Restore; ``ok`` is false where something is missing or does not verify.

    Raises:
        ConfigError, StorageError: see :func:`~hemoview.cloud.custody.restore.restore`.
    """
    settings = Settings.read(args.config, {"folder": args.folder})
    return restore(settings, Order(args.source, args.keys, passphrase_of(args.passphrase_file)))
