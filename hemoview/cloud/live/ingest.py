"""``WS /v1/live/ingest``: a bedside tells once a second how it stands, by a connection of its own to the service."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from fastapi import WebSocket, WebSocketDisconnect

from hemoview.cloud.asking import origin_of
from hemoview.cloud.faults import REFUSALS, state_of
from hemoview.cloud.live.connections import LATER_CODE, TOKEN_US, Ingest
from hemoview.cloud.live.door import Door, Refusal
from hemoview.cloud.live.words import Connected
from hemoview.cloud.principals import Principal
from recorder.sync.uplink import wire as uplink_wire

OVERSIZED_CODE: Final = 1009
"""Of WebSocket itself (RFC 6455): a frame longer than the server takes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SocketLine:
    """A bedside's WebSocket."""

    socket: WebSocket

    async def close(self, code: int, why: str) -> None:
        """With a code of WebSocket."""
        await self.socket.close(code, why)


async def serve(socket: WebSocket, door: Door, device: Principal) -> None:
    """Until the bedside leaves, or is shown out."""
    live = door.live
    now_us = live.service.now_us()
    ingest = Ingest(SocketLine(socket), device.id, device.bed_id or "", now_us, until_us=now_us + TOKEN_US)
    await socket.accept()
    live.connections.take_over(ingest)
    live.bus.tell(Connected(device.id, ingest.id))
    live.counts.bedsides.set(live.connections.bedsides)
    try:
        await _listen(socket, door, ingest)
    except Refusal as refusal:
        await door.refuse(ingest, refusal, origin_of(socket))
    except REFUSALS as error:
        log.warning("the live path of %s waits: %s", device.id, state_of(error).value)
        await ingest.end(LATER_CODE, state_of(error).value)
    except WebSocketDisconnect:
        pass
    finally:
        live.connections.left(ingest)
        live.counts.bedsides.set(live.connections.bedsides)


async def _listen(socket: WebSocket, door: Door, ingest: Ingest) -> None:
    while True:
        event = await socket.receive()
        if ingest.ended:  # shown out while it was waited for
            return
        if event["type"] != "websocket.receive":
            if event.get("code") == OVERSIZED_CODE:  # not even read: the server has closed it
                raise Refusal(OVERSIZED_CODE, "oversized", f"longer than {uplink_wire.LIMIT_BYTES} bytes")
            return
        await door.take(ingest, event.get("text") or event.get("bytes") or b"")
