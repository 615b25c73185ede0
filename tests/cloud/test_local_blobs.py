"""A blob's folder under a request that is cancelled in the middle of a write."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from hemoview.cloud.custody import incoming
from hemoview.cloud.custody.blobstore import StoreFull
from hemoview.cloud.custody.incoming import PIECE
from hemoview.cloud.custody.local import LocalBlobs

CONTENT = bytes(2 * PIECE)


async def _chunks() -> AsyncIterator[bytes]:
    yield CONTENT


def test_nothing_is_dropped_while_a_thread_still_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on, told = threading.Event(), threading.Event(), []
    write, drop = incoming.Piece.write, incoming.Piece.drop

    def slow_write(piece: incoming.Piece, chunks: Sequence[bytes]) -> None:
        began.set()
        assert go_on.wait(60)
        write(piece, chunks)
        told.append("written")

    def noted_drop(piece: incoming.Piece) -> None:
        told.append("dropped")
        drop(piece)

    monkeypatch.setattr(incoming.Piece, "write", slow_write)
    monkeypatch.setattr(incoming.Piece, "drop", noted_drop)

    async def cancelled() -> None:
        blobs = LocalBlobs(tmp_path, reserve=0)
        put = asyncio.create_task(blobs.put(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), _chunks()))
        await asyncio.to_thread(began.wait, 10)
        put.cancel()
        await asyncio.sleep(0.05)
        put.cancel()  # whoever is impatient asks twice
        await asyncio.sleep(0.05)
        assert told == []
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await put
        assert told == ["written", "dropped"]

    asyncio.run(cancelled())
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_bodies_at_the_same_time_are_not_promised_the_same_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk has room for one of them beyond its reserve, and nothing of the first is on it yet."""
    size, reserve = len(CONTENT), 1000
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(incoming.shutil, "disk_usage", lambda _: usage._replace(free=reserve + size + 10))

    async def both() -> None:
        blobs, go_on = LocalBlobs(tmp_path, reserve), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            await go_on.wait()
            yield CONTENT

        sha256 = hashlib.sha256(CONTENT).hexdigest()
        first = asyncio.create_task(blobs.put(sha256, size, slow()))
        await asyncio.sleep(0)
        with pytest.raises(StoreFull):
            await blobs.put(sha256, size, _chunks())
        go_on.set()
        await first
        await blobs.put(sha256, size, _chunks())  # what the first had booked is given back

        async def cut() -> AsyncIterator[bytes]:
            yield CONTENT[: PIECE + 5]
            raise ConnectionError

        for _ in range(3):
            with pytest.raises(ConnectionError):
                await blobs.put(sha256, size, cut())
        await blobs.put(sha256, size, _chunks())

    asyncio.run(both())
