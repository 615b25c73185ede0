"""A fault of one thing ends that thing: not the worker, not the page of who looks; and the log tells no secret."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.custody import state
from hemoview.cloud.database import Database
from hemoview.cloud.jobs import in_process
from hemoview.cloud.jobs.life import DONE
from hemoview.cloud.jobs.queue import Effect
from hemoview.cloud.service import Service, open_service
from hemoview.cloud.settings import Settings
from tests.cloud.cloud_rig import Clock, Rig


class Full(Exception):
    """As the driver says it."""

    sqlite_errorname = "SQLITE_FULL"


def full() -> OperationalError:
    return OperationalError("COMMIT", {}, Full("database or disk is full"))


class Once:
    """A job that is done by being tried."""

    def __init__(self) -> None:
        self.tries = 0

    async def work(self, service: Service, body: dict[str, Any]) -> Effect:
        self.tries += 1

        async def effect(conn: AsyncConnection) -> None:
            pass

        return effect

    async def give_up(self, conn: AsyncConnection, body: dict[str, Any], why: str) -> None:
        raise AssertionError(why)


def test_the_worker_goes_on_after_the_database_refused_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process, "FAULT_S", 0.01)

    async def go() -> None:
        service = await open_service(Settings(folder=tmp_path / "service"))
        jobs, handler = in_process.InProcess(service), Once()
        jobs.serve("once", handler)
        async with service.db.begin() as conn:
            await jobs.put(conn, "once", {})
        begin, failures = Database.begin, [full()] * 3

        @contextlib.asynccontextmanager
        async def failing(self: Database) -> AsyncIterator[AsyncConnection]:
            if failures and asyncio.current_task() is task:
                raise failures.pop()
            async with begin(self) as conn:
                yield conn

        monkeypatch.setattr(Database, "begin", failing)
        task = asyncio.create_task(jobs.keep_working())
        for _ in range(200):
            await asyncio.sleep(0.01)
            async with service.db.read() as conn:
                if (await conn.execute(select(tables.job.c.state))).scalar_one() == DONE:
                    break
        assert not task.done()
        assert handler.tries == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await service.close()

    asyncio.run(go())


def test_who_is_signed_in_sees_the_ward_while_the_disk_is_full(
    rig: Rig, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward_id = rig.ward("A")
    nurse = rig.person("nurse", ("operator", ward_id))

    @contextlib.asynccontextmanager
    async def nothing(_: Database) -> AsyncIterator[AsyncConnection]:
        raise full()
        yield

    clock.forward(10 * 60)  # the log-in's use is due to be written down
    with monkeypatch.context() as patched:
        patched.setattr(Database, "begin", nothing)
        assert nurse.get(f"/v1/wards/{ward_id}/state").status_code == 200


def test_a_fault_is_answered_as_every_other_refusal(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(state, "of_many", breaks)
    nurse = rig.person("nurse", ("operator", None))
    quiet = TestClient(rig.app, raise_server_exceptions=False, cookies=nurse.cookies)
    quiet.portal = rig.http.portal
    reply = quiet.get("/v1/sessions")
    assert reply.status_code == 500
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_what_was_to_be_stored_is_not_in_a_traceback(rig: Rig) -> None:
    pseudonym = "-".join(("VERY", "PRIVATE"))  # not as it stands in this file, which a traceback quotes

    async def twice(conn: AsyncConnection) -> None:
        for subject_id in "12":
            await conn.execute(insert(tables.subject).values(id=subject_id, pseudonym=pseudonym))

    with pytest.raises(Exception, match=r"(?i)unique") as caught:
        rig.do(twice)
    assert pseudonym not in "".join(traceback.format_exception(caught.value))


def test_a_write_that_is_cancelled_keeps_nobody_from_writing(rig: Rig) -> None:
    """The cancellation comes while the driver works on a statement, and is held, with its traceback, to the end.

    A driver whose server has answered by its first look never waits, and is not cancelled: the next wait is.
    """
    held: list[asyncio.CancelledError] = []

    def cancel(*_: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    async def cancelled() -> None:
        rows = [{"name": name, "value": ""} for name in ("one", "two")]
        async with rig.service.db.begin() as conn:
            event.listen(conn.sync_connection, "before_cursor_execute", cancel)
            try:
                await conn.execute(insert(tables.fact), rows)
                await asyncio.sleep(0)
            except asyncio.CancelledError as error:
                held.append(error)
                raise

    async def both() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.create_task(cancelled())
        async with rig.service.db.begin() as conn:
            await conn.execute(insert(tables.fact).values(name="after", value=""))

    rig.call(both)
    names = {row.name for row in rig.rows(tables.fact)}
    assert held and "after" in names and not {"one", "two"} & names


def test_a_connection_that_does_not_close_keeps_no_service_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Stopped while it works, and closed while it still does: the driver then waits for what never comes."""

    begun, goes_on = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        return int(goes_on.wait(30))

    async def ends() -> None:
        db = Database(f"sqlite+aiosqlite:///{tmp_path / 'a.sqlite3'}")
        async with db.engine.connect() as conn:
            driver = (await conn.get_raw_connection()).driver_connection
            assert driver is not None
            await driver.create_function("slow", 0, slow)
        working = asyncio.create_task(driver.execute_fetchall("SELECT slow()"))
        await asyncio.to_thread(begun.wait)
        driver.stop()
        try:
            async with asyncio.timeout(5):
                await db.close()
        finally:
            goes_on.set()
        assert list(await working) == [(1,)]

    monkeypatch.setattr("hemoview.cloud.database.CLOSED_WITHIN_S", 0.1)
    asyncio.run(ends())
    assert "did not close" in caplog.text
