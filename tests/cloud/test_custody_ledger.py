"""Rows of many uploads in one commit: all are told, of success and of failure."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from hemoview.cloud.custody.ledger import Arrived, Ledger
from hemoview.cloud.database import Database
from hemoview.cloud.tables import blob, device


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
        ledger = Ledger(db)
        commits = 0
        write = ledger._write

        async def counted(arrived: dict[str, Arrived]) -> set[str]:
            nonlocal commits
            commits += 1
            await asyncio.sleep(0.02)
            return await write(arrived)

        ledger._write = counted  # type: ignore[method-assign]
        ids = [f"{n:064x}" for n in range(100)]
        new = await asyncio.gather(*(ledger.add(Arrived(i, 7, "one", 1)) for i in ids))
        assert all(new)
        assert commits <= 3
        again = await asyncio.gather(*(ledger.add(Arrived(i, 7, "two", 2)) for i in ids))
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
        ledger = Ledger(db)
        good = [ledger.add(Arrived(f"{n:064x}", 7, "nobody", 1)) for n in range(5)]
        results: list[Any] = await asyncio.gather(*good, return_exceptions=True)
        assert [type(r).__name__ for r in results] == ["IntegrityError"] * 5
        assert await ledger.add(Arrived("0" * 64, 7, "one", 1))
        await db.close()

    asyncio.run(run())


@pytest.mark.parametrize("count", [1, 1200])
def test_as_many_as_a_bedside_asks_about(tmp_path: Path, count: int) -> None:
    async def run() -> None:
        db = await opened(tmp_path)
        ledger = Ledger(db)
        ids = [f"{n:064x}" for n in range(count)]
        await asyncio.gather(*(ledger.add(Arrived(i, 7, "one", 1)) for i in ids))
        assert await ledger.known([*ids, "f" * 64], "one") == set(ids)
        await db.close()

    asyncio.run(run())
