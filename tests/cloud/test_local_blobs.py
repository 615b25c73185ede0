"""A blob's folder under a request that is cancelled in the middle of a write."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from hemoview.cloud.custody import local
from hemoview.cloud.custody.local import PIECE, LocalBlobs

CONTENT = bytes(2 * PIECE)


async def _chunks() -> AsyncIterator[bytes]:
    yield CONTENT


def test_nothing_is_dropped_while_a_thread_still_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on, told = threading.Event(), threading.Event(), []
    write, drop = local._Piece.write, local._Piece.drop

    def slow_write(piece: local._Piece, chunks: Sequence[bytes]) -> None:
        began.set()
        assert go_on.wait(10)
        write(piece, chunks)
        told.append("written")

    def noted_drop(piece: local._Piece) -> None:
        told.append("dropped")
        drop(piece)

    monkeypatch.setattr(local._Piece, "write", slow_write)
    monkeypatch.setattr(local._Piece, "drop", noted_drop)

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
