"""Scrubbing: what is kept is read again, the longest unread first, and compared with its name."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError

from hemoview.cloud.custody import damage, removal, unclaimed
from hemoview.cloud.service import Service
from hemoview.cloud.tables import blob, blob_is_whole

EVERY_S: Final = 600.0
_DAY_S: Final = 86_400.0
_AT_ONCE: Final = 200

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What a round found.

    Args:
        read: blobs that were read.
        bytes: of them.
        damaged: ids of those that are not what they were.
    """

    read: int
    bytes: int
    damaged: tuple[str, ...]


async def keep_scrubbing(service: Service) -> None:
    """Rounds for as long as the service runs, so many that the settings' share of all is read in a day."""
    while True:
        await asyncio.sleep(EVERY_S)
        if not service.lead.held:
            continue
        try:
            await scrub(service, service.settings.scrub_percent_per_day / 100 * EVERY_S / _DAY_S)
            await unclaimed.discard(service)
            await removal.finish(service)
        except (SQLAlchemyError, OSError):  # told in the log; the next round tries again
            log.exception("scrubbing was interrupted")


async def scrub(service: Service, share: float) -> Scrubbed:
    """Read this share of all blobs, 0 to 1; one at least."""
    async with service.db.read() as conn:
        count = (await conn.execute(select(func.count()).select_from(blob))).scalar_one()
        oldest = (
            select(blob.c.sha256, blob.c.bytes)
            .where(blob_is_whole())
            .order_by(blob.c.verified_us)
            .limit(math.ceil(count * share))
        )
        rows = (await conn.execute(oldest)).all()
    damaged: list[str] = []
    whole: list[str] = []
    for row in rows:
        why = await _fault(service, row.sha256, row.bytes)
        if why:
            damaged.append(row.sha256)
            await damage.found(service, row.sha256, why)
        else:
            whole.append(row.sha256)
        if len(whole) == _AT_ONCE:
            await _verified(service, whole)
            whole = []
    await _verified(service, whole)
    return Scrubbed(len(rows), sum(row.bytes for row in rows), tuple(damaged))


async def _fault(service: Service, sha256: str, size: int) -> str:
    """What is wrong with a blob; empty where nothing is."""
    digest, length = hashlib.sha256(), 0
    try:
        async for piece in service.blobs.read(sha256):
            await asyncio.to_thread(digest.update, piece)
            length += len(piece)
    except FileNotFoundError:
        return "it is gone"
    except OSError:  # the round goes on, or it would end here for ever: the longest unread is first
        return "it cannot be read"
    if length != size:
        return f"{length} of {size} bytes are left"
    return "" if digest.hexdigest() == sha256 else "its content changed"


async def _verified(service: Service, ids: list[str]) -> None:
    if ids:
        async with service.db.begin() as conn:
            await conn.execute(
                update(blob).where(blob.c.sha256.in_(ids)).values(verified_us=service.now_us())
            )
