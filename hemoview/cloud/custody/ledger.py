"""Which blobs are here, in the database: rows of many uploads go into one commit.

A commit with ``synchronous=FULL`` costs the disk a turn. Uploads that finish while one is running wait for it and then
go together (group commit), so that their number a second is not the number of turns.

A row is a promise that its blob lies in the store, so none may be written for one that is being removed, by this
process or another. Every removal (:mod:`hemoview.cloud.custody.removal`) is counted in the database when it begins and
when it ends. Where the count at the commit is the one from before the blob was stored, nothing can have removed it;
else it is looked for in the store, within the transaction, beside which no removal can begin. Removals are rare, and
so is that look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.custody.blobstore import StoreAway
from hemoview.cloud.database import Database, upsert
from hemoview.cloud.tables import blob, blob_is_whole, fact

_AT_ONCE: Final = 500
"""Values of one ``IN``; databases have limits."""
_REMOVALS: Final = "removals"
LOOK_S: Final = 5.0
"""So long the store is asked at most while nobody else can write."""


class Removed(Exception):
    """An older copy was removed in that very moment, and this with it."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A blob that was put into the store, verified.

    Args:
        removals: :attr:`Ledger.removals` from before it was.
    """

    sha256: str
    bytes: int
    device_id: str
    at_us: int
    removals: int


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
        size: of a blob in the store; None where it is not there.
    """

    def __init__(self, db: Database, size: Callable[[str], Awaitable[int | None]]) -> None:
        self._db, self._size = db, size
        self._queue: list[_Waiting] = []
        self._turn = asyncio.Lock()
        self.removals = -1
        """How many beginnings and ends of removals this process has seen; to be read before a blob is stored."""

    async def add(self, arrived: Arrived) -> bool:
        """Write down that it is here; committed when this returns. Whether it was not here before, or damaged.

        It belongs to the device that sent it last: with the same key nobody else can have sent the same bytes before.
        A mark of damage goes: the bytes were verified just now.

        Raises:
            Removed: it is to be sent again.
            StoreAway: so too; it may be there.
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
        try:
            async with self._db.begin() as conn:
                here = await _here(conn, {w.arrived.sha256 for w in batch})
                removed = await self._removed(conn, batch, here)
                arrived = {w.arrived.sha256: w.arrived for w in batch if w.arrived.sha256 not in removed}
                await _write(conn, arrived, set(here))
        except BaseException as error:  # noqa: BLE001 – every one that waits has to be told
            for waiting in batch:
                waiting.error = error
        else:
            for waiting in batch:
                sha256 = waiting.arrived.sha256
                waiting.error = Removed() if sha256 in removed else None
                waiting.is_new = sha256 not in here or here[sha256].damaged_us is not None
        for waiting in batch:
            waiting.written.set()

    async def _removed(
        self, conn: AsyncConnection, batch: Sequence[_Waiting], here: Mapping[str, Row[Any]]
    ) -> set[str]:
        """Those that are about to go, or not there any more."""
        self.removals = await removals(conn)
        gone = {sha256 for sha256, row in here.items() if row.removing_us is not None}
        in_doubt = {w.arrived.sha256: w.arrived for w in batch if w.arrived.removals != self.removals}
        try:
            async with asyncio.timeout(LOOK_S):
                for sha256, arrived in in_doubt.items():
                    if sha256 not in gone and await self._size(sha256) != arrived.bytes:
                        gone.add(sha256)
        except TimeoutError:
            raise StoreAway("the store of blobs does not say what it has") from None
        return gone

    async def known(self, ids: Sequence[str], device_id: str) -> set[str]:
        """Those of ``ids`` that are here, whole, and that ``device_id`` sent."""
        found: set[str] = set()
        async with self._db.read() as conn:
            for at in range(0, len(ids), _AT_ONCE):
                query = select(blob.c.sha256).where(
                    blob.c.sha256.in_(ids[at : at + _AT_ONCE]),
                    blob.c.device_id == device_id,
                    blob_is_whole(),
                )
                found.update((await conn.execute(query)).scalars())
        return found


async def removals(conn: AsyncConnection) -> int:
    """How many times a removal began or ended."""
    value = (await conn.execute(select(fact.c.value).where(fact.c.name == _REMOVALS))).scalar()
    return int(value or 0)


async def count_removal(conn: AsyncConnection) -> None:
    """One begins or ends with this transaction."""
    await upsert(conn, fact, [{"name": _REMOVALS, "value": str(await removals(conn) + 1)}])


async def _here(conn: AsyncConnection, ids: Set[str]) -> dict[str, Row[Any]]:
    """What is written of them."""
    found = select(blob.c.sha256, blob.c.damaged_us, blob.c.removing_us).where(blob.c.sha256.in_(ids))
    rows: Iterable[Row[Any]] = await conn.execute(found)
    return {row.sha256: row for row in rows}


async def _write(conn: AsyncConnection, arrived: dict[str, Arrived], here: Set[str]) -> None:
    """Write them; ``here``: those that have a row."""
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
