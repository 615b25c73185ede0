"""What administrators do with what is kept: erase, forbid erasing, see what is damaged, read everything again."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, StringConstraints
from sqlalchemy import func, select, update

from hemoview.cloud import audit, tables
from hemoview.cloud.asking import require
from hemoview.cloud.custody import erase, orders, state
from hemoview.cloud.custody.erasures import Erased
from hemoview.cloud.custody.refusals import Attempt
from hemoview.cloud.custody.scrub import scrub
from hemoview.cloud.custody.session_routes import SessionId
from hemoview.cloud.custody.withdraw import withdraw
from hemoview.cloud.identity.bodies import SEEN, Body
from hemoview.cloud.principals import Action, Principal
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Here, Service

router = APIRouter(tags=["custody"])
Eraser = Annotated[Principal, Depends(require(Action.ERASE_SESSION))]
Manager = Annotated[Principal, Depends(require(Action.MANAGE, everywhere=True))]


class Reason(Body):
    """Why; it is kept for ever, so it names nobody."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=400), SEEN]


class Withdrawal(Reason):
    """Of whom."""

    pseudonym: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), SEEN]


class Share(Body):
    """How much of everything is read again, 0 to 1."""

    share: Annotated[float, Field(gt=0, le=1)] = 1.0


@router.post("/v1/sessions/{session_id}/erase")
async def erase_session(
    session_id: SessionId, why: Reason, request: Request, service: Here, who: Eraser
) -> dict[str, Any]:
    """Destroy its key and its blobs, have the bedside erase its copy, and say what cannot be reached."""
    attempt = Attempt(service, request, who, "session.erase", session_id)
    try:
        await _must_be_here(service, who, session_id)
        erased = Erased(session_id, service.now_us(), who.name, why.reason)
        unreachable = await erase.erase(service, erased, attempt.entry(reason=why.reason))
    except Problem as problem:
        await attempt.refuse(problem)
    return {"session_id": session_id, "erased_us": erased.at_us, "unreachable": unreachable}


@router.post("/v1/subjects/withdraw")
async def withdraw_subject(told: Withdrawal, request: Request, service: Here, who: Eraser) -> dict[str, Any]:
    """Erase every session of a subject that the caller may erase; list what is held, and what cannot be reached."""
    attempt = Attempt(service, request, who, "subject.withdraw", "")
    try:
        found = await withdraw(service, attempt, told.pseudonym, told.reason)
    except Problem as problem:
        await attempt.refuse(problem)
    counts = {name: len(found[name]) for name in ("erased", "held")}
    async with service.db.begin() as conn:
        await audit.append(conn, attempt.entry(reason=told.reason, **counts))
    return found


@router.put("/v1/sessions/{session_id}/hold", status_code=204)
async def hold(session_id: SessionId, why: Reason, request: Request, service: Here, who: Eraser) -> Response:
    """A legal hold: it cannot be erased until that is lifted."""
    return await _set_hold(service, Attempt(service, request, who, "session.hold", session_id), why.reason)


@router.delete("/v1/sessions/{session_id}/hold", status_code=204)
async def lift(session_id: SessionId, request: Request, service: Here, who: Eraser) -> Response:
    """Lift the legal hold."""
    return await _set_hold(service, Attempt(service, request, who, "session.lift-hold", session_id), None)


@router.get("/v1/erasures")
async def erasures(service: Here, who: Manager) -> dict[str, Any]:
    """Every erasure there was, what it could not reach, and since when the bedside's copy is gone (null: not yet)."""
    del who
    table = tables.erasure
    async with service.db.read() as conn:
        rows = (await conn.execute(select(table).order_by(table.c.at_us))).all()
        bedsides = await orders.erased_at_bedsides(conn)
    told = [dict(row._mapping) | {"unreachable": json.loads(row.unreachable)} for row in rows]
    return {"erasures": [one | {"bedside_us": bedsides.get(one["session_id"])} for one in told]}


@router.get("/v1/custody")
async def custody(service: Here, who: Manager) -> dict[str, Any]:
    """How much is kept, what of it is damaged, and how long the longest unread was not read."""
    del who
    blob, file = tables.blob, tables.session_file
    totals = select(func.count(), func.coalesce(func.sum(blob.c.bytes), 0), func.min(blob.c.verified_us))
    damaged = (
        select(blob.c.sha256, blob.c.damaged_us, file.c.session_id, file.c.name)
        .outerjoin(file, file.c.blob_sha256 == blob.c.sha256)
        .where(blob.c.damaged_us.is_not(None), blob.c.removing_us.is_(None))
        .order_by(blob.c.damaged_us)
    )
    async with service.db.read() as conn:
        count, size, oldest_us = (await conn.execute(totals.select_from(blob))).one()
        rows = (await conn.execute(damaged)).all()
    named = [dict(row._mapping) for row in rows]
    return {"blobs": count, "bytes": int(size), "oldest_verified_us": oldest_us, "damaged": named}


@router.post("/v1/custody/scrub")
async def scrub_now(share: Share, request: Request, service: Here, who: Manager) -> dict[str, Any]:
    """Read so much of it again now, the longest unread first."""
    attempt = Attempt(service, request, who, "custody.scrub", "")
    found = await scrub(service, share.share)
    async with service.db.begin() as conn:
        await audit.append(conn, attempt.entry(read=found.read, damaged=len(found.damaged)))
    return {"read": found.read, "bytes": found.bytes, "damaged": found.damaged}


async def _must_be_here(service: Service, who: Principal, session_id: str) -> None:
    """For the caller to erase.

    Raises:
        Problem: 404 not in scope, 410 erased already.
    """
    async with service.db.read() as conn:
        seen = await state.of_one(conn, who, session_id, Action.ERASE_SESSION)
    if seen is None:
        raise Problem(404, "there is no such session here for you")
    if seen["state"] == "erased":
        raise Problem(410, "this session was erased already")


async def _set_hold(service: Service, attempt: Attempt, reason: str | None) -> Response:
    session = tables.session
    mine = (session.c.id == attempt.thing, session.c.state != "erased")
    try:
        await _must_be_here(service, attempt.who, attempt.thing)
        async with service.db.begin() as conn:
            if not (await conn.execute(update(session).where(*mine).values(held=reason))).rowcount:
                raise Problem(410, "this session was erased already")
            await audit.append(conn, attempt.entry(reason=reason or ""))
    except Problem as problem:
        await attempt.refuse(problem)
    return Response(status_code=204)
