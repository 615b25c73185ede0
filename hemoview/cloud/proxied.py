"""Behind a proxy on the same machine: whom a request is from, as the proxy says.

A header is believed for one reason alone: it came through a unix socket that only the proxy's group can open. Where the
service listens on an address, nothing here is used, and what a client wrote into such a header means nothing.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

HEADER: Final = b"x-forwarded-for"
"""The one header that is read: a proxy sets one and passes others on as the client wrote them."""
UNSAID: Final = "unknown"
_OVER_TLS: Final = {"http": "https", "ws": "wss"}


class Proxied:
    """ASGI middleware around everything else: the client's address and scheme are those before the proxy.

    Who speaks to the socket without any proxy (a probe of this machine) stays without an address.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request, or one WebSocket, on."""
        if scope["type"] in ("http", "websocket"):
            scheme = _OVER_TLS.get(scope["scheme"], scope["scheme"])
            scope = {**scope, "client": client_of(scope), "scheme": scheme}
        await self._app(scope, receive, send)


def client_of(scope: Scope) -> tuple[str, int] | None:
    """Address and port 0; None where no proxy was between.

    Of several addresses the last counts: it is the proxy's own, those before are what the client says of itself.
    """
    told = [value for name, value in scope["headers"] if name == HEADER]
    if not told:
        return None
    last = told[-1].rpartition(b",")[2].strip().decode("latin-1")
    try:
        return str(ipaddress.ip_address(last)), 0
    except ValueError:
        return UNSAID, 0
