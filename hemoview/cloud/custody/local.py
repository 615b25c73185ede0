"""Blobs in a folder: ``ab/cd/<sha256>``.

obstore reads, lists and deletes; its ``put`` syncs nothing, so writing is done here: temporary file → fsync → rename →
fsync of the folder, as in :mod:`recorder.session.files`. A receipt promises that a power cut takes nothing.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore

from hemoview.cloud.custody.blobstore import Stored, StoreFull, WrongContent
from recorder.session.files import make_folder, sync_folder

PIECE: Final = 1 << 20
"""Bytes that are hashed and written at a time, in a thread: both let other Python code run meanwhile."""
RESERVE: Final = 256 << 20
"""Bytes of the disk that stay free, so that the database can still write down what was refused."""
WRITERS: Final = 16
"""Threads that write: they wait for the disk most of the time, and disks like to be asked for much at once."""
_INCOMING: Final = "incoming"
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
"""Windows would write line ends of its own."""
_NAME: Final = re.compile(r"(?:.*/)?([0-9a-f]{64})\Z")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LocalBlobs:
    """Adapter of :class:`~hemoview.cloud.custody.blobstore.BlobStore`.

    Args:
        folder: owner-only; made where it is missing.
        reserve: bytes of the disk that stay free.
    """

    def __init__(self, folder: Path, reserve: int = RESERVE) -> None:
        make_folder(folder)
        make_folder(folder / _INCOMING)
        self._folder, self._reserve = folder, reserve
        self._store = LocalStore(folder)
        self._lasting: set[Path] = set()
        self._booked = 0
        """Bytes of bodies on their way that are not on the disk yet."""
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="blobs")

    @classmethod
    def at(cls, path: str) -> Self:
        """In the folder ``path``."""
        return cls(Path(path))

    async def put(self, sha256: str, size: int, chunks: AsyncIterator[bytes]) -> None:
        """See the port."""
        try:
            with self._room_for(size) as room:
                piece = _Piece(self._folder / _INCOMING / f"{uuid4().hex}.part", sha256, size)
                try:
                    await self._fill(piece, chunks, room)
                except BaseException:
                    await self._in_thread(piece.drop)
                    raise
        except OSError as error:
            if error.errno in _FULL:
                raise StoreFull("the disk is full") from error
            raise

    @contextmanager
    def _room_for(self, size: int) -> Iterator[_Room]:
        """Book it: many bodies at once must not each be promised the same space.

        Raises:
            StoreFull: what is free is promised to others.
        """
        if shutil.disk_usage(self._folder).free < self._reserve + self._booked + size:
            raise StoreFull(f"the disk keeps its last {self._reserve >> 20} MiB for the database")
        room = _Room(size)
        self._booked += size
        try:
            yield room
        finally:
            self._booked -= room.left

    def _used(self, room: _Room, n_bytes: int) -> None:
        """So much of it is on the disk, and no longer free there."""
        n_bytes = min(n_bytes, room.left)
        room.left -= n_bytes
        self._booked -= n_bytes

    async def _fill(self, piece: _Piece, chunks: AsyncIterator[bytes], room: _Room) -> None:
        waiting: list[bytes] = []
        held = 0
        async for chunk in chunks:
            waiting.append(chunk)
            held += len(chunk)
            if held >= PIECE:
                await self._in_thread(piece.write, waiting)
                self._used(room, held)
                waiting, held = [], 0
        await self._in_thread(self._finish, piece, waiting)

    async def _in_thread(self, work: Callable[..., None], *arguments: object) -> None:
        """A request that is cancelled waits for the step it is in: a thread goes on, and a second one on the same file
        could close it under the first, or under whoever was given its number since.
        """
        step = asyncio.get_running_loop().run_in_executor(self._writers, work, *arguments)
        try:
            await asyncio.shield(step)
        except asyncio.CancelledError:
            while not step.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({step})
            step.exception()  # what it met no longer matters
            raise

    def _finish(self, piece: _Piece, rest: Sequence[bytes]) -> None:
        piece.write(rest)
        piece.seal()
        place = self._folder / _key(piece.sha256)
        for folder in (place.parent.parent, place.parent):
            if folder not in self._lasting:  # this process made its name durable before, or does now
                make_folder(folder)
                self._lasting.add(folder)
        piece.path.replace(place)
        sync_folder(place.parent)

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """See the port."""
        try:
            found = await obstore.get_async(self._store, _key(sha256))
            async for piece in found.stream(min_chunk_size=PIECE):
                yield bytes(piece)
        except BaseError as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise OSError(errno.EIO, "the disk does not give it back") from error  # a bad sector, for one

    async def size(self, sha256: str) -> int | None:
        """See the port."""
        try:
            return int((await obstore.head_async(self._store, _key(sha256)))["size"])
        except FileNotFoundError:
            return None

    async def delete(self, ids: Sequence[str]) -> None:
        """See the port."""
        for sha256 in ids:
            with suppress(FileNotFoundError):
                await obstore.delete_async(self._store, _key(sha256))

    async def walk(self) -> AsyncIterator[Stored]:
        """See the port."""
        async for page in obstore.list(self._store):
            for found in page:
                name = _NAME.match(found["path"])
                if name and found["path"] == _key(name[1]):
                    yield Stored(name[1], int(found["size"]))

    async def sweep(self) -> int:
        """See the port."""
        left = list((self._folder / _INCOMING).iterdir())
        for path in left:
            path.unlink()
        return len(left)


@dataclass(slots=True)
class _Room:
    """Booked bytes of one body that are not on the disk yet."""

    left: int


class _Piece:
    """One blob while it comes, in a temporary file. Its methods block: they run in threads, one at a time."""

    def __init__(self, path: Path, sha256: str, size: int) -> None:
        self.path, self.sha256 = path, sha256
        self._size = size
        self._hash = hashlib.sha256()
        self._got = 0
        self._fd = -1

    def write(self, chunks: Sequence[bytes]) -> None:
        """Hash and write."""
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        content = b"".join(chunks)
        self._got += len(content)
        if self._got > self._size:
            raise WrongContent(f"more than the {self._size} bytes that were announced")
        self._hash.update(content)
        left = memoryview(content)
        while left:
            left = left[os.write(self._fd, left) :]

    def seal(self) -> None:
        """Compare with what was announced; make the bytes durable."""
        if self._got != self._size:
            raise WrongContent(f"{self._got} bytes came; {self._size} were announced")
        if self._hash.hexdigest() != self.sha256:
            raise WrongContent(f"the content is {self._hash.hexdigest()}; send it again or by its own id")
        os.fsync(self._fd)
        self._close()

    def drop(self) -> None:
        """Leave nothing behind."""
        self._close()
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _key(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
