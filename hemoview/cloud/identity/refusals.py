"""What somebody who has signed in was refused, written down: ASGI middleware around every route."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hemoview.cloud.identity import trail


class Watch:
    """Adds every 403 of a known person to the audit log, as often as :class:`.throttle.Sieve` allows.

    What bedsides are refused, the room that refuses writes down itself: it knows more of it.
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
        principal = scope.get("state", {}).get("principal")
        if status == 403 and principal is not None and principal.kind == "user":
            route = getattr(scope.get("route"), "path", "")
            await trail.refused(Request(scope), principal.name, "request", f"{scope['method']} {route}")
