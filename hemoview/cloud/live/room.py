"""The live room while the service runs: board, readers, store, bus, and the tasks that keep them going."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Set
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import select

from hemoview.cloud.ending import ended
from hemoview.cloud.live.bindings import Binding
from hemoview.cloud.live.board import BedNow, Board, Taken, text_of, tick_text, ward_told
from hemoview.cloud.live.bus import InProcessBus, LiveBus
from hemoview.cloud.live.connections import Connections
from hemoview.cloud.live.counts import Counts
from hemoview.cloud.live.queues import Parcel, Readers
from hemoview.cloud.live.replicas import Replicas
from hemoview.cloud.live.store import Store
from hemoview.cloud.live.words import Changed, Confirmed, Ended, Erased, Heard, Placed
from hemoview.cloud.service import Service
from hemoview.cloud.tables import bed, erasure, ward
from recorder.sync.uplink_wire import ELSEWHERE_CODE, UNKNOWN_CODE, LiveMessage

EVERY_S: Final = 1.0
CHECK_S: Final = 10.0
"""How often bedsides that are connected are looked up again: a revocation holds after this long."""
SUM_UP_S: Final = 5.0
FORGET_S: Final = 3600.0
READY_S: Final = 10.0
"""A service whose rows have not been written for so long is not ready."""

LIMITED_S: Final = 3.0
"""A broker that is started again is away for less, and nobody need know."""
CLOSED_HELD: Final = 256
ERASED: Final = "this session was erased"

log = logging.getLogger(__name__)


class Live:
    """What the routes of this room share.

    Args:
        service: whose room it is.
        bus: to the other replicas of the service; None where there are none.
    """

    def __init__(self, service: Service, bus: LiveBus | None = None) -> None:
        self.service = service
        self.bus: LiveBus = bus or InProcessBus()
        self.board = Board()
        self.readers = Readers()
        self.store = Store(service)
        self.counts = Counts()
        self.connections = Connections(service)
        self.replicas = Replicas(self)
        self.introduced: dict[str, str] = {}
        """Session → the device that introduced it."""
        self.closed: deque[tuple[str, str]] = deque(maxlen=CLOSED_HELD)
        """Connections at beds of which nothing more is shown: another replica may have heard one a moment before."""
        self._changed: set[str] = set()
        self._places: dict[str, tuple[dict[str, Any], list[dict[str, Any]]] | None] = {}
        """Wards and their beds, as browsers were told last."""
        self._looking: set[asyncio.Task[None]] = set()
        self._reached_s = time.monotonic()
        self.written_s = time.monotonic()
        """When the store was last empty, monotonic."""

    @property
    def is_limited(self) -> bool:
        """Other replicas have not been reached for a while: whoever watches is told, for beds of theirs turn grey."""
        return bool(self.bus.away) and time.monotonic() - self._reached_s > LIMITED_S

    def changed(self, ward_id: str) -> None:
        """Browsers of a ward are told all of it within a second."""
        self._changed.add(ward_id)

    async def bed_now(self, bed_id: str) -> BedNow | None:
        """A bed as it stands, in the ward it belongs to now; None where there is none."""
        async with self.service.db.read() as conn:
            ward_id = (await conn.execute(select(bed.c.ward_id).where(bed.c.id == bed_id))).scalar()
        if ward_id is None:
            return None
        now = self.board.beds.setdefault(bed_id, BedNow(bed_id, ward_id))
        now.ward_id = ward_id
        return now

    async def ward_told(self, ward_id: str) -> dict[str, Any] | None:
        """A ward with all its beds; None where there is none."""
        places = self._places[ward_id] = await self._places_of(ward_id)
        return None if places is None else ward_told(*places, self.board, self.service.now_us())

    async def _places_of(self, ward_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
        async with self.service.db.read() as conn:
            place = (await conn.execute(select(ward.c.id, ward.c.name).where(ward.c.id == ward_id))).first()
            if place is None:
                return None
            kept = select(bed.c.id, bed.c.label, bed.c.place).where(bed.c.ward_id == ward_id)
            beds = (await conn.execute(kept.order_by(bed.c.place))).mappings().all()
        return dict(place._mapping), list(map(dict, beds))

    async def look_at_places(self) -> None:
        """Wards that somebody watches, whose beds or names are others now though no word said so."""
        for ward_id in self.connections.wards:
            if await self._places_of(ward_id) != self._places.get(ward_id):
                self.changed(ward_id)

    def hear(self, bed_now: BedNow, heard: Heard, message: LiveMessage) -> Taken | None:
        """A message that was accepted here or at another replica: onto the board, and to who watches.

        Raises:
            Confused: as :meth:`Board.take`.
        """
        quiet = bed_now.quiet
        taken = self.board.take(bed_now, heard, message)
        if taken is None:
            return None
        self.store.add(taken)
        if taken.bound or quiet:
            self.changed(bed_now.ward_id)
        if taken.bound:
            self.release(heard.device_id, bed_now.bed_id)
        self.readers.show(bed_now.ward_id, taken.parcel)
        return taken

    def release(self, device_id: str, bed_id: str) -> bool:
        """A device stands at ``bed_id`` now: no other shows anything of it. Whether one did."""
        beds = self.board.release(device_id, bed_id, self.service.now_us())
        self._emptied(beds)
        return bool(beds)

    def _emptied(self, beds: Iterable[BedNow]) -> None:
        for left in beds:
            self.closed.append((left.connection, left.bed_id))
            self.store.bound(left)
            self.changed(left.ward_id)

    # ---- what is done here and told to the others

    def ward_changed(self, ward_id: str) -> None:
        """Its beds, or their names, are others now."""
        self.changed(ward_id)
        self.bus.tell(Changed(ward_id))

    def confirmed(self, bed_now: BedNow, binding: Binding) -> None:
        """Somebody at a bed said that it shows the right session, and that is written down."""
        self.store.bound(bed_now)
        self.changed(bed_now.ward_id)
        at_us, by = binding.confirmed_us or 0, binding.confirmed_by or ""
        self.bus.tell(Confirmed(bed_now.bed_id, binding.session_id, binding.device_id, at_us, by))

    def end(self, device_id: str, why: str) -> None:
        """A device is connected no longer, wherever it was."""
        self.connections.end(device_id, UNKNOWN_CODE, why)
        self.bus.tell(Ended(device_id, UNKNOWN_CODE, why))

    def placed(self, device_id: str, why: str) -> None:
        """Somebody moved or enrolled a device: no bed shows anything of it, or takes it for confirmed, until
        it comes again."""
        self.place(device_id, why)
        self.bus.tell(Placed(device_id, why))

    def place(self, device_id: str, why: str) -> None:
        """The same at this replica alone."""
        self.release(device_id, "")
        self.connections.end(device_id, UNKNOWN_CODE, why)

    def look(self) -> None:
        """Soon, not in ten seconds, look up what the database knows."""
        looking = asyncio.create_task(_once(self.check))
        self._looking.add(looking)
        looking.add_done_callback(self._looking.discard)

    def forget(self, sessions: Set[str]) -> None:
        """These were erased: this replica shows nothing of them, and keeps nothing that it has not written yet."""
        self.store.leave_out(sessions)
        beds = self.board.forget(sessions, self.service.now_us())
        self._emptied(beds)
        for left in beds:
            if left.binding is not None:
                self.connections.end(left.binding.device_id, ELSEWHERE_CODE, ERASED)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Around the service's life."""
        await self.store.recall(self.board, self.service.now_us())
        await self.bus.open(self.replicas.take)
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
        await self.bus.close()
        try:
            if self.service.lead.held:
                await self.store.flush(everything=True)
                await self.store.sum_up(self.service.now_us(), everything=True)
        except Exception:
            log.exception("what bedsides told last was not written; their own records have it")

    async def check(self) -> None:
        """Look devices up again, and whether a session that was told of has been erased meanwhile."""
        await self.connections.check()
        known = {b.session_id for b in self.board.beds.values() if b.session_id} | self.store.sessions
        query = select(erasure.c.session_id).where(erasure.c.session_id.in_(known))
        async with self.service.db.read() as conn:
            erased = set((await conn.execute(query)).scalars()) if known else set()
        if self.bus.is_shared:
            await self.replicas.check()
        if not erased:
            return
        self.forget(erased)
        for session_id in erased:
            self.bus.tell(Erased(session_id))
        if self.service.lead.held:
            await self.store.erase(erased)

    async def _tick(self) -> None:
        """That the service lives needs no database to be said, and must not wait for one that hangs."""
        now_us = self.service.now_us()
        if not self.bus.away:
            self._reached_s = time.monotonic()
        tick = Parcel("tick", tick_text(now_us, limited=self.is_limited))
        for ward_id in self.connections.wards:
            self.readers.show(ward_id, tick)
        for quiet in self.board.gone_quiet(now_us):
            self._changed.add(quiet.ward_id)

    async def _tell_changed(self) -> None:
        for ward_id in tuple(self._changed):
            self._changed.discard(ward_id)  # before the look: what changes during it is told with the next
            try:
                told = await self.ward_told(ward_id)
            except BaseException:
                self._changed.add(ward_id)
                raise
            if told is not None:
                self.readers.show(ward_id, Parcel("ward", text_of(told)))

    async def _write(self) -> None:
        if not self.service.lead.held:  # another replica writes; what it does not come to is held for a while
            self.store.stand_by(self.service.now_us())
            self.written_s = time.monotonic()
            return
        try:
            rows = await self.store.flush()
        except Exception:
            self.counts.faults.inc()
            raise
        self.counts.rows.inc(rows)
        self.written_s = time.monotonic()

    async def _sum_up(self) -> None:
        if self.service.lead.held:
            await self.store.sum_up(self.service.now_us())

    async def _forget(self) -> None:
        if self.service.lead.held:
            await self.store.forget(self.service.now_us())


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
