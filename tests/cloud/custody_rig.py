"""What the service holds and has refused, looked up beside its routes."""

from __future__ import annotations

import json

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit, tables
from tests.cloud.cloud_rig import Rig

WHY = {"reason": "consent withdrawn"}


def refusals(rig: Rig) -> list[tuple[str, str, str]]:
    """(action, object, why) of what the audit log says was refused; its chain holds."""

    async def look(conn: AsyncConnection) -> list[tuple[str, str, str]]:
        assert (await audit.verify(conn)).broken_at is None
        refused = select(tables.audit).where(tables.audit.c.outcome == audit.REFUSED)
        rows = (await conn.execute(refused.order_by(tables.audit.c.no))).all()
        return [(row.action, row.object, json.loads(row.detail)["why"]) for row in rows]

    return rig.do(look)


def on_disk(rig: Rig) -> set[str]:
    """What lies in the blob store, and names of half ones on their way there."""

    async def look() -> set[str]:
        return {stored.sha256 async for stored in rig.service.blobs.walk()}

    half = {path.name for path in rig.service.settings.folder.rglob("*.part")}
    return rig.call(look) | half


def audited(rig: Rig, action: str) -> list[tuple[str, str]]:
    async def look(conn: AsyncConnection) -> list[tuple[str, str]]:
        assert (await audit.verify(conn)).broken_at is None
        rows = await conn.execute(select(tables.audit).where(tables.audit.c.action == action))
        return [(row.object, row.detail) for row in rows]

    return rig.do(look)
