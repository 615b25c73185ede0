"""Which blobs are here, in the database: rows of many uploads go into one commit.

A commit with ``synchronous=FULL`` costs the disk a turn. Uploads that finish while one is running wait for it and then
go together (group commit), so that their number a second is not the number of turns.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.database import Database
from hemoview.cloud.tables import blob

_AT_ONCE: Final = 500
"""Values of one ``IN``; databases have limits."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A blob that lies in the store, verified."""

    sha256: str
    bytes: int
    device_id: str
    at_us: int


@dataclass(slots=True)
class _Waiting:
    arrived: Arrived
    written: asyncio.Event = field(default_factory=asyncio.Event)
    is_new: bool = False
    error: BaseException | None = None


class Ledger:
    """Rows of ``tables.blob``.

    Args:
        db: where they are.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._queue: list[_Waiting] = []
        self._turn = asyncio.Lock()
        self._arriving: Counter[str] = Counter()
        self._removing: Counter[str] = Counter()
        self._settled = asyncio.Condition()

    @asynccontextmanager
    async def arriving(self, sha256: str) -> AsyncIterator[None]:
        """From the look whether its file lies there to the commit of its row nobody removes it."""
        async with self._settled:
            await self._settled.wait_for(lambda: not self._removing[sha256])
            self._arriving[sha256] += 1
        try:
            yield
        finally:
            await self._let_go(self._arriving, (sha256,))

    @asynccontextmanager
    async def removing(self, ids: Sequence[str]) -> AsyncIterator[None]:
        """While these files and rows are removed no row of them is written: none must come back without its file.

        Those that are being written are waited for, so decide in here what is to go. Within one process.
        """
        async with self._settled:
            self._removing.update(ids)  # from here on none begins
            try:
                await self._settled.wait_for(lambda: not any(self._arriving[i] for i in ids))
            except BaseException:
                self._drop(self._removing, ids)
                self._settled.notify_all()
                raise
        try:
            yield
        finally:
            await self._let_go(self._removing, ids)

    async def _let_go(self, counter: Counter[str], ids: Sequence[str]) -> None:
        self._drop(counter, ids)  # at once: a request that was cancelled must not hold a name for ever
        async with self._settled:
            self._settled.notify_all()

    @staticmethod
    def _drop(counter: Counter[str], ids: Sequence[str]) -> None:
        counter.subtract(ids)
        for one in ids:
            if counter[one] <= 0:
                del counter[one]

    async def add(self, arrived: Arrived) -> bool:
        """Write down that it is here; committed when this returns. Whether it was not here before, or damaged.

        It belongs to the device that sent it last: with the same key nobody else can have sent the same bytes before.
        A mark of damage goes: the bytes were verified just now.
        """
        mine = _Waiting(arrived)
        self._queue.append(mine)
        async with self._turn:
            if not mine.written.is_set():  # else it went with the one before
                batch, self._queue = self._queue, []
                await asyncio.shield(self._commit(batch))
        if mine.error:
            raise mine.error
        return mine.is_new

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        error: BaseException | None = None
        had: set[str] = set()
        try:
            had = await self._write({w.arrived.sha256: w.arrived for w in batch})
        except BaseException as happened:  # noqa: BLE001 – every one that waits has to be told
            error = happened
        for waiting in batch:
            waiting.error = error
            waiting.is_new = waiting.arrived.sha256 not in had
            waiting.written.set()

    async def _write(self, arrived: dict[str, Arrived]) -> set[str]:
        try:
            async with self._db.begin() as conn:
                return await _upsert(conn, arrived)
        except IntegrityError:  # another replica wrote one of them first; now it is seen
            async with self._db.begin() as conn:
                return await _upsert(conn, arrived)

    async def known(self, ids: Sequence[str], device_id: str) -> set[str]:
        """Those of ``ids`` that are here, whole, and that ``device_id`` sent."""
        found: set[str] = set()
        async with self._db.read() as conn:
            for at in range(0, len(ids), _AT_ONCE):
                query = select(blob.c.sha256).where(
                    blob.c.sha256.in_(ids[at : at + _AT_ONCE]),
                    blob.c.device_id == device_id,
                    blob.c.damaged_us.is_(None),
                )
                found.update((await conn.execute(query)).scalars())
        return found


async def _upsert(conn: AsyncConnection, arrived: dict[str, Arrived]) -> set[str]:
    """Write them; returns those that were here before, whole."""
    found = select(blob.c.sha256, blob.c.damaged_us).where(blob.c.sha256.in_(arrived))
    here = {row.sha256: row.damaged_us is None for row in await conn.execute(found)}
    new = [
        {
            "sha256": a.sha256,
            "bytes": a.bytes,
            "device_id": a.device_id,
            "received_us": a.at_us,
            "verified_us": a.at_us,
        }
        for a in arrived.values()
        if a.sha256 not in here
    ]
    if new:
        await conn.execute(insert(blob), new)
    again = [
        {"id_": a.sha256, "of": a.device_id, "at": a.at_us} for a in arrived.values() if a.sha256 in here
    ]
    if again:
        changes: dict[str, Any] = {
            "device_id": bindparam("of"),
            "received_us": bindparam("at"),
            "verified_us": bindparam("at"),
            "damaged_us": None,
        }
        await conn.execute(update(blob).where(blob.c.sha256 == bindparam("id_")).values(changes), again)
    return {sha256 for sha256, is_whole in here.items() if is_whole}
