"""Rows of the table ``report``: which exist, who may see them, and how one state becomes the next.

``making`` → ``draft`` (or ``failed``) → ``final`` once a clinician has signed; a final one is never changed. An amended
version is another row; when that is signed, the older one becomes ``amended``. ``withdrawn`` keeps the row, shows none
of its content, and says so everywhere.
"""

from __future__ import annotations

import json
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Row, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.hiding import hidden_now
from hemoview.cloud.principals import Action, Principal, session_filter
from hemoview.cloud.problems import Problem

MAKING: Final = "making"
DRAFT: Final = "draft"
FAILED: Final = "failed"
FINAL: Final = "final"
AMENDED: Final = "amended"
WITHDRAWN: Final = "withdrawn"

report, session = tables.report, tables.session


async def session_of(conn: AsyncConnection, who: Principal, session_id: str, action: Action) -> Row[Any]:
    """A session that is here and where ``who`` may do ``action``.

    Raises:
        Problem: 404, 410.
    """
    query = select(session).where(session.c.id == session_id, session_filter(who, action))
    row = (await conn.execute(query)).first()
    if row is None:
        raise Problem(404, "there is no such session here for you")
    if row.state == "erased":
        raise Problem(410, "this session was erased; nobody can read it again")
    return row


async def one(conn: AsyncConnection, who: Principal, report_id: str, action: Action) -> Row[Any]:
    """A report of a session where ``who`` may do ``action``, with ``hidden``, ward and study of that session.

    Raises:
        Problem: 404.
    """
    query = (
        select(report, hidden_now().label("hidden"), session.c.ward_id, session.c.study_id)
        .join(session, session.c.id == report.c.session_id)
        .where(and_(report.c.id == report_id, session_filter(who, action)))
    )
    row = (await conn.execute(query)).first()
    if row is None:
        raise Problem(404, "there is no such report here for you")
    return row


async def many(conn: AsyncConnection, who: Principal, session_id: str | None, limit: int) -> list[Row[Any]]:
    """The newest reports that ``who`` may read."""
    query = (
        select(report)
        .join(session, session.c.id == report.c.session_id)
        .where(session_filter(who, Action.READ_REPORT))
        .order_by(report.c.created_us.desc(), report.c.id)
        .limit(limit)
    )
    if session_id is not None:
        query = query.where(report.c.session_id == session_id)
    return list((await conn.execute(query)).all())


async def add(
    conn: AsyncConnection, session_id: str, *, by: Principal, language: str, now_us: int, replaces: str | None
) -> tuple[str, bool]:
    """A new version that is to be made; one that is being made already is not made twice. (id, it is new)"""
    waiting = select(report.c.id).where(
        report.c.session_id == session_id,
        report.c.state == MAKING,
        report.c.language == language,
        report.c.replaces.is_(None) if replaces is None else report.c.replaces == replaces,
    )
    found = (await conn.execute(waiting)).scalar()
    if found is not None:
        return found, False
    highest = select(func.coalesce(func.max(report.c.version), 0)).where(report.c.session_id == session_id)
    version = (await conn.execute(highest)).scalar_one() + 1
    report_id = str(uuid4())
    row = {"id": report_id, "session_id": session_id, "manifest_rev": 0, "version": version, "state": MAKING}
    row |= {"language": language, "created_by": by.name, "created_us": now_us, "replaces": replaces}
    await conn.execute(insert(report).values(**row))
    return report_id, True


async def move(conn: AsyncConnection, report_id: str, before: str, **values: Any) -> bool:
    """From state ``before``; False: it is in another one by now, and nothing was changed."""
    moved = update(report).where(report.c.id == report_id, report.c.state == before).values(**values)
    return bool((await conn.execute(moved)).rowcount)


async def must_stand(conn: AsyncConnection, replaced: str | None) -> None:
    """The report in whose place an amended version is to be signed is the one that counts now. Of two versions that
    were drafted of it, one can be signed: two that both count would contradict each other.

    Raises:
        Problem: 409.
    """
    if replaced is None:
        return
    state = (await conn.execute(select(report.c.state).where(report.c.id == replaced))).scalar()
    if state == AMENDED:
        raise Problem(
            409,
            "another version was signed in the place of that report; amend that one, and withdraw this draft",
        )
    if state != FINAL:
        raise Problem(409, f"the report this one was to replace is {state} by now; ask for a new report")


def shown(row: Row[Any]) -> dict[str, Any]:
    """What is told of a report without opening it."""
    files = json.loads(row.files) if row.files else {}
    return {
        "report_id": row.id,
        "session_id": row.session_id,
        "version": row.version,
        "manifest_rev": row.manifest_rev,
        "state": row.state,
        "language": row.language,
        "facts_sha256": row.facts_sha256,
        "files": {name: each["sha256"] for name, each in sorted(files.items())},
        "signed_by": row.signed_by,
        "signed_us": row.signed_us,
        "created_by": row.created_by,
        "created_us": row.created_us,
        "replaces": row.replaces,
        "error": row.error,
    }
