"""Backup and restore of the service: database, blobs, and the keys apart (safety rule 21).

A backup is a folder: ``service.sqlite`` or, of PostgreSQL, ``service.pgdump``; ``backup.json``; ``blobs/`` where they
are copied too. Blobs never change, so a second backup into one folder copies only new ones; without a copy the backup
of the blob folder itself is meant, or what an S3 store keeps by versioning or replication.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hemoview.cloud import audit
from hemoview.cloud.custody import dump, keybox
from hemoview.cloud.custody.blobstore import BlobStore, StoreAway, StoreFull, WrongContent
from hemoview.cloud.custody.local import LocalBlobs
from hemoview.cloud.custody.stores import open_blobs
from hemoview.cloud.database import Database
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError, StorageError
from recorder.session.files import make_folder, sync_folder, write_whole

DATABASE: Final = "service.sqlite"
_FACTS: Final = {
    "server_id": "SELECT value FROM fact WHERE name = 'server_id'",
    "sessions": "SELECT count(*) FROM session",
    "audit_entries": "SELECT count(*) FROM audit",
    "audit_head": f"SELECT coalesce((SELECT hash FROM audit ORDER BY no DESC LIMIT 1), '{audit.START}')",
}
_LIST: Final = "SELECT sha256, bytes FROM blob WHERE damaged_us IS NULL AND removing_us IS NULL"
NOTE: Final = "backup.json"
BLOBS: Final = "blobs"
NOT_COPIED: Final = (
    "blobs were not copied: the copy of them is what their store keeps by itself (versioning of the bucket with a "
    "lifecycle that outlives your backups, or replication to another site); without that give --copy-blobs"
)


@dataclass(frozen=True, slots=True)
class Order:
    """Where a backup goes, or comes from.

    Args:
        folder: of the backup.
        keys: file of the keys; not in ``folder``.
        passphrase: locks that file; None: it is only owner-only.
        copy_blobs: blobs too, into the folder.
    """

    folder: Path
    keys: Path
    passphrase: str | None = None
    copy_blobs: bool = False

    def check(self) -> None:
        """Refuse keys beside the database.

        Raises:
            ConfigError: says why.
        """
        if self.folder.resolve() in self.keys.resolve().parents:
            raise ConfigError(
                f"{self.keys}: lies in the backup's own folder; who finds one must not find both"
            )


def back_up(settings: Settings, order: Order) -> dict[str, Any]:
    """Write a backup; the service may run meanwhile. Keys come last, so that their list knows every erasure in it.

    Raises:
        ConfigError: no service there.
        StorageError: the disk refuses.
    """
    order.check()
    if is_file(settings) and not settings.database_file.is_file():
        raise ConfigError(f"{settings.folder}: holds no service; name another --folder or --config")
    if order.copy_blobs:
        must_answer(settings)
    try:
        make_folder(order.folder)
        facts, blobs = (
            _copy_database(settings.database_file, order.folder / DATABASE)
            if is_file(settings)
            else dump.dump(settings.database, order.folder / dump.DUMP, _FACTS, _LIST)
        )
        damaged = asyncio.run(_copy_blobs(settings, order, blobs)) if order.copy_blobs else []
        note = facts | {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "blobs": len(blobs),
            "blob_bytes": sum(blobs.values()),
            "blobs_copied": order.copy_blobs,
            "damaged": damaged,
        }
        write_whole(order.folder / NOTE, (json.dumps(note, indent=1) + "\n").encode())
        keybox.write(order.keys, settings.keys, settings.tls, facts["server_id"], order.passphrase)
    except StoreAway as error:
        raise StorageError(
            f"{error}; back up again when it does: what was copied is not copied twice"
        ) from None
    except StoreFull as error:
        raise StorageError(f"{order.folder}: {error}; nothing of an earlier backup there is lost") from error
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"{order.folder}: cannot be written ({error}); name another --to") from error
    asyncio.run(_note(settings, "service.backup", {"blobs": len(blobs), "copied": order.copy_blobs}))
    told = {"ok": not damaged, "folder": str(order.folder), "keys": str(order.keys), **note}
    return told if order.copy_blobs or not is_elsewhere(settings) else told | {"remarks": [NOT_COPIED]}


def must_answer(settings: Settings) -> None:
    """The store of blobs, before a long work begins.

    Raises:
        ConfigError: it has no such bucket, or does not take us.
        StorageError: it does not answer.
    """
    try:
        asyncio.run(open_blobs(settings).check())
    except StoreAway as error:
        raise StorageError(f"{error}; nothing was changed, try again when it does") from None


def is_elsewhere(settings: Settings) -> bool:
    """Blobs lie in a store of their own."""
    return not settings.blobs.startswith("file:")


def is_file(settings: Settings) -> bool:
    """The database is a file of this machine, not a server's."""
    return settings.database.startswith("sqlite")


def _copy_database(source: Path, target: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """One consistent state of the database, checked; facts and blobs of it."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(part)) as copy,
    ):
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise StorageError(f"{source}: is damaged ({verdict}); keep the earlier backup")
        facts = {name: copy.execute(query).fetchone()[0] for name, query in _FACTS.items()}
        blobs = dict(copy.execute(_LIST).fetchall())
    part.chmod(0o600)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)
    sync_folder(target.parent)
    return facts, blobs


async def _copy_blobs(settings: Settings, order: Order, blobs: dict[str, int]) -> list[str]:
    """Copy what is not there yet; ids of those that cannot be read whole. What was erased since is taken away."""
    target = LocalBlobs(order.folder / BLOBS, reserve=0)
    await target.sweep()
    await target.delete([stored.sha256 async for stored in target.walk() if stored.sha256 not in blobs])
    return await copy(open_blobs(settings), target, blobs)


async def copy(source: BlobStore, target: BlobStore, blobs: dict[str, int]) -> list[str]:
    """Copy blobs from store to store, hashing on the way; ids of those that are damaged or gone at the source.

    Raises:
        StoreFull: no space at the target.
    """
    damaged = []
    for sha256, size in blobs.items():
        if await target.size(sha256) == size:
            continue
        try:
            await target.put(sha256, size, source.read(sha256))
        except (WrongContent, FileNotFoundError):
            damaged.append(sha256)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            damaged.append(sha256)  # a bad sector here must not cost the backup of all the others
    return damaged


async def _note(settings: Settings, action: str, told: dict[str, Any]) -> None:
    db = Database(settings.database)
    try:
        async with db.begin() as conn:
            now_us = time.time_ns() // 1000
            entry = audit.Entry(now_us, "service", action, "", audit.OK, "", json.dumps(told))
            await audit.append(conn, entry)
    finally:
        await db.close()
