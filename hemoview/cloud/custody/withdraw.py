"""A subject withdraws: every session of theirs is erased, and what cannot be erased or reached is listed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hemoview.cloud.custody import erase
from hemoview.cloud.custody.erasures import Erased
from hemoview.cloud.custody.refusals import Attempt
from hemoview.cloud.principals import Action, session_filter
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service
from hemoview.cloud.tables import session, subject


async def withdraw(service: Service, attempt: Attempt, pseudonym: str, reason: str) -> dict[str, Any]:
    """Erase the sessions of ``pseudonym`` that the caller may erase.

    Returns:
        ``erased``: each with what cannot be reached; ``held``: ids and why the law forbids erasing them.

    Raises:
        Problem: 404, there are none for the caller. That there are some elsewhere is not said either.
    """
    mine = (
        select(session.c.id, session.c.held)
        .join(subject, subject.c.id == session.c.subject_id)
        .where(subject.c.pseudonym == pseudonym, session.c.state != "erased")
        .where(session_filter(attempt.who, Action.ERASE_SESSION))
        .order_by(session.c.created_us)
    )
    async with service.db.read() as conn:
        rows = (await conn.execute(mine)).all()
    if not rows:
        raise Problem(404, "there is no session of this subject here for you")
    erased = []
    held = [{"session_id": row.id, "why": row.held} for row in rows if row.held is not None]
    for session_id in (row.id for row in rows if row.held is None):
        one = Erased(session_id, service.now_us(), attempt.who.name, reason)
        line = Attempt(service, attempt.request, attempt.who, "session.erase", session_id)
        try:
            unreachable = await erase.erase(service, one, line.entry(reason=reason, withdrawn=True))
        except erase.Held as since:  # while the others were erased
            held.append({"session_id": session_id, "why": since.why})
            continue
        except Problem:  # somebody else was first
            continue
        erased.append({"session_id": session_id, "unreachable": unreachable})
    return {"erased": erased, "held": held}
