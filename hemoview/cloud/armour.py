"""What every request passes: a limit on its body, and headers that tell browsers what not to do."""

from __future__ import annotations

import re
from typing import Final

from fastapi import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recorder.sync.canonical import JSON_BYTES_MAX

BODY_LIMIT: Final = 1 << 20
"""Bytes of any body but a blob's and a manifest's, which have limits of their own."""
BLOBS: Final = "/v1/blobs/"
_MANIFESTS: Final = re.compile(r"/v1/sessions/[^/]+/manifests")
_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; object-src 'none'"
)
_HEADERS: Final = (
    (b"content-security-policy", _POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
FIXED: Final = {name.decode(): value.decode() for name, value in _HEADERS}
"""For a reply that is made outside of this, as that to a fault."""

_UNSPEAKABLE: Final = JSONResponse(
    {
        "type": "about:blank",
        "title": "Not understood",
        "status": 400,
        "detail": "the address holds a zero byte",
    },
    400,
    media_type="application/problem+json",
)
"""No database takes one in a text, and nothing here has one in its name."""


class Armour:
    """ASGI middleware. Replies that set a header themselves keep theirs.

    Args:
        app: what is protected.
        secure: over TLS: browsers are told to come back by it only.
    """

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        hsts = ((b"strict-transport-security", b"max-age=31536000"),) if secure else ()
        self._headers = (*_HEADERS, *hsts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                has = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in self._headers if h[0] not in has)]
            await send(message)

        if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
            await _UNSPEAKABLE(scope, receive, dressed)
            return
        limit = _limit_of(scope["method"], scope["path"])
        await self._app(scope, _limited(receive, limit) if limit else receive, dressed)


def _limit_of(method: str, path: str) -> int | None:
    """Bytes of a body; None: the route counts itself."""
    if method == "PUT" and path.startswith(BLOBS):
        return None
    if method == "POST" and _MANIFESTS.fullmatch(path):
        return JSON_BYTES_MAX
    return BODY_LIMIT


def _limited(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, f"a body of at most {limit} bytes is read here")
        return message

    return counted
