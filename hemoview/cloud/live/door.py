"""What a bedside may tell, by whichever line it comes: is it a message, at a fair pace, of a session of its own, from a
device that stands at a bed? What is not ends the connection, is counted, and is written down once a minute and device.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import select, union_all

from hemoview.cloud import audit, tables
from hemoview.cloud.live.board import Confused, Taken, text_of
from hemoview.cloud.live.connections import OWNERS_HELD, Ingest
from hemoview.cloud.live.room import ERASED, Live
from hemoview.cloud.live.words import Heard
from recorder.sync.uplink import wire as uplink_wire
from recorder.sync.uplink.wire import LiveMessage, LiveRefused

AUDIT_EVERY_US: Final = 60_000_000
"""A device that is refused again and again is written down once a minute; the counters have them all."""

log = logging.getLogger(__name__)


class Refusal(Exception):
    """Why a connection ends; ``kind`` for counters and the audit log."""

    def __init__(self, code: int, kind: str, why: str) -> None:
        super().__init__(why)
        self.code, self.kind, self.why = code, kind, why


@dataclass(slots=True)
class Door:
    """Takes in the bedsides of one service.

    Args:
        live: the room.
        noted: device → when a refusal of it was last written to the audit log.
    """

    live: Live
    noted: dict[str, int] = field(default_factory=dict)

    async def take(self, ingest: Ingest, told: str | bytes) -> None:
        """One message of a bedside: onto the board here, and to the other replicas.

        Raises:
            Refusal: the connection is to end.
            OperationalError: the database does not answer.
        """
        if not ingest.pace.spend(self.live.service.now_us()):
            raise Refusal(uplink_wire.TOO_FAST_CODE, "too-fast", "one message a second is taken")
        message = _read(told)
        self.live.counts.bytes.inc(len(told))
        is_first = ingest.heard_us == 0
        if message.session_id != ingest.session_id:
            await self._check_owner(message.session_id, ingest.device_id)
            ingest.session_id = message.session_id
        bed = None if is_first else self.live.board.beds.get(ingest.bed_id)
        bed = bed or await self.live.bed_now(ingest.bed_id)
        if bed is None:
            raise Refusal(
                uplink_wire.NO_BED_CODE,
                "no-bed",
                "this device stands at no bed; an administrator puts it at one",
            )
        heard = Heard(ingest.device_id, bed.bed_id, bed.ward_id, self.live.service.now_us(), ingest.id)
        try:
            taken = self.live.hear(bed, heard, message)
        except Confused as error:
            raise Refusal(uplink_wire.REFUSED_CODE, "malformed", str(error)) from error
        if taken is None:
            self.live.counts.repeated.inc()
            return
        ingest.heard_us = heard.at_us
        self.live.counts.messages.inc()
        self.live.counts.gaps.inc(taken.gap)
        if self.live.bus.is_shared:
            self.live.bus.tell(_for_others(heard, taken))

    async def _check_owner(self, session_id: str, device_id: str) -> None:
        """A session is of the device that introduced it, until that one is revoked.

        Raises:
            Refusal: of another.
        """
        if not session_id:
            return
        owners = self.live.introduced
        if len(owners) > OWNERS_HELD:
            owners.clear()  # the database knows them all but the newest
        is_first = session_id not in owners
        said = owners.setdefault(session_id, device_id)
        live, synced, device = tables.live_session, tables.session, tables.device
        kept = union_all(
            select(live.c.device_id).where(live.c.id == session_id),
            select(synced.c.device_id).where(synced.c.id == session_id),
        )
        erased = select(tables.erasure.c.session_id).where(tables.erasure.c.session_id == session_id)
        async with self.live.service.db.read() as conn:
            if (await conn.execute(erased)).first() is not None:
                raise Refusal(uplink_wire.ELSEWHERE_CODE, "erased", ERASED)
            others = {said, *(await conn.execute(kept)).scalars()} - {device_id}
            speaking = select(device.c.id).where(device.c.id.in_(others), device.c.revoked_us.is_(None))
            another = (await conn.execute(speaking)).first() if others else None
        if another is not None:
            if is_first:  # who is refused owns nothing
                owners.pop(session_id, None)
            raise Refusal(
                uplink_wire.ELSEWHERE_CODE, "foreign-session", "this session belongs to another device"
            )
        owners[session_id] = device_id

    async def refuse(self, ingest: Ingest, refusal: Refusal, origin: str) -> None:
        """End a connection, and say so where somebody looks.

        Args:
            origin: the other side's address, for the audit log.
        """
        self.live.counts.refused.labels(refusal.kind).inc()
        await self._note(ingest, refusal, origin)
        await ingest.end(refusal.code, refusal.why)

    async def _note(self, ingest: Ingest, refusal: Refusal, origin: str) -> None:
        now_us = self.live.service.now_us()
        if now_us - self.noted.get(ingest.device_id, 0) < AUDIT_EVERY_US:
            return
        self.noted[ingest.device_id] = now_us
        log.warning("device %s: %s (%s)", ingest.device_id, refusal.why, refusal.kind)
        entry = audit.Entry(
            now_us,
            f"device:{ingest.device_id}",
            "live.message",
            ingest.bed_id,
            audit.REFUSED,
            origin,
            json.dumps({"kind": refusal.kind, "why": refusal.why}),
        )
        async with self.live.service.db.begin() as conn:
            await audit.append(conn, entry)


def _read(text: str | bytes) -> LiveMessage:
    try:
        return uplink_wire.read(text)
    except LiveRefused as error:
        kind = "oversized" if len(text) > uplink_wire.LIMIT_BYTES else "malformed"
        raise Refusal(uplink_wire.REFUSED_CODE, kind, str(error)) from error


def _for_others(heard: Heard, taken: Taken) -> Heard:
    """With head and footer, so that a replica that missed the one before can show it; hidden estimates are kept too."""
    text = text_of(taken.message.to_json())
    if len(text.encode()) > uplink_wire.LIMIT_BYTES:
        text = text_of(replace(taken.message, waves={}).to_json())
    return replace(heard, gap=taken.gap, gaps=taken.bed.gaps, text=text)
