"""Whether a bedside and this service are of builds that understand each other; where not, both sides say so."""

from __future__ import annotations

import json
import logging

from sqlalchemy import update
from starlette.requests import HTTPConnection

from hemoview.cloud import audit
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service
from hemoview.cloud.tables import device
from recorder.sync import protocol

log = logging.getLogger(__name__)


def protocol_of(request: HTTPConnection) -> int:
    """What the other side speaks; a bedside from before this was said speaks the first."""
    told = request.headers.get(protocol.HEADER, "1")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 6 else 0


def must_be_ours(request: HTTPConnection) -> None:
    """Refuse what another version says: half understood is worse than not at all.

    Raises:
        Problem: 409.
    """
    theirs = protocol_of(request)
    if theirs != protocol.OURS:
        raise Problem(
            409,
            f"this bedside speaks version {theirs} of the service's protocol, the service {protocol.OURS}; bring both "
            "to the same version of HemoView. Nothing was taken; the bedside keeps it",
            type=protocol.OTHER,
        )


async def must_speak_alike(request: HTTPConnection, service: Service, device_id: str, origin: str) -> None:
    """The same of a device that is known, and what it speaks is shown with it; written once an hour.

    Raises:
        Problem: 409.
    """
    try:
        must_be_ours(request)
    except Problem:
        theirs, actor, now_us = protocol_of(request), f"device:{device_id}", service.now_us()
        if service.doors.looks.is_new(actor, "protocol", str(theirs), now_us):
            service.doors.looks.written(actor, "protocol", str(theirs), now_us)
            log.warning("%s speaks version %s of the protocol, this service %s", actor, theirs, protocol.OURS)
            async with service.db.begin() as conn:
                await conn.execute(update(device).where(device.c.id == device_id).values(protocol=theirs))
                told = json.dumps({"theirs": theirs, "ours": protocol.OURS})
                entry = audit.Entry(now_us, actor, "device.protocol", device_id, audit.REFUSED, origin, told)
                await audit.append(conn, entry)
        request.state.is_written_down = True
        raise
