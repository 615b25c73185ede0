"""What the service holds and has refused, looked up beside its routes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit, tables
from hemoview.cloud.custody.blobstore import BlobStore, StoreAway
from recorder.sync import wire
from recorder.sync.canonical import as_bytes
from tests.cloud.cloud_rig import Bedside, Rig

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


@dataclass
class Sulking:
    """A store that does not give some of its blobs back, and does not say that they are gone."""

    blobs: BlobStore
    kept: set[str]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.blobs, name)

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        if sha256 in self.kept:
            raise StoreAway("the store does not answer")
        async for piece in self.blobs.read(sha256):
            yield piece


def beat(rig: Rig, bedside: Bedside, *done: wire.Acknowledgement, t_us: int | None = None) -> Any:
    queue = wire.Queue(waiting=3, total=41, bytes_waiting=9, last_success_us=None)
    told = wire.Heartbeat(t_us or rig.clock(), 1, "recorder 0.1.0", queue, done)
    reply = rig.http.post("/v1/devices/me/heartbeat", content=as_bytes(told), headers=bedside.headers)
    assert reply.status_code == 200, reply.text
    return wire.HeartbeatAnswer.from_json(reply.json())
