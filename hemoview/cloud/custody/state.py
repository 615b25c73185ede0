"""Where a session stands, as people in scope may see it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.hiding import hidden_now
from hemoview.cloud.principals import Action, Principal, session_filter


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: of a ward, behind the session ``after``, at most ``limit``."""

    ward_id: str | None = None
    after: str | None = None
    limit: int = 100


async def of_many(conn: AsyncConnection, who: Principal, page: Page) -> list[dict[str, Any]]:
    """The newest sessions that ``who`` may see."""
    session, seen = tables.session, session_filter(who, Action.SEE_SESSION)
    query = _query(seen)
    if page.ward_id is not None:
        query = query.where(session.c.ward_id == page.ward_id)
    if page.after is not None:
        last_us = select(session.c.created_us).where(session.c.id == page.after, seen).scalar_subquery()
        begun_us = session.c.created_us
        query = query.where(or_(begun_us < last_us, and_(begun_us == last_us, session.c.id > page.after)))
    newest = query.order_by(session.c.created_us.desc(), session.c.id).limit(page.limit)
    return [_shown(row) for row in await conn.execute(newest)]


async def of_one(
    conn: AsyncConnection, who: Principal, session_id: str, action: Action = Action.SEE_SESSION
) -> dict[str, Any] | None:
    """One session where ``who`` may do ``action``; None where there is none."""
    mine = and_(tables.session.c.id == session_id, session_filter(who, action))
    row = (await conn.execute(_query(mine))).first()
    if row is None:
        return None
    file, blob = tables.session_file, tables.blob
    damaged = (
        select(file.c.name)
        .join(blob, blob.c.sha256 == file.c.blob_sha256)
        .where(file.c.session_id == session_id, blob.c.damaged_us.is_not(None))
        .distinct()
    )
    return _shown(row) | {"damaged": sorted((await conn.execute(damaged)).scalars())}


async def revisions(conn: AsyncConnection, session_id: str) -> list[dict[str, Any]]:
    """Every revision, oldest first."""
    manifest = tables.manifest
    columns = (manifest.c.rev, manifest.c.sha256, manifest.c.receipt, manifest.c.received_us)
    query = select(*columns).where(manifest.c.session_id == session_id).order_by(manifest.c.rev)
    return [
        {"rev": row.rev, "sha256": row.sha256, "received_us": row.received_us} | _held(row.receipt)
        for row in await conn.execute(query)
    ]


def _query(where: ColumnElement[bool]) -> Select[Any]:
    session, manifest, device, subject = tables.session, tables.manifest, tables.device, tables.subject
    bed, ward, later = tables.bed, tables.ward, tables.manifest.alias()
    newest = (
        select(func.max(later.c.rev))
        .where(later.c.session_id == session.c.id)
        .correlate(session)
        .scalar_subquery()
    )
    return (
        select(
            session,
            hidden_now().label("hidden_now"),
            subject.c.pseudonym,
            device.c.name.label("device"),
            device.c.queue,
            bed.c.label.label("bed"),
            ward.c.name.label("ward"),
            manifest.c.rev,
            manifest.c.receipt,
            manifest.c.received_us.label("last_received_us"),
        )
        .join(device, device.c.id == session.c.device_id)
        .outerjoin(subject, subject.c.id == session.c.subject_id)
        .outerjoin(bed, bed.c.id == session.c.bed_id)
        .outerjoin(ward, ward.c.id == session.c.ward_id)
        .outerjoin(manifest, and_(manifest.c.session_id == session.c.id, manifest.c.rev == newest))
        .where(where)
    )


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "session_id": row.id,
        "pseudonym": row.pseudonym,
        "template": json.loads(row.opening).get("template", ""),
        "ward_id": row.ward_id,
        "ward": row.ward,
        "study_id": row.study_id,
        "bed_id": row.bed_id,
        "bed": row.bed,
        "device_id": row.device_id,
        "device": row.device,
        "created_us": row.created_us,
        "state": row.state,
        "simulated": row.simulated,
        "training": row.training,
        "hidden": row.hidden_now,
        "held": row.held,
        "rev": row.rev,
        "last_received_us": row.last_received_us,
        "queue": json.loads(row.queue) if row.queue else None,
        **_held(row.receipt),
    }


def _held(receipt: str | None) -> dict[str, int]:
    told = json.loads(receipt) if receipt else {}
    return {"files": told.get("files", 0), "bytes": told.get("bytes", 0)}
