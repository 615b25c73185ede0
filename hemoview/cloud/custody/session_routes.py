"""``/v1/sessions``: announced and committed by bedsides, seen by people in scope."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from hemoview.cloud import audit
from hemoview.cloud.asking import Bedside, current
from hemoview.cloud.custody import erase, manifests, opening, state
from hemoview.cloud.custody.bodies import body_of, read_body
from hemoview.cloud.custody.refusals import Attempt
from hemoview.cloud.identity import trail
from hemoview.cloud.principals import Principal
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Here, Service
from recorder.errors import SignatureWrong
from recorder.sync import wire

router = APIRouter(tags=["record path"])
SessionId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
_MOST: Final = 500


@router.put(
    "/v1/sessions/{session_id}",
    status_code=201,
    openapi_extra=body_of(wire.SessionOpening),
    responses={200: {"description": "the same as before"}},
)
async def announce(session_id: SessionId, request: Request, service: Here, who: Bedside) -> Response:
    """Announce a session; idempotent."""
    attempt = Attempt(service, request, who, "session.open", session_id)
    try:
        told = await read_body(request, wire.SessionOpening)
        opening.check(told, session_id, service.keys, production=service.settings.production)
        async with service.db.begin() as conn:
            is_new = await opening.keep(conn, service.now_us(), who, told)
            if is_new:
                await audit.append(conn, attempt.entry())
    except Problem as problem:
        if problem.more.get("type") == wire.SESSION_ERASED:
            await erase.tell(service, who.id, session_id)
        await attempt.refuse(problem)
    return JSONResponse({"session_id": session_id}, 201 if is_new else 200)


@router.post(
    "/v1/sessions/{session_id}/manifests",
    status_code=201,
    openapi_extra=body_of(wire.SignedManifest),
    responses={200: {"description": "this revision was here: its receipt"}},
)
async def commit(session_id: SessionId, request: Request, service: Here, who: Bedside) -> Response:
    """Commit a revision of a session; the answer is the service's signed receipt."""
    attempt = Attempt(service, request, who, "session.manifest", session_id)
    issuer = manifests.Issuer(service.server_id, service.keys.signing)
    try:
        signed = await read_body(request, wire.SignedManifest)
        checked = await _must_be_its_own(service, who, session_id, signed)
        async with service.db.begin() as conn:
            given, is_new = await manifests.accept(conn, service.now_us(), who, checked, issuer)
            if is_new:
                receipt = given.receipt
                told: dict[str, Any] = {"rev": receipt.rev, "files": receipt.files, "bytes": receipt.bytes}
                await audit.append(conn, attempt.entry(**told))
    except Problem as problem:
        await attempt.refuse(problem)
    return JSONResponse(given.to_json(), 201 if is_new else 200)


async def _must_be_its_own(
    service: Service, who: Principal, session_id: str, signed: wire.SignedManifest
) -> manifests.Checked:
    if signed.manifest.session_id != session_id:
        raise Problem(422, "the manifest is of another session than the address")
    if signed.manifest.device_id != who.id:
        raise Problem(422, "the manifest is of another device than the token")
    async with service.db.read() as conn:
        public_key = await manifests.device_key(conn, who.id)
    try:
        return await asyncio.to_thread(manifests.check, public_key, signed)
    except SignatureWrong as error:
        raise Problem(422, str(error)) from error


@router.get("/v1/sessions/{session_id}/receipt")
async def receipt(session_id: SessionId, service: Here, who: Bedside) -> dict[str, Any]:
    """The receipt of the last revision, for the device whose session it is."""
    async with service.db.read() as conn:
        seen = await state.of_one(conn, who, session_id)
        if seen is None:
            raise opening.not_yours()
        last = await manifests.last_of(conn, session_id)
    if seen["state"] == "erased":  # a bedside that missed its order must not bring it again
        raise Problem(410, "this session was erased here", type=wire.SESSION_ERASED)
    if last is None:
        raise Problem(404, "no revision of this session was committed yet")
    return manifests.receipt_of(last).to_json()


@router.get("/v1/sessions")
async def sessions(
    request: Request,
    service: Here,
    ward: Annotated[str | None, Query(max_length=64)] = None,
    after: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """Those the caller may see, newest first; ``after``: the last session of the page before."""
    who = await current(request)
    async with service.db.read() as conn:
        found = await state.of_many(conn, who, state.Page(ward, after, limit))
    if found:
        await trail.looked(request, who, "sessions.look", ward or "")
    return {"sessions": found}


@router.get("/v1/sessions/{session_id}")
async def one(session_id: SessionId, request: Request, service: Here) -> dict[str, Any]:
    """Custody of one: files, bytes, revisions, what is damaged, when it came last."""
    who = await current(request)
    async with service.db.read() as conn:
        found = await state.of_one(conn, who, session_id)
        if found is None:
            raise Problem(404, "there is no such session here for you")
        told = found | {"revisions": await state.revisions(conn, session_id)}
    await trail.looked(request, who, "session.look", session_id)
    return told
