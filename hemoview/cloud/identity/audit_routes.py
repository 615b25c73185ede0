"""The audit log, for auditors: read a page, or prove the chain."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select

from hemoview.cloud import audit
from hemoview.cloud.asking import require
from hemoview.cloud.principals import Action, Principal
from hemoview.cloud.service import Here
from hemoview.cloud.tables import audit as log

router = APIRouter(prefix="/v1/audit", tags=["audit"])

Auditor = Annotated[Principal, Depends(require(Action.READ_AUDIT, everywhere=True))]
_PAGE_MAX: Final = 500
_LAST: Final = 2**53
Word = Annotated[str | None, Query(max_length=200)]
Number = Annotated[int | None, Query(ge=0, le=_LAST)]


@router.get("")
async def page(
    who: Auditor,  # noqa: ARG001 – that one may is all
    service: Here,
    *,
    before: Number = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE_MAX)] = 100,
    actor: Word = None,
    action: Word = None,
    object_: Annotated[str | None, Query(alias="object", max_length=200)] = None,
    outcome: Word = None,
    from_us: Number = None,
    to_us: Number = None,
) -> dict[str, Any]:
    """Entries, newest first, before the number ``before``; ``next_before`` is where the next page begins."""
    equal = ((log.c.actor, actor), (log.c.action, action), (log.c.object, object_), (log.c.outcome, outcome))
    query = select(log).order_by(log.c.no.desc()).limit(limit + 1)
    for column, wanted in equal:
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        query = query.where(log.c.no < before)
    if from_us is not None:
        query = query.where(log.c.at_us >= from_us)
    if to_us is not None:
        query = query.where(log.c.at_us < to_us)
    async with service.db.read() as conn:
        rows = (await conn.execute(query)).all()
    entries = [dict(row._mapping) | {"detail": _detail(row.detail)} for row in rows[:limit]]
    return {"entries": entries, "next_before": rows[limit - 1].no if len(rows) > limit else None}


def _detail(kept: str) -> Any:
    """An entry that somebody changed must not hide all others from who looks for it."""
    try:
        return json.loads(kept)
    except ValueError:
        return {"unreadable": kept}


@router.get("/verify")
async def verify(who: Auditor, service: Here) -> dict[str, Any]:  # noqa: ARG001
    """Whether every entry is as it was written; keep ``head`` elsewhere, for a cut-off end shows by it alone."""
    async with service.db.read() as conn:
        return asdict(await audit.verify(conn))
