"""Every refusal of the service as ``application/problem+json`` (RFC 9457): who, what, what to do."""

from __future__ import annotations

import logging
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from hemoview.cloud.armour import FIXED
from hemoview.cloud.custody.blobstore import StoreAway
from hemoview.cloud.faults import Refusal, State, state_of

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
TITLES: Final = {
    400: "Not understood",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not here",
    405: "Not this way",
    408: "Too slow",
    409: "Contradicts what is stored",
    410: "Gone for ever",
    411: "Length missing",
    413: "Too large",
    415: "Other kind of content",
    422: "Not valid",
    429: "Too many tries",
    500: "A fault of the service",
    503: "Not now",
    507: "No space",
}

_BODY: Final = {
    "type": "object",
    "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}}
    | {"detail": {"type": "string", "description": "one sentence for whoever reads it"}},
}
DESCRIBED: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": _BODY}}}
    for status in (401, 403, 404, 422)
}
"""What OpenAPI says of refusals, in place of what FastAPI takes them to be."""


class Problem(Exception):
    """A refusal.

    Args:
        status: of HTTP.
        detail: one sentence for whoever reads it.
        more: further members of the JSON object.
        headers: of the reply.
    """

    def __init__(
        self, status: int, detail: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.more, self.headers = status, detail, more, headers


def problem_response(
    status: int, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """The reply."""
    body = {"type": "about:blank", "title": TITLES.get(status, "Refused"), "status": status, "detail": detail}
    return JSONResponse(body | more, status, headers, media_type=MEDIA_TYPE)


def away() -> Problem:
    """The store of blobs is; whoever asked may ask again. Why is in the log: who asks can do nothing about it."""
    why = "the store that keeps the sessions does not answer; try again"
    return Problem(503, why, headers={"Retry-After": "5"})


def _asked(request: HTTPConnection) -> tuple[str, str]:
    """What was asked for, for the log; a WebSocket that is not accepted yet is answered like any other request."""
    return request.scope.get("method", "WS"), request.url.path


def install(app: FastAPI) -> None:
    """Answer every error in this form."""

    async def ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return problem_response(error.status, error.detail, error.headers, **error.more)

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers) if error.headers else None
        return problem_response(error.status_code, str(error.detail), headers)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        # what was sent is not repeated: it may hold what does not belong into a log
        wrong = [{"where": [str(part) for part in e["loc"]], "why": e["msg"]} for e in error.errors()[:20]]
        return problem_response(422, "the request does not fit; see 'wrong'", None, wrong=wrong)

    async def database(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Refusal)
        why = state_of(error)
        if why is State.BROKEN:
            return await fault(request, error)
        log.error("%s %s: %s", *_asked(request), why.value)
        if why is State.FULL:
            return problem_response(507, why.value)
        return problem_response(503, why.value, {"Retry-After": "2"})

    async def store(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, StoreAway)
        log.error("%s %s: %s", *_asked(request), error)
        return await ours(request, away())

    async def unfit(request: Request, error: Exception) -> JSONResponse:
        log.warning("%s %s: %s", *_asked(request), type(error).__name__)
        return problem_response(422, "the request holds a character or a number that cannot be stored")

    async def fault(request: Request, error: Exception) -> JSONResponse:
        log.error("fault at %s %s", *_asked(request), exc_info=error)
        return problem_response(500, State.BROKEN.value, FIXED)

    app.add_exception_handler(Problem, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(OperationalError, database)
    app.add_exception_handler(NoConnectionFree, database)
    app.add_exception_handler(StoreAway, store)
    app.add_exception_handler(DataError, unfit)
    app.add_exception_handler(Exception, fault)
