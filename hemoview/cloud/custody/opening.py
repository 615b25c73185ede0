"""A bedside announces a session. The announcement is kept as it was said first; the same again changes nothing."""

from __future__ import annotations

import hashlib
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.keys import KeyStore
from hemoview.cloud.principals import Principal
from hemoview.cloud.problems import Problem
from recorder.errors import WireError
from recorder.sync import custody, wire
from recorder.sync.canonical import as_bytes, canonical
from recorder.sync.wire import SessionOpening

_APART: Final = ("pseudonym", "wrapped_key")
"""What is kept in columns of its own, so that erasing it is one statement."""


def check(opening: SessionOpening, session_id: str, keys: KeyStore, *, production: bool) -> None:
    """Refuse what this service must not keep, or could never open.

    Raises:
        Problem: 422 or 403.
    """
    if opening.session_id != session_id:
        raise Problem(422, "the body announces another session than the address")
    if production and (opening.simulated or opening.training):
        kind = "simulated" if opening.simulated else "training-mode"
        why = f"a {kind} session does not belong into a production service"
        raise Problem(403, why, type=wire.PRODUCTION_ONLY)
    if "upload" not in opening.scopes:
        raise Problem(403, "the consent of this session does not allow uploading it")
    if opening.wrapping_key_id != keys.wrapping_id:
        raise Problem(422, "its data key was wrapped for another key than this service's; ask /v1/hello")
    try:
        custody.unwrap(opening.wrapped_key, session_id, keys.wrapping)
    except WireError as error:
        raise Problem(422, f"its data key cannot be opened here: {error}") from error


async def keep(conn: AsyncConnection, now_us: int, who: Principal, opening: SessionOpening) -> bool:
    """Write it down; whether it is new.

    Raises:
        Problem: 404 another device's, 409 announced otherwise before, 410 erased.
    """
    sha256 = hashlib.sha256(as_bytes(opening)).hexdigest()
    erased = select(tables.erasure.c.at_us).where(tables.erasure.c.session_id == opening.session_id)
    if (await conn.execute(erased)).first():
        raise Problem(410, "this session was erased here", type=wire.SESSION_ERASED)
    known = (await conn.execute(_known(opening.session_id))).first()
    if known is None:
        await _insert(conn, now_us, who, opening, sha256)
        return True
    if known.opening_sha256 == sha256 and known.device_id != who.id and known.revoked_us is not None:
        await _pass_on(conn, opening.session_id, known.device_id, who.id)
    elif known.device_id != who.id:
        raise not_yours()
    elif known.opening_sha256 != sha256:
        why = "this session was announced before, and not like this; it is kept as first said"
        raise Problem(409, why, type=wire.OPENING_DIFFERS)
    return False


def not_yours() -> Problem:
    """What a device is told about sessions of others: that they do not exist."""
    return Problem(404, "there is no such session of this device here")


async def subject_of(conn: AsyncConnection, pseudonym: str) -> str:
    """Id of the subject with this pseudonym, made where it is new."""
    subject = tables.subject
    found = (await conn.execute(select(subject.c.id).where(subject.c.pseudonym == pseudonym))).scalar()
    if found is None:
        found = str(uuid4())
        await conn.execute(insert(subject).values(id=found, pseudonym=pseudonym))
    return found


def _known(session_id: str) -> Any:
    session, device = tables.session, tables.device
    columns = (session.c.device_id, session.c.opening_sha256, device.c.revoked_us)
    return select(*columns).join(device, device.c.id == session.c.device_id).where(session.c.id == session_id)


async def _insert(
    conn: AsyncConnection, now_us: int, who: Principal, opening: SessionOpening, sha256: str
) -> None:
    told = {name: value for name, value in opening.to_json().items() if name not in _APART}
    await conn.execute(
        insert(tables.session).values(
            id=opening.session_id,
            device_id=who.id,
            ward_id=who.ward_id,
            bed_id=who.bed_id,
            subject_id=await subject_of(conn, opening.pseudonym),
            created_us=opening.created_us,
            received_us=now_us,
            state="open",
            simulated=opening.simulated,
            training=opening.training,
            hidden=opening.hidden,
            opening=canonical(told).decode(),
            opening_sha256=sha256,
            wrapped_key=bytes.fromhex(opening.wrapped_key),
            wrapping_key_id=opening.wrapping_key_id,
        )
    )


async def _pass_on(conn: AsyncConnection, session_id: str, before: str, after: str) -> None:
    """A station that was enrolled anew goes on with its sessions: it alone knows the key as it was wrapped."""
    session, file, blob = tables.session, tables.session_file, tables.blob
    await conn.execute(update(session).where(session.c.id == session_id).values(device_id=after))
    its = select(file.c.blob_sha256).where(file.c.session_id == session_id)
    await conn.execute(
        update(blob).where(blob.c.device_id == before, blob.c.sha256.in_(its)).values(device_id=after)
    )
