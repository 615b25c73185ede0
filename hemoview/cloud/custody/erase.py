"""Erasing a session: its key is destroyed first, and with it everything; then the blobs go, and the bedside is told.

What an erasure cannot reach – what was downloaded, printed or sent on before – is listed for whoever has to.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit, tables
from hemoview.cloud.custody import erasures, orders, removal
from hemoview.cloud.custody.blobstore import StoreAway
from hemoview.cloud.custody.erasures import Erased
from hemoview.cloud.database import insert_new
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service
from recorder.sync import wire

LEFT_BY: Final = ("session.download", "report.download", "fhir.read", "fhir.export")
"""Actions of the audit log by which content of a session left the service."""

log = logging.getLogger(__name__)


class Held(Problem):
    """A legal hold forbids it; ``why``."""

    def __init__(self, why: str) -> None:
        super().__init__(409, f"it must not be erased: {why}; lift that first")
        self.why = why


async def erase(service: Service, erased: Erased, entry: audit.Entry) -> list[dict[str, Any]]:
    """Erase a session that is here; what cannot be reached.

    The hold is looked at in the very transaction that destroys the key: one that came a moment ago counts. Only then
    is the erasure remembered for ever, still before the key goes.

    Args:
        entry: its line in the audit log.

    Raises:
        Held: nothing was erased.
        Problem: 410, somebody else has just erased it.
    """
    async with service.db.begin() as conn:
        await _claim(conn, erased.session_id)
        await asyncio.to_thread(erasures.remember, service.settings.keys, erased)
        unreachable = await _destroy_key(conn, erased)
        await audit.append(conn, entry)
    await _finish_or_later(service)
    return unreachable


async def apply_again(service: Service) -> list[str]:
    """Erase what the list names and the database, restored from an older backup, has back; ids of those."""
    again = []
    async with service.db.read() as conn:
        known = set((await conn.execute(select(tables.erasure.c.session_id))).scalars())
    listed = await asyncio.to_thread(erasures.remembered, service.settings.keys)
    for erased in (one for one in listed if one.session_id not in known):
        async with service.db.begin() as conn:
            if not await _is_here(conn, erased.session_id):
                await _keep(conn, erased, [])  # so that it is refused when a bedside sends it once more
                continue
            await _destroy_key(conn, erased)
            why = json.dumps({"why": "it was erased after the backup that was restored"})
            now_us, what = service.now_us(), erased.session_id
            await audit.append(conn, audit.Entry(now_us, "service", "session.erase", what, audit.OK, "", why))
        again.append(erased.session_id)
    await _finish_or_later(service)
    return again


async def tell(service: Service, device_id: str, session_id: str) -> None:
    """A bedside announced what was erased: it has a copy still, of before it was enrolled anew or put back itself."""
    table = tables.erasure
    async with service.db.begin() as conn:
        row = (await conn.execute(select(table).where(table.c.session_id == session_id))).first()
        if row is not None:
            order = wire.Order("new", orders.ERASE, session_id, row.why, row.by, service.now_us())
            await orders.give_unless_waiting(conn, device_id, order)


async def _finish_or_later(service: Service) -> None:
    """Nobody can read them any more; where their store is away they go with the next round of scrubbing."""
    try:
        await finish(service)
    except StoreAway as error:
        log.warning("blobs of erased sessions are removed later: %s", error)


async def finish(service: Service) -> None:
    """Remove the blobs of erased sessions, all but those that another session has too."""
    session, file = tables.session, tables.session_file

    async def gone(conn: AsyncConnection) -> Sequence[str]:
        erased = select(session.c.id).where(session.c.state == "erased")
        kept = select(file.c.blob_sha256).where(file.c.session_id.not_in(erased))
        going = select(file.c.blob_sha256).where(
            file.c.session_id.in_(erased), file.c.blob_sha256.not_in(kept)
        )
        ids: Sequence[str] = (await conn.execute(going.distinct())).scalars().all()
        await conn.execute(delete(file).where(file.c.session_id.in_(erased)))
        return ids

    await removal.remove(service, gone)


async def _claim(conn: AsyncConnection, session_id: str) -> None:
    """Mark it erased unless a hold or another erasure was first; the row is this transaction's from here on."""
    session = tables.session
    may = (session.c.id == session_id, session.c.state != "erased", session.c.held.is_(None))
    if (await conn.execute(update(session).where(*may).values(state="erased"))).rowcount:
        return
    row = (await conn.execute(select(session.c.held).where(session.c.id == session_id))).first()
    if row is not None and row.held is not None:
        raise Held(row.held)
    raise Problem(410, "this session was erased already")


async def _is_here(conn: AsyncConnection, session_id: str) -> bool:
    session = tables.session
    query = select(session.c.id).where(session.c.id == session_id, session.c.state != "erased")
    return (await conn.execute(query)).first() is not None


async def _destroy_key(conn: AsyncConnection, erased: Erased) -> list[dict[str, Any]]:
    """Within one transaction: no key, nothing said of it, an order to the bedside. What is left is the proof."""
    session = tables.session
    mine = session.c.id == erased.session_id
    device = tables.device
    its = (session.c.device_id, session.c.subject_id, device.c.name, device.c.revoked_us)
    row = (
        await conn.execute(select(*its).join(device, device.c.id == session.c.device_id).where(mine))
    ).one()
    unreachable = await _left_the_service(conn, erased.session_id)
    if row.revoked_us is not None:  # it is not answered any more, so it cannot be told
        copy = {"what": "the copy at the bedside", "who": row.name, "at_us": row.revoked_us}
        unreachable.append(copy)
    await conn.execute(
        update(session)
        .where(mine)
        .values(state="erased", wrapped_key=None, opening="{}", subject_id=None, held=None)
    )
    manifest = tables.manifest
    await conn.execute(update(manifest).where(manifest.c.session_id == erased.session_id).values(body=""))
    await _forget(conn, erased.session_id, row.subject_id)
    await _keep(conn, erased, unreachable)
    order = wire.Order("new", orders.ERASE, erased.session_id, erased.why, erased.by, erased.at_us)
    await orders.give(conn, row.device_id, order)
    return unreachable


async def _keep(conn: AsyncConnection, erased: Erased, unreachable: list[dict[str, Any]]) -> None:
    row = {"session_id": erased.session_id, "at_us": erased.at_us, "by": erased.by, "why": erased.why}
    await insert_new(conn, tables.erasure, [row | {"unreachable": json.dumps(unreachable)}])


async def _left_the_service(conn: AsyncConnection, session_id: str) -> list[dict[str, Any]]:
    log, report = tables.audit, tables.report
    left = select(log).where(log.c.object == session_id, log.c.action.in_(LEFT_BY), log.c.outcome == audit.OK)
    found = [
        {"what": row.action, "who": row.actor, "at_us": row.at_us}
        for row in await conn.execute(left.order_by(log.c.no))
    ]
    made = select(report).where(report.c.session_id == session_id).order_by(report.c.created_us)
    return found + [
        {
            "what": f"report version {row.version} ({row.state})",
            "who": row.created_by,
            "at_us": row.created_us,
        }
        for row in await conn.execute(made)
    ]


async def _forget(conn: AsyncConnection, session_id: str, subject_id: str | None) -> None:
    """What other rooms keep of a session."""
    for table in (tables.estimate, tables.estimate_1m):
        await conn.execute(delete(table).where(table.c.session_id == session_id))
    for table in (tables.bed_state, tables.bed_binding):
        await conn.execute(delete(table).where(table.c.session_id == session_id))
    await conn.execute(delete(tables.live_session).where(tables.live_session.c.id == session_id))
    report, said = tables.report, tables.feedback
    nothing = {"facts": None, "files": None, "assessment": None, "recommendations": None}
    await conn.execute(
        update(report).where(report.c.session_id == session_id).values(state="withdrawn", **nothing)
    )
    told = select(said.c.order_id).where(said.c.session_id == session_id, said.c.order_id.is_not(None))
    order_ids = (await conn.execute(told)).scalars().all()
    await conn.execute(delete(said).where(said.c.session_id == session_id))
    order = tables.device_order
    await conn.execute(delete(order).where(order.c.id.in_(order_ids)))
    if subject_id is not None:
        session = tables.session
        others = select(func.count()).select_from(session).where(session.c.subject_id == subject_id)
        if not (await conn.execute(others)).scalar_one():
            await conn.execute(delete(tables.subject).where(tables.subject.c.id == subject_id))
