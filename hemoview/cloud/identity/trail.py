"""This room's lines in the audit log."""

from __future__ import annotations

import json
import logging
import re
from typing import Any, Final

from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import HTTPConnection

from hemoview.cloud import audit
from hemoview.cloud.asking import origin_of
from hemoview.cloud.principals import Principal
from hemoview.cloud.service import service_of

log = logging.getLogger(__name__)

NOBODY: Final = "nobody"
_TELLING: Final = frozenset({401, 403, 404})
_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


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
    request.state.is_written_down = True
    service = service_of(request)
    origin, at_us, known = origin_of(request), service.now_us(), actor != NOBODY
    key = actor if known else f"{origin} {actor}"
    left_out = service.doors.sieve.take(key, at_us, known=known)
    if left_out is None:
        return
    if left_out:
        detail["left_out_before"] = left_out
    if forgotten := service.doors.sieve.forgotten():
        detail["left_out_of_others"] = forgotten
    entry = audit.Entry(at_us, actor, action, what, audit.REFUSED, origin, _told(detail))
    try:
        async with service.db.begin() as conn:
            await audit.append(conn, entry)
    except OperationalError:  # no space for the line either: the refusal stands
        log.exception("%s was refused %s; the audit log cannot be written", actor, action)


async def refused_by_address(request: HTTPConnection, status: int) -> None:
    """A refusal that no room has written down: who, on what, by the address that was asked for."""
    state = request.state
    who, claimed = getattr(state, "principal", None), getattr(state, "claimed", "")
    if getattr(state, "is_written_down", False) or status not in _TELLING:
        return
    if status == 401 and not claimed:  # somebody who has not signed in: nothing is known of them
        return
    if status == 404 and (who is None or who.kind != "user"):  # bedsides ask what is there as they work
        return
    asked = f"{request.scope.get('method', 'WS')} {getattr(request.scope.get('route'), 'path', '')}"
    actor = who.name if who is not None else NOBODY
    await refused(request, actor, "request", claimed or _named(request), asked=asked, status=status)


def _named(request: HTTPConnection) -> str:
    """The thing an address names. What is no id is left out: somebody may have typed a name there."""
    query = (request.query_params.get(name, "") for name in ("session_id", "ward"))
    told = [str(value) for value in (*request.path_params.values(), *query) if value]
    return "/".join(one for one in told if _ID.fullmatch(one))


async def looked(request: HTTPConnection, who: Principal, action: str, what: str = "") -> None:
    """Somebody sees data of a subject. A page asks again and again: it is written down once an hour.

    A log that cannot be written, as on a full disk, keeps nobody from a ward's screen.
    """
    service = service_of(request)
    looks, at_us = service.doors.looks, service.now_us()
    if who.kind != "user" or not looks.is_new(who.name, action, what, at_us):
        return
    try:
        async with service.db.begin() as conn:
            await note(conn, request, who.name, action, what)
    except OperationalError:
        log.exception("%s: %s of %s cannot be written down", who.name, action, what)
    else:
        looks.written(who.name, action, what, at_us)


def _told(detail: dict[str, Any]) -> str:
    return json.dumps(detail, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
