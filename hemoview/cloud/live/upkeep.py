"""What keeps the live room going: the tasks of every second, and what they look up that no word told."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import select

from hemoview.cloud.ending import ended
from hemoview.cloud.live.board import text_of, tick_text
from hemoview.cloud.live.queues import Parcel
from hemoview.cloud.live.replicas import Replicas
from hemoview.cloud.live.room import Live
from hemoview.cloud.live.words import Erased
from hemoview.cloud.tables import erasure

EVERY_S: Final = 1.0
CHECK_S: Final = 10.0
"""How often bedsides that are connected are looked up again: a revocation holds after this long."""
SUM_UP_S: Final = 5.0
FORGET_S: Final = 3600.0

log = logging.getLogger(__name__)


class Upkeep:
    """Of one room, for as long as the service runs.

    Args:
        live: the room.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self.replicas = Replicas(live, self.look)
        self._looking: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Around the service's life."""
        live = self._live
        await live.store.recall(live.board, live.service.now_us())
        await live.bus.open(self.replicas.take)
        tasks = [
            asyncio.create_task(_regularly(EVERY_S, self._tick), name="live-tick"),
            asyncio.create_task(_regularly(EVERY_S, self._tell_changed), name="live-changed"),
            asyncio.create_task(_regularly(EVERY_S, self._write), name="live-write"),
            asyncio.create_task(_regularly(SUM_UP_S, self._sum_up), name="live-sum-up"),
            asyncio.create_task(_regularly(CHECK_S, self.check), name="live-check"),
            asyncio.create_task(_regularly(FORGET_S, self._forget), name="live-forget"),
        ]
        try:
            yield
        finally:
            await ended(*tasks, *self._looking)
            await self._end()

    async def _end(self) -> None:
        live = self._live
        await live.bus.close()
        try:
            if live.service.lead.held:
                await live.store.flush(everything=True)
                await live.store.sum_up(live.service.now_us(), everything=True)
        except Exception:
            log.exception("what bedsides told last was not written; their own records have it")

    async def check(self) -> None:
        """Look devices up again, and whether a session that was told of has been erased meanwhile."""
        live = self._live
        await live.connections.check()
        known = {b.session_id for b in live.board.beds.values() if b.session_id} | live.store.sessions
        query = select(erasure.c.session_id).where(erasure.c.session_id.in_(known))
        async with live.service.db.read() as conn:
            erased = set((await conn.execute(query)).scalars()) if known else set()
        if live.bus.is_shared:
            await self.replicas.check()
        if not erased:
            return
        live.forget(erased)
        for session_id in erased:
            live.bus.tell(Erased(session_id))
        if live.service.lead.held:
            await live.store.erase(erased)

    async def _tick(self) -> None:
        """That the service lives needs no database to be said, and must not wait for one that hangs."""
        live = self._live
        now_us = live.service.now_us()
        if not live.bus.away:
            live.reached_s = time.monotonic()
        tick = Parcel("tick", tick_text(now_us, limited=live.is_limited))
        for ward_id in live.connections.wards:
            live.readers.show(ward_id, tick)
        for quiet in live.board.gone_quiet(now_us):
            live.to_tell.add(quiet.ward_id)

    async def _tell_changed(self) -> None:
        live = self._live
        for ward_id in tuple(live.to_tell):
            live.to_tell.discard(ward_id)  # before the look: what changes during it is told with the next
            try:
                told = await live.ward_told(ward_id)
            except BaseException:
                live.to_tell.add(ward_id)
                raise
            if told is not None:
                live.readers.show(ward_id, Parcel("ward", text_of(told)))

    async def _write(self) -> None:
        live = self._live
        if not live.service.lead.held:  # another replica writes; what it does not come to is held for a while
            live.store.stand_by(live.service.now_us())
            live.written_s = time.monotonic()
            return
        try:
            rows = await live.store.flush()
        except Exception:
            live.counts.faults.inc()
            raise
        live.counts.rows.inc(rows)
        live.written_s = time.monotonic()

    async def _sum_up(self) -> None:
        live = self._live
        if live.service.lead.held:
            await live.store.sum_up(live.service.now_us())

    async def _forget(self) -> None:
        live = self._live
        if live.service.lead.held:
            await live.store.forget(live.service.now_us())

    def look(self) -> None:
        """Soon, not in ten seconds, look up what the database knows."""
        looking = asyncio.create_task(_once(self.check))
        self._looking.add(looking)
        looking.add_done_callback(self._looking.discard)


async def _once(do: Callable[[], Awaitable[None]]) -> None:
    """A fault of one time must not end the others: it is logged, and counted where somebody looks."""
    try:
        await do()
    except Exception:
        log.exception("%s failed; it is tried again", getattr(do, "__name__", "a task"))


async def _regularly(every_s: float, do: Callable[[], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    while True:
        await _once(do)
        due_s = max(due_s + every_s, loop.time())
        await asyncio.sleep(due_s - loop.time())
