"""``/v1/feedback``: a message to the bedside about a session; append-only, delivered with the next heartbeat."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit, tables
from hemoview.cloud.asking import require
from hemoview.cloud.custody import manifests, orders
from hemoview.cloud.custody.refusals import Attempt
from hemoview.cloud.identity import trail
from hemoview.cloud.principals import Action, Principal
from hemoview.cloud.problems import Problem
from hemoview.cloud.reports import rows
from hemoview.cloud.service import Here
from recorder.errors import WireError
from recorder.sync import wire
from recorder.sync.canonical import read_json
from recorder.sync.fields import WHOLE_MAX

router = APIRouter(tags=["feedback"])
Sender = Annotated[Principal, Depends(require(Action.SEND_FEEDBACK))]
Reader = Annotated[Principal, Depends(require(Action.READ_REPORT))]

LINES: Final = r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x08\x0b-\x1f\x7f]*$"
"""What people write: something to read, in lines, without control characters."""


class Feedback(BaseModel):
    """What is said; ``marker_us``: about which moment (bedside clock, UTC), the whole session where it is left out."""

    model_config = ConfigDict(extra="forbid")
    session_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    text: str = Field(min_length=1, max_length=4000, pattern=LINES)
    marker_us: int | None = Field(default=None, ge=0, le=WHOLE_MAX)


@router.post("/v1/feedback", status_code=201)
async def say(body: Feedback, request: Request, service: Here, who: Sender) -> dict[str, Any]:
    """Send a message to the bedside that recorded a session, if its subject consented to feedback."""
    attempt = Attempt(service, request, who, "feedback.send", body.session_id)
    try:
        async with service.db.begin() as conn:
            session = await rows.session_of(conn, who, body.session_id, Action.SEND_FEEDBACK)
            await _consented(conn, body.session_id, session.opening)
            now_us, feedback_id, text = service.now_us(), str(uuid4()), body.text.strip()
            author = await _name_of(conn, who)
            order = wire.Order("new", orders.MESSAGE, body.session_id, text, author, now_us, body.marker_us)
            order_id = await orders.give(conn, session.device_id, order)
            row = {"id": feedback_id, "session_id": body.session_id, "user_id": who.id, "text": text}
            await conn.execute(insert(tables.feedback).values(**row, created_us=now_us, order_id=order_id))
            await audit.append(conn, attempt.entry(feedback=feedback_id))
    except WireError as error:
        await attempt.refuse(Problem(422, str(error)))
    except Problem as problem:
        await attempt.refuse(problem)
    return {"feedback_id": feedback_id}


async def _consented(conn: AsyncConnection, session_id: str, opening: str) -> None:
    """By the newest revision, else by what was told at the opening (safety rule 14)."""
    last = await manifests.last_of(conn, session_id)
    scopes = json.loads(opening).get("scopes", ())
    if last is not None and last.body:
        scopes = wire.Manifest.from_json(read_json(last.body.encode())).about.scopes
    if "feedback" not in scopes:
        raise Problem(409, "the subject's consent does not cover feedback; nothing was sent")


async def _name_of(conn: AsyncConnection, who: Principal) -> str:
    account = tables.user_account
    return str((await conn.execute(select(account.c.display).where(account.c.id == who.id))).scalar_one())


@router.get("/v1/feedback")
async def said(
    request: Request, service: Here, who: Reader, session_id: Annotated[str, Query(max_length=64)]
) -> dict[str, Any]:
    """What was said about a session, and whether it reached the bedside."""
    feedback, order, account = tables.feedback, tables.device_order, tables.user_account
    async with service.db.read() as conn:
        await rows.session_of(conn, who, session_id, Action.READ_REPORT)
        query = (
            select(feedback, account.c.display, order.c.delivered_us, order.c.done_us, order.c.body)
            .join(account, account.c.id == feedback.c.user_id)
            .outerjoin(order, order.c.id == feedback.c.order_id)
            .where(feedback.c.session_id == session_id)
            .order_by(feedback.c.created_us, feedback.c.id)
        )
        found = (await conn.execute(query)).all()
    await trail.looked(request, who, "feedback.look", session_id)
    keys = ("id", "text", "created_us", "delivered_us", "done_us")
    told = [{k: getattr(row, k) for k in keys} | {"author": row.display} for row in found]
    return {
        "feedback": [one | {"marker_us": _moment(row.body)} for one, row in zip(told, found, strict=True)]
    }


def _moment(order: str | None) -> int | None:
    """Which moment it is about, as the bedside is told."""
    return wire.Order.from_json(read_json(order.encode())).marker_us if order else None
