"""``hemoview audit``: prove at the service's own machine that nobody changed its audit log."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import DatabaseError

from hemoview.cloud import audit
from hemoview.cloud.database import Database
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError

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
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Verify; ``ok`` is false, and the exit status 1, where the log is not what was written.

    Raises:
        ConfigError: there is no log there.
    """
    settings = Settings.read(args.config, {"folder": args.folder})
    if settings.database.startswith("sqlite") and not settings.database_file.is_file():
        raise ConfigError(f"{settings.folder}: holds no service; name another --folder or --config")
    verdict, has_head = asyncio.run(_verify(settings, args.head))
    found = "the log is whole"
    if verdict.broken_at is not None:
        found = (
            f"the log is not what was written from entry {verdict.broken_at} on; keep a copy of the service's "
            "folder and tell the auditor"
        )
    elif not has_head:
        found = (
            f"no entry has the hash {args.head}: entries were cut off, or it is not of here; tell the auditor"
        )
    return {"ok": verdict.broken_at is None and has_head} | asdict(verdict) | {"found": found}


async def _verify(settings: Settings, head: str | None) -> tuple[audit.Verdict, bool]:
    db = Database(settings.database)
    try:
        async with db.read() as conn:
            return await audit.verify(conn), head is None or await audit.has(conn, head)
    except DatabaseError as error:
        raise ConfigError(f"{settings.folder}: its database cannot be read ({error.orig})") from error
    finally:
        await db.close()
