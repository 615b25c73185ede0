"""What a replica does with the words of the others, and how it finds by itself what a lost word would have told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sqlalchemy import select

from hemoview.cloud.live.bindings import AT_THE_BEDSIDE, confirm
from hemoview.cloud.live.board import BedNow, Confused
from hemoview.cloud.live.connections import OWNERS_HELD
from hemoview.cloud.live.room import Live
from hemoview.cloud.live.words import (
    Changed,
    Confirmed,
    Connected,
    Ended,
    Erased,
    Heard,
    Placed,
    Word,
)
from hemoview.cloud.tables import bed_binding, device
from recorder.sync.uplink import wire as uplink_wire

CLOCKS_US: Final = 2_000_000
"""Where the clock of another replica differs by more, what it heard is dated by its arrival here: well below the age at
which a bed has no data. The broker hands nothing on that is older than five seconds."""
MOVED: Final = "this device was moved to another bed"
SAID_EVERY_US: Final = 3600 * 1_000_000

log = logging.getLogger(__name__)


class Replicas:
    """The others, as one replica hears of them.

    Args:
        live: its room.
        look: soon look up what the database knows.
    """

    def __init__(self, live: Live, look: Callable[[], None]) -> None:
        self._live, self._look = live, look
        self._said_us = 0

    def take(self, word: Word) -> None:
        """One word of another replica; never raises for what it says."""
        live = self._live
        match word:
            case Heard():
                self._heard(word)
            case Connected(device_id, connection):
                live.connections.replaced(device_id, connection)
            case Ended(device_id, code, why):
                live.service.forget_tokens(device_id)
                live.connections.end(device_id, code, why)
            case Placed(device_id, why):
                live.service.forget_tokens(device_id)
                live.place(device_id, why)
            case Confirmed():
                self._confirmed(word)
            case Erased():  # the database says which, and for whom rows have to go
                self._look()
            case Changed(ward_id):
                live.changed(ward_id)

    def _heard(self, word: Heard) -> None:
        live = self._live
        if (word.connection, word.bed_id) in live.closed:
            return
        try:
            message = uplink_wire.read(word.text)
            bed = live.board.beds.setdefault(word.bed_id, BedNow(word.bed_id, word.ward_id))
            bed.ward_id = word.ward_id
            live.hear(bed, self._dated(word), message)
        except (uplink_wire.LiveRefused, Confused) as error:
            live.bus.traffic.ignored += 1
            log.debug("a word of another replica passed over: %s", error)
            return
        if message.session_id and len(live.introduced) < OWNERS_HELD:
            live.introduced.setdefault(message.session_id, word.device_id)

    def _dated(self, word: Heard) -> Heard:
        now_us = self._live.service.now_us()
        if abs(now_us - word.at_us) <= CLOCKS_US:
            return word
        if now_us - self._said_us > SAID_EVERY_US:
            self._said_us = now_us
            log.warning("another replica's clock differs by %.1f s", (now_us - word.at_us) / 1e6)
        return replace(word, at_us=now_us)

    def _confirmed(self, word: Confirmed) -> None:
        bed = self._live.board.beds.get(word.bed_id)
        if bed is None or bed.binding is None or not bed.binding.asks:
            return
        if (bed.binding.session_id, bed.binding.device_id) != (word.session_id, word.device_id):
            return
        bed.binding = confirm(bed.binding, word.by, word.at_us)
        self._live.store.bound(bed)
        self._live.changed(bed.ward_id)

    async def check(self) -> None:
        """What the database knows and no word told, for the bus was away: devices moved or enrolled anew, beds
        confirmed, beds and wards named anew."""
        live = self._live
        await live.look_at_places()
        bound = {b.binding.device_id for b in live.board.beds.values() if b.binding and b.binding.device_id}
        if not bound:
            return
        places = select(device.c.id, device.c.bed_id, device.c.enrolled_us).where(device.c.id.in_(bound))
        # What a Start confirmed may stand on what somebody said before an enrolment: each replica judges it by itself.
        by_somebody = bed_binding.c.confirmed_by != AT_THE_BEDSIDE
        kept = select(bed_binding).where(bed_binding.c.confirmed_us.is_not(None), by_somebody)
        async with live.service.db.read() as conn:
            stands = (await conn.execute(places)).all()
            confirmed = (await conn.execute(kept.where(bed_binding.c.device_id.in_(bound)))).all()
        for row in stands:
            if live.release(row.id, row.bed_id or ""):
                live.connections.end(row.id, uplink_wire.UNKNOWN_CODE, MOVED)
            if row.enrolled_us > live.service.now_us():
                continue  # by a clock that was ahead: of a future time nothing is known
            for bed in live.board.anew(row.id, row.enrolled_us):
                live.changed(bed.ward_id)
                live.store.bound(bed)
        enrolled_us = {row.id: row.enrolled_us for row in stands}
        for row in confirmed:
            if row.confirmed_us < enrolled_us.get(row.device_id, 0):
                continue
            self._confirmed(
                Confirmed(row.bed_id, row.session_id, row.device_id, row.confirmed_us, row.confirmed_by)
            )
