"""The live room while the service runs: board, readers, store and bus, and what is done to all of them at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Set
from typing import Any, Final

from sqlalchemy import select

from hemoview.cloud.live.bindings import Binding
from hemoview.cloud.live.board import BedNow, Board, Taken, ward_told
from hemoview.cloud.live.bus import InProcessBus, LiveBus
from hemoview.cloud.live.connections import Connections
from hemoview.cloud.live.counts import Counts
from hemoview.cloud.live.queues import Readers
from hemoview.cloud.live.store import Store
from hemoview.cloud.live.words import Changed, Confirmed, Ended, Heard, Placed
from hemoview.cloud.service import Service
from hemoview.cloud.tables import bed, ward
from recorder.sync.uplink.wire import ELSEWHERE_CODE, UNKNOWN_CODE, LiveMessage

READY_S: Final = 10.0
"""A service whose rows have not been written for so long is not ready."""

LIMITED_S: Final = 3.0
"""A broker that is started again is away for less, and nobody need know."""
CLOSED_HELD: Final = 256
ERASED: Final = "this session was erased"


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
        self.introduced: dict[str, str] = {}
        """Session → the device that introduced it."""
        self.closed: deque[tuple[str, str]] = deque(maxlen=CLOSED_HELD)
        """Connections at beds of which nothing more is shown: another replica may have heard one a moment before."""
        self.to_tell: set[str] = set()
        """Wards of which browsers are told all with the next second."""
        self._places: dict[str, tuple[dict[str, Any], list[dict[str, Any]]] | None] = {}
        """Wards and their beds, as browsers were told last."""
        self.reached_s = time.monotonic()
        """When the other replicas could be reached last, monotonic."""
        self.written_s = time.monotonic()
        """When the store was last empty, monotonic."""

    @property
    def is_limited(self) -> bool:
        """Other replicas have not been reached for a while: whoever watches is told, for beds of theirs turn grey."""
        return bool(self.bus.away) and time.monotonic() - self.reached_s > LIMITED_S

    def changed(self, ward_id: str) -> None:
        """Browsers of a ward are told all of it within a second."""
        self.to_tell.add(ward_id)

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

    def forget(self, sessions: Set[str]) -> None:
        """These were erased: this replica shows nothing of them, and keeps nothing that it has not written yet."""
        self.store.leave_out(sessions)
        beds = self.board.forget(sessions, self.service.now_us())
        self._emptied(beds)
        for left in beds:
            if left.binding is not None:
                self.connections.end(left.binding.device_id, ELSEWHERE_CODE, ERASED)
