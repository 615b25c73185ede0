"""Blobs in a folder: ``ab/cd/<sha256>``.

obstore reads, lists and deletes; its ``put`` syncs nothing, so writing is done here: temporary file → fsync → rename →
fsync of the folder, as in :mod:`recorder.session.files`. A receipt promises that a power cut takes nothing.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore

from hemoview.cloud.custody.blobstore import NAME, StoreAway, Stored, key_of
from hemoview.cloud.custody.incoming import PIECE, RESERVE, Incoming, Piece
from recorder.session.files import make_folder, sync_folder

_INCOMING: Final = "incoming"


class LocalBlobs:
    """Adapter of :class:`~hemoview.cloud.custody.blobstore.BlobStore`.

    Args:
        folder: owner-only; made where it is missing.
        reserve: bytes of the disk that stay free.
    """

    def __init__(self, folder: Path, reserve: int = RESERVE) -> None:
        make_folder(folder)
        self._folder = folder
        self._incoming = Incoming(folder / _INCOMING, reserve)
        self._store = LocalStore(folder)
        self._lasting: set[Path] = set()

    @classmethod
    def at(cls, path: str) -> Self:
        """In the folder ``path``."""
        return cls(Path(path))

    async def put(self, sha256: str, size: int, chunks: AsyncIterator[bytes]) -> None:
        """See the port."""
        async with self._incoming.receive(sha256, size, chunks) as piece:
            await self._incoming.in_thread(self._keep, piece)

    def _keep(self, piece: Piece) -> None:
        piece.seal()
        place = self._folder / key_of(piece.sha256)
        for folder in (place.parent.parent, place.parent):
            if folder not in self._lasting:  # this process made its name durable before, or does now
                make_folder(folder)
                self._lasting.add(folder)
        piece.become(place)
        sync_folder(place.parent)

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """See the port."""
        try:
            found = await obstore.get_async(self._store, key_of(sha256))
            async for piece in found.stream(min_chunk_size=PIECE):
                yield bytes(piece)
        except FileNotFoundError:
            await self.check()
            raise
        except BaseError as error:
            raise OSError(errno.EIO, "the disk does not give it back") from error  # a bad sector, for one

    async def size(self, sha256: str) -> int | None:
        """See the port."""
        try:
            return int((await obstore.head_async(self._store, key_of(sha256)))["size"])
        except FileNotFoundError:
            await self.check()
            return None

    async def delete(self, ids: Sequence[str]) -> None:
        """See the port."""
        for sha256 in ids:
            with suppress(FileNotFoundError):
                await obstore.delete_async(self._store, key_of(sha256))

    async def walk(self) -> AsyncIterator[Stored]:
        """See the port."""
        async for page in obstore.list(self._store):
            for found in page:
                name = NAME.match(found["path"])
                if name and found["path"] == key_of(name[1]):
                    yield Stored(name[1], int(found["size"]))

    async def sweep(self) -> int:
        """See the port."""
        return self._incoming.sweep()

    async def check(self) -> None:
        """See the port. A disk that is no longer mounted takes the folder of bodies on their way with it."""
        if not (self._folder / _INCOMING).is_dir():
            raise StoreAway("the disk of blobs is not there")
