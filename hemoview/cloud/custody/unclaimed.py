"""Blobs that came and were never named by a manifest: kept for a while, since a bedside may be offline for days."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.custody import removal
from hemoview.cloud.service import Service
from hemoview.cloud.tables import blob, session_file

KEPT_DAYS: Final = 30
_AT_ONCE: Final = 500

log = logging.getLogger(__name__)


async def discard(service: Service) -> int:
    """Remove those older than :data:`KEPT_DAYS`; how many."""

    async def old(conn: AsyncConnection) -> Sequence[str]:
        before_us = service.now_us() - KEPT_DAYS * 86_400_000_000
        named = select(session_file.c.blob_sha256).where(session_file.c.blob_sha256 == blob.c.sha256)
        unclaimed = (blob.c.received_us < before_us, blob.c.removing_us.is_(None), ~named.exists())
        return (await conn.execute(select(blob.c.sha256).where(*unclaimed).limit(_AT_ONCE))).scalars().all()

    gone = await removal.remove(service, old)
    if gone:
        log.info("%d blobs that no manifest named in %d days were removed", len(gone), KEPT_DAYS)
    return len(gone)
