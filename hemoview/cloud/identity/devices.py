"""Bedsides: enrolled by a one-time code, moved, given a new key, revoked. Where somebody keeps devices, they see them.

A bed has one device: two that sent pictures to one tile would mix up two people. A revocation holds at once for
requests here, and within :data:`hemoview.cloud.principals` ' memory of tokens everywhere; open WebSockets are closed
by the live room when it looks again.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Path, Request
from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import speaking
from hemoview.cloud.asking import hash_of, origin_of, require
from hemoview.cloud.custody.bodies import body_of, read_body
from hemoview.cloud.identity import accounts, codes, trail
from hemoview.cloud.identity.bodies import DeviceChange, Id
from hemoview.cloud.identity.signin import Counted, network_of
from hemoview.cloud.keys import public_bytes
from hemoview.cloud.live.room import Live
from hemoview.cloud.principals import Action, Principal, ward_filter
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Here, Service
from hemoview.cloud.tables import bed, bed_binding, device, enrolment, site, ward
from recorder.errors import SignatureWrong
from recorder.sync import protocol, signing, wire

router = APIRouter(prefix="/v1", tags=["devices"])

CODE_US: Final = 15 * 60_000_000
Keeper = Annotated[Principal, Depends(require(Action.KEEP_DEVICES))]
DeviceId = Annotated[Id, Path()]
BedId = Annotated[Id, Path()]
_ALL: Final = (
    select(
        device,
        bed.c.label.label("bed"),
        bed.c.ward_id,
        ward.c.name.label("ward"),
    )
    .outerjoin(bed, bed.c.id == device.c.bed_id)
    .outerjoin(ward, ward.c.id == bed.c.ward_id)
)


@router.get("/devices")
async def devices(who: Keeper, service: Here) -> dict[str, Any]:
    """Bedsides with where they stand, when they were last heard, and how far their clock is off."""
    query = _ALL.where(ward_filter(who, Action.KEEP_DEVICES)).order_by(ward.c.name, bed.c.place)
    async with service.db.read() as conn:
        found = [_shown(row) for row in (await conn.execute(query)).all()]
    # a screen's own clock may be wrong
    return {"devices": found, "server_us": service.now_us(), "protocol": protocol.OURS}


@router.post("/beds/{bed_id}/enrolment", status_code=201)
async def new_enrolment(bed_id: BedId, who: Keeper, request: Request, service: Here) -> dict[str, Any]:
    """A code with which one bedside becomes the device of this bed, once, within 15 minutes. It is told here alone."""
    async with service.db.begin() as conn:
        place = await _bed(conn, who, bed_id)
        await _check_free(conn, bed_id)
        return await _code(conn, request, service, who, place)


@router.post("/devices/{device_id}/enrolment", status_code=201)
async def again(device_id: DeviceId, who: Keeper, request: Request, service: Here) -> dict[str, Any]:
    """A code that gives this device a new key: after a new disk, or to let a revoked one in again. It stays itself."""
    async with service.db.begin() as conn:
        row = await _device(conn, who, device_id)
        place = await _bed(conn, who, row.bed_id)
        await _check_free(conn, row.bed_id, device_id)
        return await _code(conn, request, service, who, place, device_id=device_id)


@router.post("/enrol", status_code=201, openapi_extra=body_of(wire.Enrolment))
async def enrol(request: Request, service: Here) -> dict[str, Any]:
    """A bedside becomes a device: with a code somebody was given, and proof that it holds the key it names."""
    speaking.must_be_ours(request)
    body = await read_body(request, wire.Enrolment)
    keys = Counted(service, ((service.doors.enrolments, network_of(origin_of(request))),))
    await keys.knock(request, "nobody", "device.enrol")
    try:
        signing.verify_enrolment(body)
    except SignatureWrong as error:
        await keys.wrong()
        await trail.refused(request, "nobody", "device.enrol", why="proof")
        raise Problem(422, "the bedside does not hold the key it names") from error
    if not codes.is_well_typed(body.code):
        await keys.wrong()
        raise Problem(422, "a character of the code is mistyped; read it again")
    async with service.db.begin() as conn:
        made = await _redeem(conn, request, service, body)
        if made:
            place = (
                await conn.execute(
                    select(bed, ward.c.name.label("ward"), site.c.name.label("site"))
                    .join(ward, ward.c.id == bed.c.ward_id)
                    .join(site, site.c.id == ward.c.site_id)
                    .where(bed.c.id == made[1])
                )
            ).one()
    if made is None:
        await keys.wrong()
        await trail.refused(request, "nobody", "device.enrol", why="code")
        raise Problem(403, "this code is unknown, used or too old; ask for a new one", type=wire.CODE_UNKNOWN)
    await keys.right()
    service.forget_tokens(made[0])
    service.part(Live).placed(made[0], "this device was enrolled anew")
    stands = wire.Bed(place.id, place.label, place.ward, place.site)
    answer = wire.Enrolled(
        made[0],
        service.server_id,
        service.now_us(),
        public_bytes(service.keys.signing).hex(),
        public_bytes(service.keys.wrapping).hex(),
        service.keys.wrapping_id,
        service.settings.production,
        stands,
    )
    return answer.to_json()


@router.post("/devices/{device_id}/revoke")
async def revoke(device_id: DeviceId, who: Keeper, request: Request, service: Here) -> dict[str, Any]:
    """Lock a device out: stolen, lost or replaced. What it sent stays; a code for it lets it in again."""
    async with service.db.begin() as conn:
        row = await _device(conn, who, device_id)
        if row.revoked_us is None:
            await conn.execute(
                update(device).where(device.c.id == device_id).values(revoked_us=service.now_us())
            )
            await _void_codes(conn, service.now_us(), device_id)
            await trail.note(conn, request, who.name, "device.revoke", device_id)
        row = await _device(conn, who, device_id)
    service.forget_tokens(device_id)
    service.part(Live).end(device_id, "this device was revoked; enrol it again")
    return _shown(row)


@router.patch("/devices/{device_id}")
async def change_device(
    device_id: DeviceId, body: DeviceChange, who: Keeper, request: Request, service: Here
) -> dict[str, Any]:
    """Another name, or another bed. After a move the bed's session waits to be confirmed there (safety rule 5)."""
    async with service.db.begin() as conn:
        row = await _device(conn, who, device_id)
        is_moved = body.bed_id is not None and body.bed_id != row.bed_id
        if is_moved:
            await _bed(conn, who, body.bed_id)
            await _check_free(conn, body.bed_id, device_id)
            await conn.execute(update(device).where(device.c.id == device_id).values(bed_id=body.bed_id))
            await _unbind(conn, row.bed_id, body.bed_id)
            await trail.note(
                conn, request, who.name, "device.move", device_id, before=row.bed_id, now=body.bed_id
            )
        if body.name is not None:
            await conn.execute(update(device).where(device.c.id == device_id).values(name=body.name))
            await trail.note(conn, request, who.name, "device.rename", device_id)
        row = await _device(conn, who, device_id)
    service.forget_tokens(device_id)
    if is_moved:
        service.part(Live).placed(device_id, "this device was moved to another bed")
    return _shown(row)


# ---- what they share


async def _redeem(
    conn: AsyncConnection, request: Request, service: Service, body: wire.Enrolment
) -> tuple[str, str] | None:
    """(device, bed) for a code that is good; None for any other."""
    now_us = service.now_us()
    code = enrolment.c.code_sha256 == hash_of(codes.plain(body.code))
    unused = and_(code, enrolment.c.used_us.is_(None), enrolment.c.expires_us > now_us)
    claimed = await conn.execute(update(enrolment).where(unused).values(used_us=now_us))
    if not claimed.rowcount:  # of two who use it at once one finds it used, whatever the database
        return None
    good = (await conn.execute(select(enrolment).where(code))).one()
    maker = await accounts.by_name(conn, good.created_by.removeprefix("user:"))
    if maker is not None and maker.disabled:
        return None
    device_id = good.device_id or str(uuid4())
    await _check_free(conn, good.bed_id, device_id)
    said = {
        "name": body.name or "bedside",
        "station": body.station,
        "public_key": bytes.fromhex(body.public_key),
        "bed_id": good.bed_id,
        "enrolled_us": now_us,
        "revoked_us": None,
    }
    known = update(device).where(device.c.id == device_id) if good.device_id else insert(device)
    values = said if good.device_id else said | {"id": device_id}
    try:
        await conn.execute(known.values(values))
    except IntegrityError as error:
        raise Problem(409, "this key was enrolled before; the bedside makes a new one") from error
    await conn.execute(update(enrolment).where(code).values(device_id=device_id))
    await _void_codes(conn, now_us, device_id)
    await conn.execute(delete(bed_binding).where(bed_binding.c.device_id == device_id))
    what = "device.re-enrol" if good.device_id else "device.enrol"
    await trail.note(conn, request, f"device:{device_id}", what, good.bed_id, by=good.created_by)
    return device_id, good.bed_id


async def _void_codes(conn: AsyncConnection, now_us: int, device_id: str) -> None:
    """Codes that were given out for a device and not used are none any more."""
    unused = and_(enrolment.c.device_id == device_id, enrolment.c.used_us.is_(None))
    await conn.execute(update(enrolment).where(unused).values(used_us=now_us))


async def _code(
    conn: AsyncConnection,
    request: Request,
    service: Service,
    who: Principal,
    place: Any,
    *,
    device_id: str | None = None,
) -> dict[str, Any]:
    code, now_us = codes.new_code(), service.now_us()
    await conn.execute(
        insert(enrolment).values(
            code_sha256=hash_of(codes.plain(code)),
            bed_id=place.id,
            device_id=device_id,
            created_by=who.name,
            created_us=now_us,
            expires_us=now_us + CODE_US,
        )
    )
    await trail.note(conn, request, who.name, "device.code", place.id, device=device_id)
    return {"code": code, "expires_us": now_us + CODE_US, "bed_id": place.id, "bed": place.label}


async def _bed(conn: AsyncConnection, who: Principal, bed_id: str | None) -> Any:
    ours = ward_filter(who, Action.KEEP_DEVICES)
    query = select(bed).join(ward, ward.c.id == bed.c.ward_id).where(bed.c.id == bed_id, ours)
    row = (await conn.execute(query)).first()
    if row is None:
        raise Problem(404, "no such bed")
    return row


async def _device(conn: AsyncConnection, who: Principal, device_id: str) -> Any:
    query = _ALL.where(device.c.id == device_id, ward_filter(who, Action.KEEP_DEVICES))
    row = (await conn.execute(query)).first()
    if row is None:
        raise Problem(404, "no such device")
    return row


async def _check_free(conn: AsyncConnection, bed_id: str | None, but: str = "") -> None:
    await conn.execute(select(bed.c.id).where(bed.c.id == bed_id).with_for_update())  # two at once take turns
    query = select(device.c.id, device.c.name).where(
        device.c.bed_id == bed_id, device.c.revoked_us.is_(None), device.c.id != but
    )
    row = (await conn.execute(query)).first()
    if row is not None:
        raise Problem(
            409,
            f"the bed has the device {row.name!r} already: move or revoke it, or make a code for that device",
            device_id=row.id,
        )


async def _unbind(conn: AsyncConnection, *beds: str | None) -> None:
    """Neither bed shows a session as confirmed that somebody confirmed before the move."""
    await conn.execute(delete(bed_binding).where(bed_binding.c.bed_id.in_([b for b in beds if b])))


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "station": row.station,
        "bed_id": row.bed_id,
        "bed": row.bed,
        "ward_id": row.ward_id,
        "ward": row.ward,
        "enrolled_us": row.enrolled_us,
        "revoked_us": row.revoked_us,
        "last_seen_us": row.last_seen_us,
        "skew_ms": row.skew_ms,
        "software": row.software,
        "protocol": row.protocol,
        "speaks_otherwise": row.protocol not in (None, protocol.OURS),
        "queue": json.loads(row.queue) if row.queue else None,
    }
