"""``WS /v1/live?ward=ID``: a ward as it happens, for browsers. Who watches is looked up again while they do."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final
from urllib.parse import urlsplit

import anyio
from fastapi import WebSocket, WebSocketDisconnect
from sqlalchemy import select

from hemoview.cloud.asking import current
from hemoview.cloud.database import answered_within
from hemoview.cloud.faults import REFUSALS, State, state_of
from hemoview.cloud.identity import trail
from hemoview.cloud.live.board import text_of, tick_text
from hemoview.cloud.live.connections import LATER_CODE
from hemoview.cloud.live.queues import Queue
from hemoview.cloud.live.room import Live
from hemoview.cloud.principals import Action, Principal, ward_filter
from hemoview.cloud.problems import Problem, problem_response
from hemoview.cloud.service import Service
from hemoview.cloud.tables import ward

CHECK_S: Final = 20.0
"""A log-in that ended is shown out after this long at the latest."""
STUCK_S: Final = 30.0
"""A browser that takes nothing for so long is let go; it comes back by itself."""
UNKNOWN_S: Final = 45.0
"""While the database is away nobody's log-in can be looked up; then they are shown out within a minute."""
ANSWERS_S: Final = 5.0
"""A database that hangs is not waited for any longer: then too nobody's log-in can be looked up."""
SIGNED_OUT_CODE: Final = 4401
FORBIDDEN_CODE: Final = 4403


async def viewer(socket: WebSocket, service: Service, ward_id: str) -> Principal:
    """Who wants to watch, if they may.

    Raises:
        Problem: 401 not signed in, 403 from a page of somebody else's or without the role, 404 no ward of theirs.
    """
    principal = await current(socket)
    if principal.kind != "user":
        raise Problem(403, "this is for people, not for devices")
    check_origin(socket, service.settings.public_url)
    if principal.must_change:
        raise Problem(403, "the password is a one-time one: change it first", must_change=True)
    if not principal.may(Action.SEE_WARD):
        raise Problem(403, "watching a ward needs another role; an administrator can grant it")
    if "\0" in ward_id:  # which no database takes
        raise Problem(404, "there is no such ward")
    query = select(ward.c.id).where(ward.c.id == ward_id, ward_filter(principal, Action.SEE_WARD))
    async with service.db.read() as conn:
        if (await conn.execute(query)).first() is None:
            raise Problem(404, "there is no such ward")
    return principal


def check_origin(socket: WebSocket, public_url: str) -> None:
    """A browser says which page opens the connection; only a page of this service may, for the cookie goes with it.

    Raises:
        Problem: 403.
    """
    origin = urlsplit(socket.headers.get("origin", ""))
    ours = {socket.headers.get("host", "").lower()}
    if public_url:
        ours.add(urlsplit(public_url).netloc.lower())
    if origin.scheme not in ("http", "https") or origin.netloc.lower() not in ours:
        raise Problem(403, "the live view opens from a page of this service only")


async def refuse(socket: WebSocket, problem: Problem) -> None:
    """Before the connection is accepted: as any other route would."""
    await trail.refused_by_address(socket, problem.status)
    reply = problem_response(problem.status, problem.detail, problem.headers, **problem.more)
    await socket.send_denial_response(reply)


async def serve(socket: WebSocket, live: Live, ward_id: str) -> None:
    """Until the browser leaves, falls asleep, or may no longer look."""
    await socket.accept()
    opened_us = (
        live.service.now_us()
    )  # not after the look below: a tick of meanwhile would be earlier than this one
    with live.readers.watching(ward_id) as queue, live.connections.watching(ward_id):
        try:
            told = await live.ward_told(ward_id)
        except REFUSALS as error:
            await socket.close(LATER_CODE, state_of(error).value)
            return
        if told is None:
            await socket.close(1011)
            return
        await socket.send_text(text_of(told))
        await socket.send_text(tick_text(opened_us, limited=live.is_limited))
        async with anyio.create_task_group() as group:

            async def until_first_ends(job: Awaitable[None]) -> None:
                await job
                group.cancel_scope.cancel()

            group.start_soon(until_first_ends, _send(socket, queue))
            group.start_soon(until_first_ends, _check(socket, live.service, ward_id))
            await until_first_ends(_until_left(socket))


async def _send(socket: WebSocket, queue: Queue) -> None:
    """A send waits while the browser's side of the wire is full; meanwhile the queue lets go of what is old."""
    try:
        while True:
            text = await queue.next()
            with anyio.fail_after(STUCK_S):
                await socket.send_text(text)
    except (WebSocketDisconnect, RuntimeError, TimeoutError):
        return


async def _until_left(socket: WebSocket) -> None:
    """What browsers say is not listened to."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _check(socket: WebSocket, service: Service, ward_id: str) -> None:
    """Watching counts as use of a log-in: a ward's screen stays on until the log-in ends by its age."""
    known_s = anyio.current_time()
    while True:
        await anyio.sleep(CHECK_S)
        try:
            await answered_within(ANSWERS_S, viewer(socket, service, ward_id))
            known_s = anyio.current_time()
        except Problem as problem:
            code = SIGNED_OUT_CODE if problem.status == 401 else FORBIDDEN_CODE
            await socket.close(code, problem.detail[:120])
            return
        except (*REFUSALS, TimeoutError) as error:  # what beds tell needs no database, and is shown on
            if anyio.current_time() - known_s > UNKNOWN_S:
                state = State.AWAY if isinstance(error, TimeoutError) else state_of(error)
                await socket.close(LATER_CODE, state.value)
                return
