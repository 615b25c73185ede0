"""Blobs that came and were never named by a manifest: kept for a while, since a bedside may be offline for days."""

from __future__ import annotations

import logging
from typing import Final

from sqlalchemy import delete, select, update

from hemoview.cloud.service import Service
from hemoview.cloud.tables import blob, session_file

KEPT_DAYS: Final = 30
_AT_ONCE: Final = 500

log = logging.getLogger(__name__)


async def discard(service: Service) -> int:
    """Remove those older than :data:`KEPT_DAYS`; how many.

    First they count as missing, so that no manifest can name one that is about to go; one that is sent again in that
    very moment either stays, or is refused and sent once more.
    """
    now_us = service.now_us()
    before_us = now_us - KEPT_DAYS * 86_400_000_000
    named = select(session_file.c.blob_sha256).where(session_file.c.blob_sha256 == blob.c.sha256)
    old = select(blob.c.sha256).where(blob.c.received_us < before_us, ~named.exists()).limit(_AT_ONCE)
    async with service.db.begin() as conn:
        ids = list((await conn.execute(old)).scalars())
        await conn.execute(update(blob).where(blob.c.sha256.in_(ids)).values(damaged_us=now_us))
    async with service.ledger.removing(ids):
        still = select(blob.c.sha256).where(blob.c.sha256.in_(ids), blob.c.damaged_us == now_us)
        async with service.db.read() as conn:
            going = list((await conn.execute(still)).scalars())
        await service.blobs.delete(going)
        async with service.db.begin() as conn:
            await conn.execute(delete(blob).where(blob.c.sha256.in_(going)))
    if going:
        log.info("%d blobs that no manifest named in %d days were removed", len(going), KEPT_DAYS)
    return len(going)
