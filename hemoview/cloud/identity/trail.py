"""This room's lines in the audit log."""

from __future__ import annotations

import json
import logging
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import HTTPConnection

from hemoview.cloud import audit
from hemoview.cloud.principals import origin_of
from hemoview.cloud.service import service_of

log = logging.getLogger(__name__)


async def note(
    conn: AsyncConnection, request: HTTPConnection, actor: str, action: str, what: str = "", **detail: Any
) -> None:
    """``actor`` did ``action`` to ``what``: within the transaction that does it."""
    at_us = service_of(request).now_us()
    await audit.append(
        conn, audit.Entry(at_us, actor, action, what, audit.OK, origin_of(request), _told(detail))
    )


async def refused(request: HTTPConnection, actor: str, action: str, what: str = "", **detail: Any) -> None:
    """``actor`` was refused. Whoever is refused very often is written down once in a while, with the number."""
    service = service_of(request)
    origin, at_us = origin_of(request), service.now_us()
    left_out = service.doors.sieve.take(f"{origin} {actor}", at_us)
    if left_out is None:
        return
    if left_out:
        detail["left_out_before"] = left_out
    entry = audit.Entry(at_us, actor, action, what, audit.REFUSED, origin, _told(detail))
    try:
        async with service.db.begin() as conn:
            await audit.append(conn, entry)
    except OperationalError:  # no space for the line either: the refusal stands
        log.exception("%s was refused %s; the audit log cannot be written", actor, action)


def _told(detail: dict[str, Any]) -> str:
    return json.dumps(detail, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
