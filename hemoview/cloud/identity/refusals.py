"""What somebody was refused, written down: ASGI middleware around every route."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hemoview.cloud.identity import trail


class Watch:
    """Adds what somebody known was refused, and things of others they looked for, to the audit log, as often as
    :class:`.throttle.Sieve` allows. What the room that refuses has written down itself, knowing more of it, stands.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self._app(scope, receive, seen)
        await trail.refused_by_address(Request(scope), status)
