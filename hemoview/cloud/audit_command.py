"""``hemoview audit``: prove at the service's own machine that nobody changed its audit log."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import asdict
from typing import Any

from sqlalchemy.exc import DatabaseError

from hemoview.cloud import audit
from hemoview.cloud.database import Database
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError


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
