"""Scrubbing: what is kept is read again, the longest unread first, and compared with its name."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError

from hemoview.cloud.custody import damage, removal, stocked, unclaimed
from hemoview.cloud.custody.blobstore import StoreAway
from hemoview.cloud.service import Service
from hemoview.cloud.tables import blob, blob_is_whole
from recorder.errors import ConfigError

EVERY_S: Final = 600.0
_DAY_S: Final = 86_400.0
_AT_ONCE: Final = 200
_TRIES: Final = 3
"""Rounds in which a store that answers may fail to give one blob back; then that blob is damaged."""

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


class _Untold(Exception):
    """What a blob is like cannot be told yet."""


async def keep_scrubbing(service: Service) -> None:
    """Rounds for as long as the service runs, so many that the settings' share of all is read in a day."""
    unread: Counter[str] = Counter()
    while True:
        await asyncio.sleep(EVERY_S)
        if not service.lead.held:
            continue
        try:
            await unclaimed.discard(service)
            await removal.finish(service)
            await stocked.must_hold_ours(service)
            await scrub(service, service.settings.scrub_percent_per_day / 100 * EVERY_S / _DAY_S, unread)
        except (StoreAway, ConfigError) as error:
            log.error("scrubbing waits: %s", error)
        except (SQLAlchemyError, OSError):  # told in the log; the next round tries again
            log.exception("scrubbing was interrupted")


async def scrub(service: Service, share: float, unread: Counter[str] | None = None) -> Scrubbed:
    """Read this share of all blobs, 0 to 1; one at least.

    Args:
        unread: how often the store answered and did not give this one back, in rounds before; counted on.

    Raises:
        StoreAway, ConfigError: the round ends early; what was read counts, and nothing is marked for that.
    """
    unread = Counter() if unread is None else unread
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
    try:
        for row in rows:
            with suppress(_Untold):
                why = await _fault(service, row.sha256, row.bytes, unread)
                if why:
                    damaged.append(row.sha256)
                    await damage.found(service, row.sha256, why)
                else:
                    whole.append(row.sha256)
            if len(whole) == _AT_ONCE:
                await _verified(service, whole)
                whole = []
    finally:
        await _verified(service, whole)
    return Scrubbed(len(rows), sum(row.bytes for row in rows), tuple(damaged))


async def _fault(service: Service, sha256: str, size: int, unread: Counter[str]) -> str:
    """What is wrong with a blob; empty where nothing is.

    Raises:
        _Untold: it was not given back, and may be yet.
    """
    digest, length = hashlib.sha256(), 0
    try:
        async for piece in service.blobs.read(sha256):
            await asyncio.to_thread(digest.update, piece)
            length += len(piece)
    except FileNotFoundError:
        return "it is gone"
    except StoreAway as error:
        if await _gives_another(service, sha256):
            unread[sha256] += 1
        log.error("blob %s was not given back: %s", sha256, error)
        if unread[sha256] >= _TRIES:
            return "its store gives others back and not this one"
        raise _Untold from None
    except OSError:  # the round goes on, or it would end here for ever: the longest unread is first
        return "it cannot be read"
    del unread[sha256]
    if length != size:
        return f"{length} of {size} bytes are left"
    return "" if digest.hexdigest() == sha256 else "its content changed"


async def _gives_another(service: Service, sha256: str) -> bool:
    """The store gives back what it gave last: that it keeps this one is then this one's. False where there is none.

    Raises:
        StoreAway: it does not; nothing is known of either.
    """
    query = select(blob.c.sha256).where(blob_is_whole(), blob.c.sha256 != sha256)
    async with service.db.read() as conn:
        other = (await conn.execute(query.order_by(blob.c.verified_us.desc()).limit(1))).scalar()
    if other is None:
        return False
    with suppress(OSError):
        async for _ in service.blobs.read(other):
            pass
        return True
    return False


async def _verified(service: Service, ids: list[str]) -> None:
    if ids:
        async with service.db.begin() as conn:
            await conn.execute(
                update(blob).where(blob.c.sha256.in_(ids)).values(verified_us=service.now_us())
            )
