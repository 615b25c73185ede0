"""Wrong tries in a database: two processes count as one, and what is judged at this moment counts where it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from hemoview.cloud.database import Database
from hemoview.cloud.identity import tries
from hemoview.cloud.identity.throttle import ACCOUNT, Throttle
from hemoview.cloud.tables import wrong_try

S = 1_000_000


def with_tables(folder: Path, work: Callable[[Database], Coroutine[Any, Any, None]]) -> None:
    async def all_of_it() -> None:
        db = Database(f"sqlite+aiosqlite:///{folder / 'service.db'}")
        await db.upgrade()
        await work(db)
        await db.close()

    asyncio.run(all_of_it())


async def wait_s(db: Database, throttle: Throttle, key: str, now_us: int) -> float:
    await tries.look(db, [(throttle, key)], now_us)
    return throttle.wait_s(key, now_us)


async def fail(db: Database, throttle: Throttle, key: str, now_us: int) -> float:
    """What one wrong try does; how long it would have had to wait."""
    waited_s = await wait_s(db, throttle, key, now_us)
    throttle.tried(key, now_us)
    await tries.add(db, [(throttle, key)], now_us)
    throttle.judged(key)
    return waited_s


def test_two_count_as_one(tmp_path: Path) -> None:
    async def work(db: Database) -> None:
        two = [Throttle(ACCOUNT, "account"), Throttle(ACCOUNT, "account")]
        alone, now_us = Throttle(ACCOUNT), 10**15
        for n in range(20):
            expected_s = alone.wait_s("nurse", now_us)
            alone.tried("nurse", now_us)
            assert await fail(db, two[n % 2], "nurse", now_us) == expected_s
            now_us += 20 * S
        assert await wait_s(db, two[0], "doctor", now_us) == 0
        now_us += int(ACCOUNT.forget_s) * S + S
        await fail(db, two[0], "nurse", now_us)
        assert await wait_s(db, two[1], "nurse", now_us) == 0  # a day later it begins anew

    with_tables(tmp_path, work)


def test_a_hundred_at_once_are_not_all_free(tmp_path: Path) -> None:
    async def work(db: Database) -> None:
        here, now_us, free = Throttle(ACCOUNT, "account"), 10**15, 0
        for _ in range(100):  # all on their way, none judged
            if await wait_s(db, here, "nurse", now_us) == 0:
                here.tried("nurse", now_us)
                free += 1
        assert free == ACCOUNT.free
        later_us = now_us + 61 * S  # nobody judged them: a service that fell over
        assert await wait_s(db, here, "nurse", later_us) == 0

    with_tables(tmp_path, work)


def test_who_passes_is_forgotten_by_all_and_kinds_are_apart(tmp_path: Path) -> None:
    async def work(db: Database) -> None:
        here, there = Throttle(ACCOUNT, "account"), Throttle(ACCOUNT, "account")
        other, now_us = Throttle(ACCOUNT, "browser"), 10**15
        for _ in range(ACCOUNT.free):
            await fail(db, here, "nurse", now_us)
        assert await wait_s(db, there, "nurse", now_us) > 0
        assert await wait_s(db, other, "nurse", now_us) == 0
        there.passed("nurse")
        await tries.forget(db, there, "nurse")
        assert await wait_s(db, here, "nurse", now_us) == 0

    with_tables(tmp_path, work)


def test_they_do_not_fill_the_disk(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(tries, "KEPT", 5)

    async def work(db: Database) -> None:
        throttle = Throttle(ACCOUNT, "address")
        for n in range(20):
            await fail(db, throttle, f"10.0.0.{n}", 10**15 + n)
        async with db.read() as conn:
            assert (await conn.execute(select(func.count()).select_from(wrong_try))).scalar_one() == 5
            kept = set((await conn.execute(select(wrong_try.c.key_sha256))).scalars())
        assert tries.digest_of(throttle, "10.0.0.19") in kept
        assert tries.digest_of(throttle, "10.0.0.0") not in kept

    with_tables(tmp_path, work)
