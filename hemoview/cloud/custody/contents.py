"""The files of a session as they were at the bedside: decrypted one at a time, never all in memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from hemoview.cloud import tables
from hemoview.cloud.custody import damage, manifests
from hemoview.cloud.custody.blobstore import StoreAway
from hemoview.cloud.problems import Problem, away
from hemoview.cloud.service import Service
from recorder.errors import WireError
from recorder.session.files import make_folder, write_synced
from recorder.sync import custody
from recorder.sync.canonical import read_json
from recorder.sync.wire import Manifest, TravellingFile

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Contents:
    """What is needed to read a session.

    Args:
        rev: of the manifest that is read.
        received_us: when that came, service's clock.
    """

    session_id: str
    rev: int
    received_us: int
    files: tuple[TravellingFile, ...]
    data_key: bytes = field(repr=False)


async def contents_of(service: Service, session_id: str) -> Contents:
    """Of the newest revision. The caller has checked who asks.

    Raises:
        Problem: 404 no revision, 410 erased, 503 damaged, 500 its key does not open.
    """
    session = tables.session
    async with service.db.read() as conn:
        query = select(session.c.state, session.c.wrapped_key).where(session.c.id == session_id)
        row = (await conn.execute(query)).first()
        last = await manifests.last_of(conn, session_id)
    if row is None:
        raise Problem(404, "there is no such session here for you")
    if row.state == "erased" or row.wrapped_key is None:
        raise Problem(410, "this session was erased; nobody can read it again")
    if last is None:
        raise Problem(404, "no revision of this session was committed yet")
    try:
        key = custody.unwrap(bytes(row.wrapped_key).hex(), session_id, service.keys.wrapping)
    except WireError as error:
        raise Problem(500, f"{error}; was the folder of keys put back from its backup?") from error
    manifest = await asyncio.to_thread(lambda: Manifest.from_json(read_json(last.body.encode())))
    return Contents(session_id, last.rev, last.received_us, manifest.files, key)


async def plain(service: Service, contents: Contents, file: TravellingFile) -> bytes:
    """One file, decrypted and compared with its manifest.

    Raises:
        Problem: 503, it is damaged, or the store is away.
    """
    try:
        pieces = [piece async for piece in service.blobs.read(file.blob_sha256)]
        return await asyncio.to_thread(_decrypt, contents, file, pieces)
    except StoreAway as error:
        log.error("%s was not read: %s", file.name, error)
        raise away() from None
    except (WireError, OSError) as error:
        await damage.found(service, file.blob_sha256, "it could not be read")
        raise Problem(503, f"{file.name} is damaged here; the bedside is asked for it again") from error


def _decrypt(contents: Contents, file: TravellingFile, pieces: list[bytes]) -> bytes:
    session_id, sha256 = contents.session_id, file.plain_sha256
    return custody.decrypt(contents.data_key, session_id, file.name, sha256, b"".join(pieces))


async def each(service: Service, contents: Contents) -> AsyncIterator[tuple[TravellingFile, bytes]]:
    """Every file in turn."""
    for file in contents.files:
        yield file, await plain(service, contents, file)


async def unpack(service: Service, session_id: str, folder: Path) -> Contents:
    """Write a session to ``folder``, owner-only, as ``recorder.session.open`` reads it.

    Raises:
        Problem: as :func:`contents_of` and :func:`plain`.
    """
    contents = await contents_of(service, session_id)
    await asyncio.to_thread(make_folder, folder)
    async for file, content in each(service, contents):
        await asyncio.to_thread(_write, folder / file.name, content)
    return contents


def _write(path: Path, content: bytes) -> None:
    make_folder(path.parent)
    write_synced(path, content)
