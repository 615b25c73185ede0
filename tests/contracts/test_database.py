"""The contract of every database of the service: who writes, who reads, what stays and what is refused."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from hemoview.cloud import audit, tables
from hemoview.cloud.database import Database, insert_new, upsert
from hemoview.cloud.tables import fact, site, subject
from tests.cloud import databases

KINDS: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite+aiosqlite:///{folder / 'service.sqlite'}"
}
"""Kind → URL of an empty one."""
if databases.SERVER:
    KINDS["postgres"] = lambda _: databases.fresh(f"contract_{secrets.token_hex(4)}")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with databases.dropped_afterwards():
        yield KINDS[request.param](tmp_path)


@asynccontextmanager
async def opened(url: str, services: int = 1) -> AsyncIterator[list[Database]]:
    """Databases of so many services on the same tables."""
    all_of_them = [Database(url) for _ in range(services)]
    try:
        for db in all_of_them:
            await db.upgrade()
        yield all_of_them
    finally:
        for db in all_of_them:
            await db.close()


def run(url: str, work: Callable[[Database], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with opened(url) as (db,):
            await work(db)

    asyncio.run(whole())


async def names(db: Database) -> dict[str, str]:
    async with db.read() as conn:
        return {row.name: row.value for row in await conn.execute(select(fact))}


def test_an_upgrade_makes_the_tables_however_often(url: str) -> None:
    async def whole() -> None:
        async with opened(url, services=3) as (db, *_), db.read() as conn:
            found = await conn.run_sync(
                lambda sync: compare_metadata(MigrationContext.configure(sync), tables.metadata)
            )
        assert found == []

    asyncio.run(whole())


def test_what_failed_leaves_nothing(url: str) -> None:
    async def work(db: Database) -> None:
        with pytest.raises(ZeroDivisionError):
            async with db.begin() as conn:
                await conn.execute(insert(fact).values(name="a", value="1"))
                raise ZeroDivisionError
        assert await names(db) == {}

    run(url, work)


@dataclass(frozen=True, slots=True)
class CancelledAt:
    """Awaits ``work``, whose task is cancelled as it waits for the time of that number."""

    work: Awaitable[None]
    wait: int

    def __await__(self) -> Generator[Any, None, bool]:
        """Whether it waited so often."""
        steps = self.work.__await__()
        error: BaseException | None = None
        task = asyncio.current_task()
        assert task is not None
        for wait in itertools.count():
            try:
                waits_for = steps.send(None) if error is None else steps.throw(error)
            except StopIteration:
                return wait > self.wait
            if wait == self.wait:
                task.cancel()
            try:
                yield waits_for
                error = None
            except asyncio.CancelledError as caught:
                error = caught
        raise AssertionError


async def _awaited(work: CancelledAt) -> bool:
    return await work


def test_a_write_that_is_cancelled_is_there_as_a_whole_or_not_at_all(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the cancellation comes; psycopg 3.3 waits at more places if it never thinks the loop was idle."""
    monkeypatch.setattr("psycopg.waiting.MAX_BUSY_TIME", 0, raising=False)

    async def write(db: Database, value: str) -> None:
        async with db.begin() as conn:
            await upsert(conn, fact, [{"name": "a", "value": value}, {"name": "b", "value": value}])

    async def work(db: Database) -> None:
        for wait in itertools.count():
            await write(db, "before")
            try:
                cancelled = await asyncio.create_task(_awaited(CancelledAt(write(db, "after"), wait)))
            except asyncio.CancelledError:
                cancelled = True
            assert await names(db) in ({"a": value, "b": value} for value in ("before", "after"))
            if not cancelled:
                assert wait > 3
                return

    run(url, work)


def test_a_key_that_is_there_is_refused_and_the_next_transaction_is_none_the_wiser(url: str) -> None:
    async def work(db: Database) -> None:
        for _ in range(2):
            with pytest.raises(IntegrityError):
                async with db.begin() as conn:
                    await conn.execute(insert(subject).values(id="1", pseudonym="P-1"))
                    await conn.execute(insert(subject).values(id="2", pseudonym="P-1"))
        async with db.begin() as conn:
            await conn.execute(insert(subject).values(id="2", pseudonym="P-1"))
            assert (await conn.execute(select(subject.c.id))).scalars().all() == ["2"]

    run(url, work)


def test_part_of_a_transaction_can_fail(url: str) -> None:
    async def work(db: Database) -> None:
        async with db.begin() as conn:
            await conn.execute(insert(fact).values(name="a", value="1"))
            with pytest.raises(IntegrityError):
                async with conn.begin_nested():
                    await conn.execute(insert(fact).values(name="a", value="2"))
            await conn.execute(insert(fact).values(name="b", value="3"))
        assert await names(db) == {"a": "1", "b": "3"}

    run(url, work)


def test_rows_are_added_or_changed_by_their_key(url: str) -> None:
    async def work(db: Database) -> None:
        async with db.begin() as conn:
            await insert_new(conn, fact, [{"name": "a", "value": "1"}, {"name": "b", "value": "1"}])
            await insert_new(conn, fact, [{"name": "b", "value": "2"}, {"name": "c", "value": "2"}])
            await upsert(conn, fact, [{"name": "a", "value": "3"}, {"name": "d", "value": "3"}])
        assert await names(db) == {"a": "3", "b": "1", "c": "2", "d": "3"}

    run(url, work)


def test_who_reads_sees_one_state_and_keeps_nobody_from_writing(url: str) -> None:
    async def work(db: Database) -> None:
        count = select(func.count()).select_from(fact)
        async with db.read() as conn:
            assert (await conn.execute(count)).scalar() == 0
            async with db.begin() as other:
                await other.execute(insert(fact).values(name="a", value="1"))
            assert (await conn.execute(count)).scalar() == 0
        assert len(await names(db)) == 1

    run(url, work)


def test_those_that_write_at_once_come_one_after_the_other(url: str) -> None:
    """Two services' worth of writers: the chain of the log has no fork, and no count is lost."""

    async def write(db: Database, number: int) -> None:
        async with db.begin() as conn:
            await audit.append(conn, audit.Entry(number, "service", "test"))
            before = (await conn.execute(select(fact.c.value).where(fact.c.name == "n"))).scalar()
            await upsert(conn, fact, [{"name": "n", "value": str(int(before or 0) + 1)}])

    async def whole() -> None:
        async with opened(url, services=2) as both:
            await asyncio.gather(*(write(both[n % 2], n) for n in range(60)))
            async with both[0].read() as conn:
                verdict = await audit.verify(conn)
            assert (verdict.entries, verdict.broken_at) == (60, None)
            assert await names(both[1]) == {"n": "60"}

    asyncio.run(whole())


def test_the_audit_log_is_only_added_to(url: str) -> None:
    async def work(db: Database) -> None:
        async with db.begin() as conn:
            await audit.append(conn, audit.Entry(1, "service", "test"))
        for tampering in (update(tables.audit).values(actor="x"), delete(tables.audit)):
            with pytest.raises(IntegrityError, match="only added to"):
                async with db.begin() as conn:
                    await conn.execute(tampering)

    run(url, work)


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63)])
def test_whole_numbers_of_64_bits_come_back(url: str, value: int) -> None:
    async def work(db: Database) -> None:
        async with db.begin() as conn:
            row = {"id": "1", "name": "n", "display": "d", "created_us": value}
            await conn.execute(insert(tables.user_account).values(row))
            assert (await conn.execute(select(tables.user_account.c.created_us))).scalar() == value

    run(url, work)


def test_any_text_comes_back(url: str) -> None:
    told = ["", 'Müller\'s "ward"; DROP TABLE site --', "监护室 3", "\U0001fac0", "%s %(a)s :b", "a\tb\nc\\"]

    async def work(db: Database) -> None:
        async with db.begin() as conn:
            await conn.execute(insert(site), [{"id": str(n), "name": name} for n, name in enumerate(told)])
            rows = await conn.execute(select(site.c.name).order_by(site.c.id))
            assert rows.scalars().all() == told

    run(url, work)
