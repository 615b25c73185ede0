"""Removing blobs: first marked, then taken out of the store, then the rows; every process sees the mark.

Whoever stores the same blob again meanwhile is refused by the ledger and sends it once more. What a crash cut off stays
marked, and is finished by a later round.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.custody.ledger import count_removal
from hemoview.cloud.service import Service
from hemoview.cloud.tables import blob

CUT_OFF_S: Final = 3600.0
"""A removal that is not over after so long was cut off: no store is waited for so long."""
_AT_ONCE: Final = 500

Choice = Callable[[AsyncConnection], Awaitable[Sequence[str]]]
"""Ids of blobs that are to go, chosen in the transaction that marks them: nothing can come to need one meanwhile."""


async def remove(service: Service, choose: Choice) -> Sequence[str]:
    """Remove blobs that nothing needs; their ids.

    Raises:
        OSError, StoreAway: the store does not let them go; they stay marked.
    """
    mark_us = service.now_us()
    async with service.db.begin() as conn:
        ids = await choose(conn)
        await _mark(conn, ids, mark_us)
    for some in _parts(ids):
        await _take_out(service, some, mark_us)
    return ids


async def finish(service: Service, older_s: float = CUT_OFF_S) -> Sequence[str]:
    """Go on with removals that were cut off.

    Args:
        older_s: those that began so long ago; 0 only where no other process can be removing.
    """

    async def cut_off(conn: AsyncConnection) -> Sequence[str]:
        before_us = service.now_us() - round(older_s * 1e6)
        return (
            (await conn.execute(select(blob.c.sha256).where(blob.c.removing_us <= before_us))).scalars().all()
        )

    return await remove(service, cut_off)


async def _mark(conn: AsyncConnection, ids: Sequence[str], mark_us: int) -> None:
    for some in _parts(ids):
        await conn.execute(update(blob).where(blob.c.sha256.in_(some)).values(removing_us=mark_us))
    if ids:
        await count_removal(conn)


async def _take_out(service: Service, ids: Sequence[str], mark_us: int) -> None:
    """Only what bears our own mark still: of a process that stood still for an hour another has finished the removal,
    and the blobs may have come again since."""
    ours = (blob.c.sha256.in_(ids), blob.c.removing_us == mark_us)
    async with service.db.read() as conn:
        still = (await conn.execute(select(blob.c.sha256).where(*ours))).scalars().all()
    if not still:
        return
    await service.blobs.delete(still)
    async with service.db.begin() as conn:
        await conn.execute(delete(blob).where(*ours))
        await count_removal(conn)


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), _AT_ONCE):
        yield ids[at : at + _AT_ONCE]
