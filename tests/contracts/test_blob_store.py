"""The contract of every blob store: what was promised is there, what was refused is not."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import obstore
import pytest

from hemoview.cloud.custody.blobstore import BlobStore, Stored, WrongContent, key_of
from hemoview.cloud.custody.s3 import S3Blobs
from hemoview.cloud.custody.stores import open_store
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError
from recorder.sync import wire

CEPH = os.environ.get("HEMOVIEW_TEST_CEPH", "")


def _on_ceph(folder: Path) -> BlobStore:
    settings = Settings.read(Path(CEPH), {"folder": folder})
    return open_store(f"{settings.blobs_url}/{uuid4()}", settings.blobs_access, settings.spool)


STORES: dict[str, Callable[[Path], BlobStore]] = {
    "file": lambda folder: open_store((folder / "blobs").as_uri())
} | ({"ceph": _on_ceph} if CEPH else {})
"""Kind → an empty one."""


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return STORES[request.param](tmp_path)


Damage = Callable[[str, bytes], None]


@pytest.fixture
def damage(store: BlobStore, tmp_path: Path) -> Damage:
    """Other bytes under a blob's name, by somebody who may do that."""

    def write(name: str, content: bytes) -> None:
        key = key_of(name) if len(name) == 64 else name
        if isinstance(store, S3Blobs):
            obstore.put(store._store, key, content, use_multipart=False)
        else:
            (tmp_path / "blobs" / key).write_bytes(content)

    return write


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def pieces(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def whole(store: BlobStore, sha256: str) -> bytes:
    return b"".join([piece async for piece in store.read(sha256)])


async def inside(store: BlobStore) -> set[Stored]:
    return {stored async for stored in store.walk()}


@pytest.mark.parametrize("size", [0, 1, 65_536, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_what_was_put_comes_back(store: BlobStore, size: int) -> None:
    content = os.urandom(size)

    async def run() -> None:
        assert await store.size(sha(content)) is None
        await store.put(sha(content), size, pieces(content))
        assert await store.size(sha(content)) == size
        assert await whole(store, sha(content)) == content
        await store.put(sha(content), size, pieces(content))
        assert await inside(store) == {Stored(sha(content), size)}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("announced", "content", "why"),
    [
        (3, b"abcd", "more"),
        (5, b"abcd", "4 bytes came"),
        (4, b"abce", "content is"),
        (2 << 20, b"", "0 bytes"),
    ],
)
def test_what_is_not_what_was_announced_leaves_nothing(
    store: BlobStore, announced: int, content: bytes, why: str
) -> None:
    async def run() -> None:
        with pytest.raises(WrongContent, match=why):
            await store.put(sha(b"abcd"), announced, pieces(content))
        assert await inside(store) == set()
        assert await store.sweep() == 0

    asyncio.run(run())


def test_a_sender_that_goes_away_leaves_nothing(store: BlobStore) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield b"x" * (3 << 20)
        raise ConnectionError

    async def run() -> None:
        with pytest.raises(ConnectionError):
            await store.put(sha(b"y"), 4 << 20, breaks())
        assert await inside(store) == set()
        assert await store.sweep() == 0

    asyncio.run(run())


def test_deleting_takes_what_is_there_and_passes_over_the_rest(store: BlobStore) -> None:
    async def run() -> None:
        for content in (b"a", b"b"):
            await store.put(sha(content), 1, pieces(content))
        await store.delete([sha(b"never"), sha(b"a")])
        assert await inside(store) == {Stored(sha(b"b"), 1)}
        with pytest.raises(FileNotFoundError):
            await whole(store, sha(b"a"))

    asyncio.run(run())


def test_the_same_blob_from_two_senders_at_once_is_there_once(store: BlobStore) -> None:
    content = os.urandom(2 << 20)

    async def run() -> None:
        await asyncio.gather(*(store.put(sha(content), len(content), pieces(content)) for _ in range(4)))
        assert await inside(store) == {Stored(sha(content), len(content))}
        assert await whole(store, sha(content)) == content

    asyncio.run(run())


def test_what_lies_there_damaged_is_mended_by_bringing_it_again(store: BlobStore, damage: Damage) -> None:
    """The same name and length, and other bytes: a look at both would leave it so."""
    content = os.urandom(1000)

    async def run() -> None:
        await store.put(sha(content), 1000, pieces(content))
        await asyncio.to_thread(damage, sha(content), bytes(1000))
        assert await whole(store, sha(content)) == bytes(1000)
        await store.put(sha(content), 1000, pieces(content))
        assert await whole(store, sha(content)) == content

    asyncio.run(run())


def test_more_than_one_page_is_listed_and_deleted(store: BlobStore) -> None:
    contents = [b"%d" % n for n in range(1100)]

    async def put(content: bytes) -> None:
        await store.put(sha(content), len(content), pieces(content))

    async def run() -> None:
        for at in range(0, len(contents), 20):
            await asyncio.gather(*map(put, contents[at : at + 20]))
        assert {one.sha256 for one in await inside(store)} == set(map(sha, contents))
        await store.delete(list(map(sha, contents)))
        assert await inside(store) == set()

    asyncio.run(run())


def test_more_at_once_than_there_is_room_for_waits_its_turn(store: BlobStore) -> None:
    """The largest blobs, more of them than are held in memory."""
    largest = [bytes([n]) * wire.BLOB_BYTES_MAX for n in range(5)]

    async def run() -> None:
        await asyncio.gather(*(store.put(sha(one), len(one), pieces(one, 1 << 20)) for one in largest))
        assert await inside(store) == {Stored(sha(one), len(one)) for one in largest}
        assert await whole(store, sha(largest[0])) == largest[0]
        await store.delete(list(map(sha, largest)))

    asyncio.run(run())


def test_what_is_not_a_blob_is_passed_over(store: BlobStore, damage: Damage) -> None:
    """Somebody else's file between ours."""

    async def run() -> None:
        await asyncio.to_thread(damage, "notes.txt", b"not ours")
        assert await inside(store) == set()

    asyncio.run(run())


def test_one_that_is_there_says_so(store: BlobStore) -> None:
    asyncio.run(store.check())


def test_a_kind_of_store_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="ftp"):
        open_store("ftp://there")
