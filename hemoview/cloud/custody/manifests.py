"""A signed manifest becomes a signed receipt: the service says that it holds all of a revision."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.custody.opening import not_yours, subject_of
from hemoview.cloud.principals import Principal
from hemoview.cloud.problems import Problem
from recorder.sync import signing, wire
from recorder.sync.canonical import as_bytes, read_json
from recorder.sync.wire import Manifest, Receipt, SignedManifest, SignedReceipt, TravellingFile

_AT_ONCE: Final = 500
_SHOWN_MISSING: Final = wire.QUERY_IDS_MAX


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who gives the receipt."""

    server_id: str
    key: Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Checked:
    """A manifest whose signature is its device's, with its canonical JSON and the SHA-256 of that."""

    signed: SignedManifest
    body: str
    sha256: str


def check(public_key: str, signed: SignedManifest) -> Checked:
    """Verify the signature. Takes its time with a manifest of a day: for a thread.

    Raises:
        SignatureWrong: forged, or changed.
    """
    signing.verify_manifest(public_key, signed)
    body = as_bytes(signed.manifest)
    return Checked(signed, body.decode(), hashlib.sha256(body).hexdigest())


async def device_key(conn: AsyncConnection, device_id: str) -> str:
    """Public key of a device, hexadecimal."""
    query = select(tables.device.c.public_key).where(tables.device.c.id == device_id)
    return bytes((await conn.execute(query)).scalar_one()).hex()


async def accept(
    conn: AsyncConnection,
    now_us: int,
    who: Principal,
    checked: Checked,
    issuer: Issuer,
) -> tuple[SignedReceipt, bool]:
    """Compare a manifest with what is here and keep it; the receipt, and whether it is new.

    Raises:
        Problem: 404 another device's session, 409 blobs missing or a revision taken, 410 erased.
    """
    manifest, sha256 = checked.signed.manifest, checked.sha256
    await _must_be_open(conn, who, manifest.session_id)
    last = await last_of(conn, manifest.session_id)
    if last is not None and manifest.rev <= last.rev:
        again = await _revision(conn, manifest.session_id, manifest.rev)
        if again is not None and again.sha256 == sha256:
            return receipt_of(again), False
    _must_follow(manifest, last)
    known = await _files(conn, manifest.session_id)
    _must_keep_segments(manifest, known)
    await _must_be_here(conn, who, manifest, set(known.values()))
    receipt = Receipt(
        server_id=issuer.server_id,
        session_id=manifest.session_id,
        rev=manifest.rev,
        manifest_sha256=sha256,
        files=len(manifest.files),
        bytes=sum(f.blob_bytes for f in manifest.files),
        received_us=now_us,
    )
    given = signing.sign_receipt(issuer.key, receipt)
    await _keep(conn, checked, given, [f for f in manifest.files if known.get(f.name) != f.blob_sha256])
    return given, True


def receipt_of(row: Row[Any]) -> SignedReceipt:
    """The receipt that was given for a revision."""
    return SignedReceipt(Receipt.from_json(read_json(row.receipt.encode())), row.receipt_signature)


async def last_of(conn: AsyncConnection, session_id: str) -> Row[Any] | None:
    """The newest revision of a session."""
    manifest = tables.manifest
    query = (
        select(manifest).where(manifest.c.session_id == session_id).order_by(manifest.c.rev.desc()).limit(1)
    )
    return (await conn.execute(query)).first()


async def _revision(conn: AsyncConnection, session_id: str, rev: int) -> Row[Any] | None:
    manifest = tables.manifest
    query = select(manifest).where(manifest.c.session_id == session_id, manifest.c.rev == rev)
    return (await conn.execute(query)).first()


async def _must_be_open(conn: AsyncConnection, who: Principal, session_id: str) -> None:
    session = tables.session
    query = select(session.c.device_id, session.c.state).where(session.c.id == session_id)
    row = (await conn.execute(query)).first()
    if row is None or row.device_id != who.id:
        raise not_yours()
    if row.state == "erased":
        raise _erased()


def _erased() -> Problem:
    return Problem(410, "this session was erased here", type=wire.SESSION_ERASED)


def _must_follow(manifest: Manifest, last: Row[Any] | None) -> None:
    wanted = (1, "") if last is None else (last.rev + 1, last.sha256)
    if (manifest.rev, manifest.prev_sha256) == wanted:
        return
    if last is None:
        raise Problem(409, f"revision {manifest.rev} came, and none before it is here; begin with 1")
    why = f"revision {last.rev} is the last one here; the next is {last.rev + 1} and names the hash of it"
    raise Problem(409, why, type=wire.REVISION_TAKEN, rev=last.rev, manifest_sha256=last.sha256)


async def _files(conn: AsyncConnection, session_id: str) -> dict[str, str]:
    """Name → blob of every file as of the newest revision that named it."""
    file = tables.session_file
    query = (
        select(file.c.name, file.c.blob_sha256).where(file.c.session_id == session_id).order_by(file.c.rev)
    )
    return {row.name: row.blob_sha256 for row in await conn.execute(query)}


def _must_keep_segments(manifest: Manifest, known: dict[str, str]) -> None:
    now = {f.name: f.blob_sha256 for f in manifest.files}
    for name, sha256 in known.items():
        if wire.kind_of(name) == "segment" and now.get(name) != sha256:
            what = "changes" if name in now else "drops"
            raise Problem(409, f"this revision {what} {name}; a segment that was handed over stays as it is")


async def _must_be_here(conn: AsyncConnection, who: Principal, manifest: Manifest, kept: set[str]) -> None:
    """Every blob lies here, whole and as long as said, from this device or kept for this session before."""
    blob = tables.blob
    wanted = {f.blob_sha256: f for f in manifest.files}
    ids = list(wanted)
    here: dict[str, int] = {}
    for at in range(0, len(ids), _AT_ONCE):
        query = select(blob.c.sha256, blob.c.bytes, blob.c.device_id).where(
            blob.c.sha256.in_(ids[at : at + _AT_ONCE]), tables.blob_is_whole()
        )
        for row in await conn.execute(query):
            if row.device_id == who.id or row.sha256 in kept:
                here[row.sha256] = row.bytes
    missing = [sha256 for sha256 in ids if sha256 not in here]
    if missing:
        why = f"{len(missing)} of {len(ids)} blobs are not here; send them first"
        raise Problem(409, why, type=wire.MISSING_BLOBS, missing=missing[:_SHOWN_MISSING])
    for sha256, file in wanted.items():
        if here[sha256] != file.blob_bytes:
            raise Problem(422, f"{file.name} has {here[sha256]} bytes here, not {file.blob_bytes}")


async def _keep(
    conn: AsyncConnection, checked: Checked, given: SignedReceipt, changed: Sequence[TravellingFile]
) -> None:
    manifest, receipt = checked.signed.manifest, given.receipt
    await conn.execute(
        insert(tables.manifest).values(
            session_id=manifest.session_id,
            rev=manifest.rev,
            sha256=receipt.manifest_sha256,
            body=checked.body,
            device_signature=checked.signed.signature,
            receipt=as_bytes(receipt).decode(),
            receipt_signature=given.signature,
            received_us=receipt.received_us,
        )
    )
    rows = [
        {
            "session_id": manifest.session_id,
            "rev": manifest.rev,
            "name": f.name,
            "kind": f.kind,
            "blob_sha256": f.blob_sha256,
        }
        for f in changed
    ]
    if rows:
        await conn.execute(insert(tables.session_file), rows)
    session = tables.session
    kept = await conn.execute(
        update(session)
        .where(session.c.id == manifest.session_id, session.c.state != "erased")
        .values(
            state=manifest.state,
            hidden=manifest.about.hidden,
            subject_id=await subject_of(conn, manifest.about.pseudonym),
        )
    )
    if not kept.rowcount:  # where transactions run side by side, an erasure may have come in between
        raise _erased()
