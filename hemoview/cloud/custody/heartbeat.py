"""``/v1/devices/me/heartbeat``: alive, how far its clock is off, what waits there, what is wanted of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import update

from hemoview.cloud.asking import Bedside
from hemoview.cloud.custody import orders
from hemoview.cloud.custody.bodies import body_of, read_body
from hemoview.cloud.service import Here
from hemoview.cloud.tables import device
from recorder.sync import protocol, signing, wire
from recorder.sync.canonical import as_bytes

router = APIRouter(tags=["record path"])


@router.post("/v1/devices/me/heartbeat", openapi_extra=body_of(wire.Heartbeat))
async def heartbeat(request: Request, service: Here, who: Bedside) -> dict[str, Any]:
    """Hear what the bedside has to say, and answer with the clock and what is to be done."""
    beat = await read_body(request, wire.Heartbeat)
    now_us = service.now_us()
    queue = as_bytes(beat.queue).decode() if beat.queue else None
    async with service.db.begin() as conn:
        await conn.execute(
            update(device)
            .where(device.c.id == who.id)
            .values(
                last_seen_us=now_us,
                skew_ms=(beat.t_us - now_us) / 1000,
                software=beat.software,
                protocol=protocol.OURS,
                queue=queue,
            )
        )
        await orders.settle(conn, who.id, now_us, beat.acknowledged)
        wanted = await orders.waiting(conn, who.id, now_us)
    key, server_id = service.keys.signing, service.server_id
    signed = tuple(signing.sign_order(key, server_id, who.id, order) for order in wanted)
    return wire.HeartbeatAnswer(now_us, signed).to_json()
