"""Rows of many uploads in one commit: all are told, of success and of failure."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.custody import ledger, removal
from hemoview.cloud.custody.blobstore import StoreAway
from hemoview.cloud.custody.ledger import Arrived, Ledger, Removed
from hemoview.cloud.database import Database
from hemoview.cloud.service import Service
from hemoview.cloud.tables import blob, blob_is_whole, device


async def there(_: str) -> int | None:
    return 7


async def opened(folder: Path) -> Database:
    db = Database(f"sqlite+aiosqlite:///{folder / 'l.sqlite'}")
    await db.upgrade()
    async with db.begin() as conn:
        for name in ("one", "two"):
            values = {
                "id": name,
                "name": name,
                "station": name,
                "public_key": name.encode(),
                "enrolled_us": 1,
            }
            await conn.execute(insert(device).values(values))
    return db


def test_many_that_wait_go_together_and_each_is_told_whether_it_is_new(tmp_path: Path) -> None:
    async def run() -> None:
        db = await opened(tmp_path)
        ledger = Ledger(db, there)
        commits = 0
        commit = ledger._commit

        async def counted(batch: Any) -> None:
            nonlocal commits
            commits += 1
            await asyncio.sleep(0.02)
            await commit(batch)

        ledger._commit = counted  # type: ignore[method-assign]
        ids = [f"{n:064x}" for n in range(100)]
        new = await asyncio.gather(*(ledger.add(Arrived(i, 7, "one", 1, -1)) for i in ids))
        assert all(new)
        assert commits <= 3
        again = await asyncio.gather(*(ledger.add(Arrived(i, 7, "two", 2, -1)) for i in ids))
        assert not any(again)
        async with db.read() as conn:
            assert (await conn.execute(select(func.count()).select_from(blob))).scalar_one() == 100
        assert await ledger.known(ids, "two") == set(ids)
        assert await ledger.known(ids, "one") == set()
        await db.close()

    asyncio.run(run())


def test_a_commit_that_fails_is_told_to_all_of_it_and_the_next_goes_on(tmp_path: Path) -> None:
    async def run() -> None:
        db = await opened(tmp_path)
        ledger = Ledger(db, there)
        good = [ledger.add(Arrived(f"{n:064x}", 7, "nobody", 1, -1)) for n in range(5)]
        results: list[Any] = await asyncio.gather(*good, return_exceptions=True)
        assert [type(r).__name__ for r in results] == ["IntegrityError"] * 5
        assert await ledger.add(Arrived("0" * 64, 7, "one", 1, -1))
        await db.close()

    asyncio.run(run())


@pytest.mark.parametrize("count", [1, 1200])
def test_as_many_as_a_bedside_asks_about(tmp_path: Path, count: int) -> None:
    async def run() -> None:
        db = await opened(tmp_path)
        ledger = Ledger(db, there)
        ids = [f"{n:064x}" for n in range(count)]
        await asyncio.gather(*(ledger.add(Arrived(i, 7, "one", 1, -1)) for i in ids))
        assert await ledger.known([*ids, "f" * 64], "one") == set(ids)
        await db.close()

    asyncio.run(run())


@dataclass
class Process:
    """One of several on the same database and the same store."""

    db: Database
    blobs: Shelf
    ledger: Ledger
    now_us: Callable[[], int] = lambda: 5


class Shelf:
    """A store that takes its time."""

    def __init__(self, luck: random.Random) -> None:
        self.inside: dict[str, int] = {}
        self._luck = luck

    async def rest(self) -> None:
        await asyncio.sleep(self._luck.choice((0, 0, 0.001, 0.02)))

    async def put(self, sha256: str) -> None:
        await self.rest()
        self.inside[sha256] = 7
        await self.rest()

    async def size(self, sha256: str) -> int | None:
        await self.rest()
        return self.inside.get(sha256)

    async def delete(self, ids: Sequence[str]) -> None:
        for sha256 in ids:
            await self.rest()
            self.inside.pop(sha256, None)
            await self.rest()


ROUNDS = 10


@pytest.mark.parametrize("seed", range(4))
def test_whatever_processes_do_at_once_every_row_has_its_blob(tmp_path: Path, seed: int) -> None:
    """Uploads of a few blobs over and over in two processes, while both remove some of them."""
    luck = random.Random(seed)
    ids = [f"{n:064x}" for n in range(4)]

    async def upload(one: Process) -> int:
        sha256, before = luck.choice(ids), one.ledger.removals
        await one.blobs.put(sha256)
        try:
            await one.ledger.add(Arrived(sha256, 7, "one", 5, before))
        except Removed:
            return 1
        await look(one)
        return 0

    async def look(one: Process) -> None:
        async with one.db.begin() as conn:  # nobody else writes meanwhile
            rows = set((await conn.execute(select(blob.c.sha256).where(blob_is_whole()))).scalars())
            assert rows <= set(one.blobs.inside)

    async def take_away(one: Process) -> int:
        wanted = set(luck.sample(ids, 2))

        async def choose(conn: AsyncConnection) -> list[str]:
            here = select(blob.c.sha256).where(blob.c.sha256.in_(wanted), blob.c.removing_us.is_(None))
            return list((await conn.execute(here)).scalars())

        await removal.remove(cast(Service, one), choose)
        return 0

    async def busy(one: Process, do: Callable[[Process], Awaitable[int]], times: int) -> int:
        return sum([await do(one) for _ in range(times)])

    async def run() -> int:
        first = await opened(tmp_path)
        second = Database(f"sqlite+aiosqlite:///{tmp_path / 'l.sqlite'}")
        shelf = Shelf(luck)
        both = [Process(db, shelf, Ledger(db, shelf.size)) for db in (first, second)]
        refused, rounds = 0, 0
        while not refused and rounds < ROUNDS:  # when they meet, the machine decides
            work = [
                busy(one, do, n) for one in both for do, n in ((upload, 30), (upload, 30), (take_away, 12))
            ]
            refused, rounds = sum(await asyncio.gather(*work)), rounds + 1
        await look(both[0])
        await first.close()
        await second.close()
        return refused

    assert asyncio.run(run()) > 0, "nothing ever met: this tests nothing"


def test_a_store_that_hangs_does_not_keep_others_from_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(_: str) -> int | None:
        await asyncio.sleep(60)
        return 7

    async def run() -> None:
        db = await opened(tmp_path)
        with pytest.raises(StoreAway):
            await Ledger(db, hangs).add(Arrived("0" * 64, 7, "one", 1, -1))
        assert await Ledger(db, there).add(Arrived("0" * 64, 7, "one", 1, -1))
        await db.close()

    monkeypatch.setattr(ledger, "LOOK_S", 0.05)
    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_removal_that_stood_still_takes_nothing_that_came_again(tmp_path: Path) -> None:
    """A process was stopped while it removed; another finished that, and the bedside sent the blob once more."""
    first_in, go_on = asyncio.Event(), asyncio.Event()

    class Stopped(Shelf):
        async def delete(self, ids: Sequence[str]) -> None:
            await super().delete(ids)
            if not first_in.is_set():
                first_in.set()
                await go_on.wait()

    async def run() -> None:
        db, shelf, sha256 = await opened(tmp_path), Stopped(random.Random(1)), "0" * 64
        one, two = (Process(db, shelf, Ledger(db, shelf.size), lambda at=at: at) for at in (5, 9))  # type: ignore[misc]

        async def upload() -> None:
            before = one.ledger.removals
            await shelf.put(sha256)
            await one.ledger.add(Arrived(sha256, 7, "one", 5, before))

        async def it(_: AsyncConnection) -> list[str]:
            return [sha256]

        await upload()
        stopped = asyncio.create_task(removal.remove(cast(Service, one), it))
        await first_in.wait()
        assert await removal.finish(cast(Service, two), older_s=0) == [sha256]
        await upload()
        go_on.set()
        await stopped
        assert await one.ledger.known([sha256], "one") == {sha256}, "a receipt may have been given for it"
        assert sha256 in shelf.inside
        await db.close()

    asyncio.run(run())


def test_what_is_being_removed_is_not_promised_by_who_knows_of_the_removal(tmp_path: Path) -> None:
    async def run() -> None:
        db = await opened(tmp_path)
        kept = Ledger(db, there)
        assert await kept.add(Arrived("0" * 64, 7, "one", 1, -1))
        async with db.begin() as conn:
            await conn.execute(update(blob).values(removing_us=5))
            await ledger.count_removal(conn)
        assert await kept.add(Arrived("1" * 64, 7, "one", 1, kept.removals))
        with pytest.raises(Removed):
            await kept.add(Arrived("0" * 64, 7, "one", 1, kept.removals))
        await db.close()

    asyncio.run(run())
