"""A service put back from its backup, proved before anybody uses it."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from hemoview.cloud import audit, tables
from hemoview.cloud.custody import backup, damage, dump, erase, keybox
from hemoview.cloud.custody.backup import BLOBS, DATABASE, NOTE, Order
from hemoview.cloud.custody.blobstore import StoreAway, StoreFull
from hemoview.cloud.custody.dump import DUMP
from hemoview.cloud.custody.local import LocalBlobs
from hemoview.cloud.keys import public_bytes
from hemoview.cloud.service import Service, open_service
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError, SignatureWrong, StorageError, WireError
from recorder.session.files import make_folder, sync_folder
from recorder.sync import signing, wire
from recorder.sync.canonical import read_json

_SHOWN = 20


def restore(settings: Settings, order: Order) -> dict[str, Any]:
    """Put keys, database and blobs back; erase again what was erased; say what is wrong.

    Raises:
        ConfigError: no backup there, a service already here, or keys of another one.
        StorageError: the disk refuses.
    """
    note = _note_of(order)
    _check_kind(settings, order)
    if backup.is_file(settings) and settings.database_file.exists():
        raise ConfigError(
            f"{settings.folder}: holds a service already; move it away, or name another --folder"
        )
    content = keybox.read(order.keys, order.passphrase)
    if content["server_id"] != note["server_id"]:
        raise ConfigError(f"{order.keys}: are the keys of another service; check --keys")
    make_folder(settings.folder)
    backup.must_answer(settings)
    keybox.put_back(content, settings.keys, settings.tls)
    if backup.is_file(settings):
        _copy_back(order.folder / DATABASE, settings.database_file)
    else:
        dump.put_back(settings.database, order.folder / DUMP)
    try:
        return asyncio.run(_prove(settings, order))
    except StoreAway as error:
        _take_back(settings)
        raise StorageError(
            f"{error}; restore again when it does: what is there is not copied twice"
        ) from None
    except StoreFull as error:
        _take_back(settings)
        raise StorageError(f"{settings.folder}: {error}; make room, then restore again") from error
    except ConfigError:  # of a newer HemoView: a later try finds no half of a service
        _take_back(settings)
        raise


def _take_back(settings: Settings) -> None:
    if backup.is_file(settings):
        settings.database_file.unlink(missing_ok=True)
    else:
        dump.empty(settings.database)


def _copy_back(source: Path, target: Path) -> None:
    part = target.with_name(target.name + ".part")
    shutil.copyfile(source, part)
    part.chmod(0o600)
    part.replace(target)
    sync_folder(target.parent)


def _check_kind(settings: Settings, order: Order) -> None:
    wanted, other = (DATABASE, DUMP) if backup.is_file(settings) else (DUMP, DATABASE)
    if not (order.folder / wanted).is_file() and (order.folder / other).is_file():
        raise ConfigError(
            f"{order.folder}: holds {other}; "
            + (
                "database_url must name an empty PostgreSQL database"
                if other == DUMP
                else "it goes back without database_url"
            )
        )


def _note_of(order: Order) -> dict[str, Any]:
    try:
        note: dict[str, Any] = json.loads((order.folder / NOTE).read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{order.folder}: holds no finished backup; check --from") from error
    return note


async def _prove(settings: Settings, order: Order) -> dict[str, Any]:
    service = await open_service(settings)
    try:
        erased = await erase.apply_again(service)
        if (order.folder / BLOBS).is_dir():
            source = LocalBlobs(order.folder / BLOBS, reserve=0)
            await backup.copy(source, service.blobs, await _blobs(service))
        missing = await _missing(service)
        for sha256 in missing:
            await damage.found(service, sha256, "it is not in the backup")
        wrong = await _wrong_receipts(service)
        async with service.db.begin() as conn:
            verdict = await audit.verify(conn)
            now_us = service.now_us()
            await conn.execute(update(tables.login).values(ended_us=now_us))
            devices = select(tables.device.c.id).where(tables.device.c.revoked_us.is_(None))
            for device_id in (await conn.execute(devices)).scalars().all():
                await damage.ask_again(conn, now_us, device_id, wire.EVERY_SESSION)
            told = {"erased_again": erased, "missing": len(missing), "wrong_receipts": wrong}
            entry = audit.Entry(now_us, "service", "service.restore", "", audit.OK, "", json.dumps(told))
            await audit.append(conn, entry)
        return {
            "ok": not missing and not wrong and verdict.broken_at is None,
            "sessions": await _count(service),
            "erased_again": erased,
            "missing_blobs": missing[:_SHOWN],
            "missing": len(missing),
            "wrong_receipts": wrong,
            "audit_broken_at": verdict.broken_at,
            "remarks": [
                "everybody has to sign in again",
                "devices, accounts and roles that were revoked after the backup have to be revoked again",
                "bedsides are asked to send what came after the backup",
            ],
        }
    finally:
        await service.close()


async def _blobs(service: Service) -> dict[str, int]:
    blob = tables.blob
    async with service.db.read() as conn:
        return {row.sha256: row.bytes for row in await conn.execute(select(blob.c.sha256, blob.c.bytes))}


async def _missing(service: Service) -> list[str]:
    """Blobs that are not in the store, or not as long as they were."""
    return [sha for sha, size in (await _blobs(service)).items() if await service.blobs.size(sha) != size]


async def _wrong_receipts(service: Service) -> Sequence[str]:
    """``session/rev`` of receipts that do not verify, or are not of the manifest beside them."""
    public = public_bytes(service.keys.signing).hex()
    wrong = []
    async with service.db.read() as conn:
        for row in await conn.execute(select(tables.manifest)):
            try:
                receipt = wire.Receipt.from_json(read_json(row.receipt.encode()))
                signing.verify(public, signing.RECEIPT, receipt.to_json(), row.receipt_signature)
                if row.body and _hash(row.body) != receipt.manifest_sha256:
                    raise SignatureWrong("of another manifest")
            except WireError:
                wrong.append(f"{row.session_id}/{row.rev}")
    return wrong


def _hash(body: str) -> str:
    return signing.fingerprint(wire.Manifest.from_json(read_json(body.encode())))


async def _count(service: Service) -> int:
    async with service.db.read() as conn:
        return len((await conn.execute(select(tables.session.c.id))).all())
