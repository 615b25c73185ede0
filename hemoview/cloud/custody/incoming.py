"""Bodies on their way: hashed and counted while they come, in temporary files of the service's own disk."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from uuid import uuid4

from hemoview.cloud.custody.blobstore import StoreFull, WrongContent
from recorder.session.files import make_folder

PIECE: Final = 1 << 20
"""Bytes that are hashed and written at a time, in a thread: both let other Python code run meanwhile."""
RESERVE: Final = 256 << 20
"""Bytes of the disk that stay free, so that the database can still write down what was refused."""
WRITERS: Final = 16
"""Threads that write: they wait for the disk most of the time, and disks like to be asked for much at once."""
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
"""Windows would write line ends of its own."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
T = TypeVar("T")


class Incoming:
    """The folder of them.

    Args:
        folder: owner-only; made where it is missing.
        reserve: bytes of the disk that stay free.
    """

    def __init__(self, folder: Path, reserve: int = RESERVE) -> None:
        make_folder(folder)
        self._folder, self._reserve = folder, reserve
        self._booked = 0
        """Bytes of bodies on their way that are not on the disk yet."""
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="blobs")

    @asynccontextmanager
    async def receive(self, sha256: str, size: int, chunks: AsyncIterator[bytes]) -> AsyncIterator[Piece]:
        """All of a body, neither compared nor durable yet: the caller says with what :class:`Piece` can do.

        What of it is still here afterwards is removed.

        Raises:
            WrongContent: more than was announced.
            StoreFull: no space, here or in what the caller does with it.
        """
        try:
            with self._room_for(size) as room:
                piece = Piece(self._folder / f"{uuid4().hex}.part", sha256, size)
                try:
                    await self._fill(piece, chunks, room)
                    yield piece
                finally:
                    if piece.is_here:
                        await self.in_thread(piece.drop)
        except OSError as error:
            if error.errno in _FULL:
                raise StoreFull("the disk is full") from error
            raise

    def sweep(self) -> int:
        """Remove what an earlier life left; how many pieces."""
        left = list(self._folder.iterdir())
        for path in left:
            path.unlink()
        return len(left)

    async def in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """A request that is cancelled waits for the step it is in: a thread goes on, and a second one on the same file
        could close it under the first, or under whoever was given its number since.
        """
        step = asyncio.get_running_loop().run_in_executor(self._writers, work, *arguments)
        try:
            return await asyncio.shield(step)
        except asyncio.CancelledError:
            while not step.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({step})
            step.exception()  # what it met no longer matters
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

    async def _fill(self, piece: Piece, chunks: AsyncIterator[bytes], room: _Room) -> None:
        waiting: list[bytes] = []
        held = 0
        async for chunk in chunks:
            waiting.append(chunk)
            held += len(chunk)
            if held >= PIECE:
                await self.in_thread(piece.write, waiting)
                self._used(room, held)
                waiting, held = [], 0
        piece.rest = waiting


@dataclass(slots=True)
class _Room:
    """Booked bytes of one body that are not on the disk yet."""

    left: int


class Piece:
    """One blob while it comes, in a temporary file but for its end. Methods block: in threads, one at a time.

    Args:
        path: of the file, made with the first :data:`PIECE`; a smaller blob needs none.
        sha256, size: announced.
    """

    def __init__(self, path: Path, sha256: str, size: int) -> None:
        self.path, self.sha256 = path, sha256
        self.rest: Sequence[bytes] = ()
        """What came and is not hashed yet."""
        self._size = size
        self._hash = hashlib.sha256()
        self._got = 0
        self._fd = -1
        self._is_made = False

    @property
    def is_here(self) -> bool:
        """Its file is, where it was left."""
        return self._is_made

    def write(self, chunks: Sequence[bytes]) -> None:
        """Hash and write.

        Raises:
            WrongContent: more than was announced.
        """
        content = self._hashed(chunks)
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
            self._is_made = True
        left = memoryview(content)
        while left:
            left = left[os.write(self._fd, left) :]

    def seal(self) -> None:
        """Compare, and make the bytes durable.

        Raises:
            WrongContent: it is not what was announced.
        """
        self.write(self.rest)
        self._compare()
        os.fsync(self._fd)
        self._close()

    def become(self, place: Path) -> None:
        """Rename it; after :meth:`seal`. Its new name is not durable yet."""
        self.path.replace(place)
        self._is_made = False

    def compare(self) -> None:
        """Hash its end too, and compare.

        Raises:
            WrongContent: it is not what was announced.
        """
        if self._is_made:
            self.write(self.rest)
            self.rest = ()
        else:
            self.rest = (self._hashed(self.rest),)
        self._compare()

    def content(self) -> bytes:
        """All of it; after :meth:`compare`."""
        return self.path.read_bytes() if self._is_made else b"".join(self.rest)

    def drop(self) -> None:
        """Leave nothing behind."""
        self._close()
        self.path.unlink(missing_ok=True)
        self._is_made = False

    def _hashed(self, chunks: Sequence[bytes]) -> bytes:
        content = b"".join(chunks)
        self._got += len(content)
        if self._got > self._size:
            raise WrongContent(f"more than the {self._size} bytes that were announced")
        self._hash.update(content)
        return content

    def _compare(self) -> None:
        if self._got != self._size:
            raise WrongContent(f"{self._got} bytes came; {self._size} were announced")
        if self._hash.hexdigest() != self.sha256:
            raise WrongContent(f"the content is {self._hash.hexdigest()}; send it again or by its own id")

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
