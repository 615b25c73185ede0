"""One page for every address a person opens, and the files it is made of. All it knows it asks the API for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response
from fastapi.responses import HTMLResponse

from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service
from hemoview.cloud.web.assets import shipped

POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No script or style but ours, none inside the page; no text is parsed as markup, not even by a mistake of ours."""
ADDRESSES: Final = (
    "/",
    "/ward/{ward}",
    "/ward/{ward}/bed/{bed}",
    "/sessions",
    "/session/{session}",
    "/people",
    "/devices",
    "/audit",
    "/withdrawals",
    "/password",
)
"""What ``resources/web/js/router.js`` knows."""
_FOR_EVER: Final = "public, max-age=31536000, immutable"

router = APIRouter(tags=["web"])


async def page() -> HTMLResponse:
    """The page; what it shows it asks for itself."""
    return HTMLResponse(shipped().page, headers={"Content-Security-Policy": POLICY})


for _address in ADDRESSES:
    router.add_api_route(
        _address, page, methods=["GET"], response_class=HTMLResponse, include_in_schema=False
    )


@router.get("/assets/{version}/{path:path}", include_in_schema=False)
async def asset(version: str, path: str, accept_encoding: Annotated[str, Header()] = "") -> Response:
    """A file of the page. Of another version there is none: its page has to be loaded again."""
    found = shipped().files.get(path) if version == shipped().version else None
    if found is None:
        raise Problem(404, "no such file of this version; load the page again")
    packed = "gzip" in accept_encoding
    headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(found.packed if packed else found.body, headers=headers, media_type=found.kind)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """Read everything before the first request."""
    del service
    shipped()
    yield
