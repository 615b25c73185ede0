"""Trends of what the live path showed: by the second for an hour, beyond that by the minute. Gaps stay gaps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Float, and_, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.hiding import hidden_live
from hemoview.cloud.live.store import HOUR_US, MINUTE_US, SECOND_US
from hemoview.cloud.principals import (
    Action,
    Principal,
    may_see_estimates,
    session_filter,
    ward_filter,
)
from hemoview.cloud.problems import Problem
from hemoview.cloud.tables import estimate, estimate_1m, live_session, session, ward

POINTS_MAX: Final = 2000
BY_SECOND_US: Final = HOUR_US
"""Longer spans are read from the means of minutes."""
GAP_STEPS: Final = 2.5
"""Points further apart than so many steps have a gap between them."""


@dataclass(frozen=True, slots=True)
class Span:
    """What of a session is wanted; ``step_us`` is one point."""

    session_id: str
    parameter: str
    from_us: int
    to_us: int
    step_us: int
    by_minute: bool


def span_of(session_id: str, parameter: str, from_us: int, to_us: int, points: int) -> Span:
    """The finest that has at most ``points`` points."""
    by_minute = to_us - from_us > BY_SECOND_US
    unit_us = MINUTE_US if by_minute else SECOND_US
    whole = max(1, points - 1)  # a span that begins within a step ends within one more
    steps = max(1, -(-(to_us - from_us) // (unit_us * whole)))
    return Span(session_id, parameter, from_us, to_us, steps * unit_us, by_minute)


async def seen_session(conn: AsyncConnection, principal: Principal, session_id: str) -> Any:
    """The session, if ``principal`` may see it: by its ward, or as a session that was synced; with ``is_hidden`` of
    both paths, and where custody has it.

    Raises:
        Problem: 404.
    """
    synced = and_(session.c.id.is_not(None), session_filter(principal, Action.SEE_SESSION))
    query = (
        select(
            live_session,
            hidden_live().label("is_hidden"),
            session.c.ward_id.label("kept_ward_id"),
            session.c.study_id,
        )
        .outerjoin(ward, ward.c.id == live_session.c.ward_id)
        .outerjoin(session, session.c.id == live_session.c.id)
        .where(live_session.c.id == session_id, or_(ward_filter(principal, Action.SEE_WARD), synced))
    )
    row = (await conn.execute(query)).first()
    if row is None:
        raise Problem(404, "there is no such session")
    return row


async def trend(conn: AsyncConnection, principal: Principal, span: Span) -> dict[str, Any]:
    """``{t_us, est, lo, hi, ref, n, gaps, step_us, hidden}``; hidden estimates are null, the reference stays.

    Raises:
        Problem: 404.
    """
    seen = await seen_session(conn, principal, span.session_id)
    shown = _shows(principal, seen)
    rows = (await conn.execute(_query(span))).all()
    t_us = [int(r.bin_no) * span.step_us for r in rows]
    told: dict[str, Any] = {"t_us": t_us, "step_us": span.step_us, "hidden": not shown}
    for name in ("est", "lo", "hi"):
        told[name] = [getattr(r, name) if shown else None for r in rows]
    told["ref"] = [r.ref for r in rows]
    told["n"] = [int(r.n) if shown else 0 for r in rows]
    return told | {"gaps": gaps(t_us, span)}


def _shows(principal: Principal, seen: Any) -> bool:
    """Its estimates: to who watches the ward it is told of in, or sees it in custody, and not as a rater."""
    by_ward = may_see_estimates(principal, Action.SEE_WARD, hidden=seen.is_hidden, ward_id=seen.ward_id)
    place = {"ward_id": seen.kept_ward_id, "study_id": seen.study_id}
    return by_ward or may_see_estimates(principal, Action.SEE_SESSION, hidden=seen.is_hidden, **place)


def gaps(t_us: Sequence[int], span: Span) -> list[list[int]]:
    """Stretches of the span without anything, ``[from, to]``; its ends count only within what was recorded."""
    found = []
    for before, after in itertools.pairwise(t_us):
        if after - before > GAP_STEPS * span.step_us:
            found.append([before + span.step_us, after])
    return found


def _query(span: Span) -> Any:
    """Bins of the span's step. Whole-number division differs between databases: ``floor`` does not."""
    table = estimate_1m if span.by_minute else estimate
    bin_no = func.floor(cast(table.c.at_us, Float) / span.step_us)
    n = func.sum(table.c.n) if span.by_minute else func.count(table.c.est)
    mean = [func.avg(table.c[name]).label(name) for name in ("est", "lo", "hi", "ref")]
    return (
        select(bin_no.label("bin_no"), n.label("n"), *mean)
        .where(
            table.c.session_id == span.session_id,
            table.c.at_us >= span.from_us,
            table.c.at_us < span.to_us,
            table.c.parameter == span.parameter,
        )
        .group_by(bin_no)
        .order_by(bin_no)
    )
