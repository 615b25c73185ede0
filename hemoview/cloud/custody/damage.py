"""A blob that is no longer what it was: marked, told, asked for again at the bedside that has the session."""

from __future__ import annotations

import json
import logging

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit
from hemoview.cloud.custody import orders
from hemoview.cloud.service import Service
from hemoview.cloud.tables import blob, blob_is_whole, device, session, session_file
from recorder.sync import wire

log = logging.getLogger(__name__)


async def found(service: Service, sha256: str, why: str) -> None:
    """Write down that a blob is damaged. Found once more, it is not told again."""
    now_us = service.now_us()
    async with service.db.begin() as conn:
        marked = await conn.execute(
            update(blob).where(blob.c.sha256 == sha256, blob_is_whole()).values(damaged_us=now_us)
        )
        if not marked.rowcount:
            return
        named = await _files_of(conn, sha256)
        files = [f"{session_id}/{name}" for session_id, name, _ in named]
        detail = json.dumps({"why": why, "files": files})
        await audit.append(
            conn, audit.Entry(now_us, "service", "blob.damaged", sha256, audit.REFUSED, "", detail)
        )
        for session_id, device_id in sorted({(s, d) for s, _, d in named if d}):
            await ask_again(conn, now_us, device_id, session_id)
    log.error("blob %s is damaged (%s); it is %s", sha256, why, ", ".join(files) or "of no session")


async def ask_again(conn: AsyncConnection, now_us: int, device_id: str, session_id: str) -> None:
    """Order the bedside to look which blobs of a session are missing here."""
    order = wire.Order("new", orders.RESEND, session_id, "a copy was damaged here", "service", now_us)
    await orders.give(conn, device_id, order)


async def _files_of(conn: AsyncConnection, sha256: str) -> list[tuple[str, str, str | None]]:
    """(session, file, device that may still have it) of every file with this content."""
    query = (
        select(session_file.c.session_id, session_file.c.name, session.c.device_id, device.c.revoked_us)
        .join(session, session.c.id == session_file.c.session_id)
        .join(device, device.c.id == session.c.device_id)
        .where(session_file.c.blob_sha256 == sha256, session.c.state != "erased")
        .distinct()
    )
    rows = (await conn.execute(query)).all()
    return [(r.session_id, r.name, None if r.revoked_us is not None else r.device_id) for r in rows]
