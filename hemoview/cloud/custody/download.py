"""``/v1/sessions/{id}/download``: a whole session as a zip, made while it is sent."""

from __future__ import annotations

import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from hemoview.cloud import audit
from hemoview.cloud.asking import current, require
from hemoview.cloud.custody import contents, state
from hemoview.cloud.custody.contents import Contents
from hemoview.cloud.custody.refusals import Attempt
from hemoview.cloud.custody.sending import begun
from hemoview.cloud.custody.session_routes import SessionId
from hemoview.cloud.principals import Action, Principal, may_see_estimates
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Here, Service

router = APIRouter(tags=["record path"])
CHECK_S: Final = 20.0
"""How often it is looked up whether who reads may go on."""
_READERS = Depends(require(Action.READ_SAMPLES))


@router.get("/v1/sessions/{session_id}/download", response_class=StreamingResponse)
async def download(
    session_id: SessionId, request: Request, service: Here, who: Principal = _READERS
) -> StreamingResponse:
    """The session's folder, decrypted, as ``recorder verify`` takes it."""
    attempt = Attempt(service, request, who, "session.download", session_id)

    async def still() -> None:
        """Whoever was locked out, or from whom the estimates were hidden meanwhile, gets no more of it."""
        await _readable(service, await current(request), session_id)

    try:
        found = await _readable(service, who, session_id)
        pieces = await begun(zipped(service, found, still))
    except Problem as problem:
        await attempt.refuse(problem)
    async with service.db.begin() as conn:
        await audit.append(conn, attempt.entry(rev=found.rev, files=len(found.files)))
    headers = {"content-disposition": f'attachment; filename="{session_id}.zip"'}
    return StreamingResponse(pieces, headers=headers, media_type="application/zip")


async def _readable(service: Service, who: Principal, session_id: str) -> Contents:
    async with service.db.read() as conn:
        seen = await state.of_one(conn, who, session_id, Action.READ_SAMPLES)
    if seen is None:
        raise Problem(404, "there is no such session here for you")
    place = {"ward_id": seen["ward_id"], "study_id": seen["study_id"]}
    if not may_see_estimates(who, Action.READ_SAMPLES, hidden=seen["hidden"], **place):
        why = "its folder holds estimates that are hidden from you; unhiding is done in Review, with a reason"
        raise Problem(403, why)
    if seen["damaged"]:
        names = ", ".join(seen["damaged"][:5])
        raise Problem(503, f"damaged here, and asked for again at the bedside: {names}")
    return await contents.contents_of(service, session_id)


async def zipped(
    service: Service, found: Contents, still: Callable[[], Awaitable[None]]
) -> AsyncIterator[bytes]:
    """Pieces of a zip without compression: segments are compressed already. One file is in memory at a time.
    A revision gives the same bytes whenever it is asked for, so that two copies can be compared.

    Args:
        still: asked every :data:`CHECK_S`; what it raises cuts the zip off, which then opens nowhere.
    """
    tray, due_s = _Tray(), time.monotonic() + CHECK_S
    stamp = time.gmtime(found.received_us // 1_000_000)[:6]
    with zipfile.ZipFile(tray, "w", zipfile.ZIP_STORED) as archive:
        async for file, content in contents.each(service, found):
            if time.monotonic() >= due_s:
                await still()
                due_s = time.monotonic() + CHECK_S
            entry = zipfile.ZipInfo(f"{found.session_id}/{file.name}", stamp)
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content)
            yield tray.take()
    yield tray.take()


class _Tray:
    """What a zip was written to and has not been sent: a file that cannot go back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
