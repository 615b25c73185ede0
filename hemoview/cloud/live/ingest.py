"""``WS /v1/live/ingest``: a bedside tells once a second how it stands. What is not a message ends the connection."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Final

from fastapi import WebSocket, WebSocketDisconnect
from sqlalchemy import select, union_all

from hemoview.cloud import audit, tables
from hemoview.cloud.faults import REFUSALS, state_of
from hemoview.cloud.live.board import Confused
from hemoview.cloud.live.connections import Ingest
from hemoview.cloud.live.room import ERASED, Live
from hemoview.cloud.principals import Principal, origin_of
from recorder.sync import uplink_wire
from recorder.sync.uplink_wire import LiveMessage, LiveRefused

OVERSIZED_CODE: Final = 1009
"""Of WebSocket itself (RFC 6455): a frame longer than the server takes."""
LATER_CODE: Final = 1013
"""Of WebSocket itself: come again; the database does not answer."""
BURST: Final = 20.0
"""Messages a bedside may send at once, after a stall of the network."""
PER_S: Final = 3.0
OWNERS_HELD: Final = 10_000
AUDIT_EVERY_US: Final = 60_000_000
"""A device that is refused again and again is written down once a minute; the counters have them all."""

log = logging.getLogger(__name__)


class _Refusal(Exception):
    """Why a connection ends; ``kind`` for counters and the audit log."""

    def __init__(self, code: int, kind: str, why: str) -> None:
        super().__init__(why)
        self.code, self.kind, self.why = code, kind, why


@dataclass(slots=True)
class _Pace:
    """A leaky bucket."""

    left: float = BURST
    at_us: int = 0

    def spend(self, now_us: int) -> bool:
        """Whether one more is within the pace."""
        self.left = min(BURST, self.left + max(0, now_us - self.at_us) / 1e6 * PER_S)
        self.at_us = now_us
        self.left -= 1
        return self.left >= 0


@dataclass(slots=True)
class Door:
    """Takes in the bedsides of one service.

    Args:
        live: the room.
        owners: session → device that introduced it.
        noted: device → when a refusal of it was last written to the audit log.
    """

    live: Live
    owners: dict[str, str] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)

    async def serve(self, socket: WebSocket, device: Principal) -> None:
        """Until the bedside leaves, or is shown out."""
        live = self.live
        ingest = Ingest(socket, device.id, device.bed_id or "", live.service.now_us())
        await socket.accept()
        await live.connections.take_over(ingest)
        live.counts.bedsides.set(live.connections.bedsides)
        try:
            await self._listen(ingest)
        except _Refusal as refusal:
            live.counts.refused.labels(refusal.kind).inc()
            await self._note(ingest, refusal, origin_of(socket))
            await ingest.end(refusal.code, refusal.why)
        except REFUSALS as error:
            log.warning("the live path of %s waits: %s", device.id, state_of(error).value)
            await ingest.end(LATER_CODE, state_of(error).value)
        except WebSocketDisconnect:
            pass
        finally:
            live.connections.left(ingest)
            live.counts.bedsides.set(live.connections.bedsides)

    async def _listen(self, ingest: Ingest) -> None:
        pace, first, session_id = _Pace(at_us=ingest.opened_us), True, ""
        while True:
            event = await ingest.socket.receive()
            if ingest.ended:  # shown out while it was waited for
                return
            if event["type"] != "websocket.receive":
                if event.get("code") == OVERSIZED_CODE:  # not even read: the server has closed it
                    raise _Refusal(
                        OVERSIZED_CODE, "oversized", f"longer than {uplink_wire.LIMIT_BYTES} bytes"
                    )
                return
            if not pace.spend(self.live.service.now_us()):
                raise _Refusal(uplink_wire.TOO_FAST_CODE, "too-fast", "one message a second is taken")
            told = event.get("text") or event.get("bytes") or b""
            message = _read(told)
            self.live.counts.bytes.inc(len(told))
            if message.session_id != session_id:
                await self._check_owner(message.session_id, ingest.device_id)
                session_id = message.session_id
            await self._take(ingest, message, first=first)
            first = False

    async def _take(self, ingest: Ingest, message: LiveMessage, *, first: bool) -> None:
        live = self.live
        bed = None if first else live.board.beds.get(ingest.bed_id)
        bed = bed or await live.bed_now(ingest.bed_id)
        if bed is None:
            raise _Refusal(
                uplink_wire.UNKNOWN_CODE,
                "no-bed",
                "this device stands at no bed; an administrator puts it at one",
            )
        quiet = bed.quiet
        try:
            taken = live.board.take(bed, ingest.device_id, message, live.service.now_us(), first=first)
        except Confused as error:
            raise _Refusal(uplink_wire.REFUSED_CODE, "malformed", str(error)) from error
        if taken is None:
            live.counts.repeated.inc()
            return
        ingest.heard_us = live.service.now_us()
        live.counts.messages.inc()
        live.counts.gaps.inc(taken.gap)
        live.store.add(taken)
        if taken.bound or quiet:
            live.changed(bed.ward_id)
        if taken.bound:
            for left in live.board.release(ingest.device_id, bed.bed_id, live.service.now_us()):
                live.store.bound(left)
                live.changed(left.ward_id)
        await live.bus.publish(bed.ward_id, taken.parcel)

    async def _check_owner(self, session_id: str, device_id: str) -> None:
        """A session is of the device that introduced it, until that one is revoked.

        Raises:
            _Refusal: of another.
        """
        if not session_id:
            return
        if len(self.owners) > OWNERS_HELD:
            self.owners.clear()  # the database knows them all but the newest
        is_first = session_id not in self.owners
        said = self.owners.setdefault(session_id, device_id)
        live, synced, device = tables.live_session, tables.session, tables.device
        kept = union_all(
            select(live.c.device_id).where(live.c.id == session_id),
            select(synced.c.device_id).where(synced.c.id == session_id),
        )
        erased = select(tables.erasure.c.session_id).where(tables.erasure.c.session_id == session_id)
        async with self.live.service.db.read() as conn:
            if (await conn.execute(erased)).first() is not None:
                raise _Refusal(uplink_wire.ELSEWHERE_CODE, "erased", ERASED)
            owners = {said, *(await conn.execute(kept)).scalars()} - {device_id}
            speaking = select(device.c.id).where(device.c.id.in_(owners), device.c.revoked_us.is_(None))
            others = (await conn.execute(speaking)).first() if owners else None
        if others is not None:
            if is_first:  # who is refused owns nothing
                self.owners.pop(session_id, None)
            raise _Refusal(
                uplink_wire.ELSEWHERE_CODE, "foreign-session", "this session belongs to another device"
            )
        self.owners[session_id] = device_id

    async def _note(self, ingest: Ingest, refusal: _Refusal, origin: str) -> None:
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
        raise _Refusal(uplink_wire.REFUSED_CODE, kind, str(error)) from error
