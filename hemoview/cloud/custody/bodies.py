"""Bodies of requests, read by the frozen dataclasses that both sides share (:mod:`recorder.sync.wire`)."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeVar

from starlette.requests import Request

from hemoview.cloud.problems import Problem
from recorder.errors import WireError
from recorder.sync import canonical
from recorder.sync.fields import Body

B = TypeVar("B", bound=Body)
_IN_THREAD: Final = 65_536
"""Bodies from this length on are read in a thread: nobody's live picture waits for a manifest of a day."""


async def read_body(request: Request, kind: type[B]) -> B:
    """The body of ``request``.

    Raises:
        Problem: 422, with the field and why.
    """
    content = await request.body()
    try:
        if len(content) < _IN_THREAD:
            return kind.from_json(canonical.read_json(content))
        return await asyncio.to_thread(lambda: kind.from_json(canonical.read_json(content)))
    except WireError as error:
        raise Problem(422, str(error)) from error


def body_of(kind: type[Body]) -> dict[str, Any]:
    """What OpenAPI says of a body of this kind."""
    schema = {
        "type": "object",
        "title": kind.__name__,
        "description": (kind.__doc__ or "").partition("\n")[0],
    }
    return {"requestBody": {"content": {"application/json": {"schema": schema}}, "required": True}}
