"""``/v1/blobs``: which are missing, bring one, look at one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import and_, or_, select
from starlette.requests import ClientDisconnect

from hemoview.cloud.asking import Bedside, current, must_be_enrolled
from hemoview.cloud.custody import damage
from hemoview.cloud.custody.at_once import BodiesAtOnce
from hemoview.cloud.custody.blobstore import StoreFull, WrongContent
from hemoview.cloud.custody.bodies import body_of, read_body
from hemoview.cloud.custody.ledger import Arrived, Removed
from hemoview.cloud.custody.refusals import Attempt
from hemoview.cloud.custody.sending import begun
from hemoview.cloud.principals import Action, Principal, session_filter
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Here, Service
from hemoview.cloud.tables import blob, session, session_file
from recorder.sync import wire

SLOWEST_BYTES_PER_S: Final = 8192
"""An upload that is slower is ended, so that idle ones cannot hold connections for ever."""
GRACE_S: Final = 60.0
LOOK_S: Final = 20.0
"""So often it is looked up whether who sends is still enrolled: a slow body takes longer than a revocation may."""
REMOVED: Final = "an older copy was removed in that very moment, and this with it; send it again"

router = APIRouter(tags=["record path"])
BlobId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the ciphertext")]


@router.post("/v1/blobs/missing", openapi_extra=body_of(wire.BlobQuery))
async def missing(request: Request, service: Here, who: Bedside) -> dict[str, Any]:
    """Which of these this device has still to send: resuming is the difference of two sets."""
    query = await read_body(request, wire.BlobQuery)
    known = await service.ledger.known(query.ids, who.id)
    return {"missing": [sha256 for sha256 in dict.fromkeys(query.ids) if sha256 not in known]}


@router.put(
    "/v1/blobs/{sha256}",
    status_code=201,
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}, "required": True}},
    responses={200: {"description": "it was here"}},
)
async def put(sha256: BlobId, request: Request, service: Here, who: Bedside) -> Response:
    """Bring one. On the disk and in the database when this answers; the same again is no harm."""
    attempt = Attempt(service, request, who, "blob.put", sha256)
    try:
        size, removals = _announced(request), service.ledger.removals
        with service.part(BodiesAtOnce).one_more(who.id):
            await _receive(service, _body(service, request, who), sha256, size)
        is_new = await service.ledger.add(Arrived(sha256, size, who.id, service.now_us(), removals))
    except Removed:
        await attempt.refuse(Problem(503, REMOVED))
    except Problem as problem:
        await attempt.refuse(problem)
    return Response(status_code=201 if is_new else 200)


async def _body(service: Service, request: Request, who: Principal) -> AsyncIterator[bytes]:
    looked_s = time.monotonic()
    async for chunk in request.stream():
        if time.monotonic() - looked_s >= LOOK_S:
            looked_s = time.monotonic()
            await must_be_enrolled(service, who.id)
        yield chunk


async def _receive(service: Service, body: AsyncIterator[bytes], sha256: str, size: int) -> None:
    try:
        async with asyncio.timeout(GRACE_S + size / SLOWEST_BYTES_PER_S):
            await service.blobs.put(sha256, size, body)
    except WrongContent as error:
        raise Problem(422, f"nothing was stored: {error}") from error
    except StoreFull as error:
        raise Problem(507, f"nothing was stored: {error}; keep the copy at the bedside") from error
    except TimeoutError as error:
        raise Problem(408, "nothing was stored: the body came too slowly; send it again") from error
    except ClientDisconnect as error:
        raise Problem(400, "nothing was stored: the body was cut off; send it again") from error


def _announced(request: Request) -> int:
    told = request.headers.get("content-length", "")
    if not (told.isascii() and told.isdecimal()):
        raise Problem(411, "say with Content-Length how long the body is")
    size = int(told)
    if size > wire.BLOB_BYTES_MAX:
        raise Problem(413, f"a blob of at most {wire.BLOB_BYTES_MAX} bytes is taken")
    return size


@router.head("/v1/blobs/{sha256}")
async def head(sha256: BlobId, request: Request, service: Here) -> Response:
    """Whether it is here, and how long it is."""
    size = await _visible(service, await current(request), sha256)
    return Response(headers={"content-length": str(size), "content-type": "application/octet-stream"})


@router.get("/v1/blobs/{sha256}", response_class=StreamingResponse)
async def get(sha256: BlobId, request: Request, service: Here) -> StreamingResponse:
    """The ciphertext, for the device that sent it and for who may read samples of its session."""
    size = await _visible(service, await current(request), sha256)
    if await service.blobs.size(sha256) != size:
        await damage.found(service, sha256, "it is gone, or cut")
        raise Problem(503, "this blob is damaged; the bedside is asked for it again")
    pieces = await begun(service.blobs.read(sha256))
    headers = {"content-length": str(size), "etag": f'"{sha256}"'}
    return StreamingResponse(pieces, headers=headers, media_type="application/octet-stream")


async def _visible(service: Service, who: Principal, sha256: str) -> int:
    """Its size, where ``who`` may see it.

    Raises:
        Problem: 404.
    """
    in_scope = (
        select(session_file.c.blob_sha256)
        .join(session, session.c.id == session_file.c.session_id)
        .where(session_file.c.blob_sha256 == sha256, session_filter(who, Action.READ_SAMPLES))
    )
    own = and_(blob.c.device_id == (who.id if who.kind == "device" else ""), blob.c.removing_us.is_(None))
    query = select(blob.c.bytes).where(blob.c.sha256 == sha256, or_(own, blob.c.sha256.in_(in_scope)))
    async with service.db.read() as conn:
        size: int | None = (await conn.execute(query)).scalar()
    if size is None:
        raise Problem(404, "there is no such blob here for you")
    return size
