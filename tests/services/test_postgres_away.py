"""PostgreSQL goes away and comes back: what ends, what goes on, and who is the service of a database afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from hemoview.cloud import lead
from hemoview.cloud.database import Database
from hemoview.cloud.lead import Lead
from hemoview.cloud.live import watch
from hemoview.cloud.postgres import Postgres
from hemoview.cloud.settings import ENV, Settings
from recorder.errors import ConfigError
from tests.cloud.cloud_rig import Clock, running
from tests.cloud.live_rig import ORIGIN, OTHER, hear, ingest, say
from tests.services.postgres_rig import Server, own_server

pytestmark = pytest.mark.services
LONG = text("SELECT pg_sleep(30)")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with own_server() as server:
        yield server


def run(work: Callable[[str], Coroutine[Any, Any, None]], url: str) -> None:
    asyncio.run(work(url))


def test_a_question_that_is_cancelled_ends_as_that(server: Server) -> None:
    """Time-outs, and every end of the service, rest on it."""

    async def ask(db: Database, how: str) -> None:
        async with db.read() if how == "read" else db.begin() as conn:
            await conn.execute(LONG)

    async def work(url: str) -> None:
        db, other = Database(url), Database(url)
        for how in ("read", "write"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await ask(db, how)
            asking = asyncio.create_task(ask(db, how))
            await asyncio.sleep(0.2)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        async with other.begin():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await ask(db, "write")
        async with asyncio.timeout(5), db.begin() as conn:  # and holds nothing
            assert (await conn.execute(text("SELECT 1"))).scalar() == 1
        await db.close()
        await other.close()

    run(work, server.fresh("cancelled"))


@contextlib.asynccontextmanager
async def places(url: str, *, replicas: tuple[bool, bool]) -> AsyncIterator[tuple[Lead, Lead]]:
    """Of two processes."""
    first, second = Database(url), Database(url)
    try:
        yield Lead(first, replicas=replicas[0], look_s=0.05), Lead(second, replicas=replicas[1], look_s=0.05)
    finally:
        await first.close()
        await second.close()


@contextlib.asynccontextmanager
async def kept(*held: Lead) -> AsyncIterator[list[asyncio.Task[None]]]:
    """What a service does while it runs."""
    keeping = [asyncio.create_task(one.keep()) for one in held]
    try:
        yield keeping
    finally:
        for task in keeping:
            task.cancel()
        await asyncio.wait(keeping)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0.02)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lead, "PLACE_WITHIN_S", 1.0)


@pytest.mark.usefixtures("soon")
def test_the_place_is_kept_over_a_restart_of_the_server(server: Server) -> None:
    async def work(url: str) -> None:
        async with places(url, replicas=(False, False)) as (first, second):
            await first.begin()
            async with kept(first) as keeping:
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
                await asyncio.sleep(1)
                with pytest.raises(ConfigError, match="another service works on this database"):
                    await second.begin()
                assert not keeping[0].done()

    run(work, server.fresh("kept"))


def test_a_service_whose_place_was_taken_ends(server: Server) -> None:
    async def work(url: str) -> None:
        async with places(url, replicas=(False, False)) as (first, second):
            await first.begin()
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            await second.begin()
            async with asyncio.timeout(10):
                await first.keep()
            assert second.held
            assert not first.held

    run(work, server.fresh("taken"))


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("replicas", [(True, False), (False, True)])
def test_a_service_by_itself_and_a_replica_do_not_work_beside_each_other(
    server: Server, replicas: tuple[bool, bool]
) -> None:
    async def work(url: str) -> None:
        async with places(url, replicas=replicas) as (first, second):
            await first.begin()
            with pytest.raises(ConfigError, match="replicas = true for both"):
                await second.begin()

    run(work, server.fresh(f"beside{replicas[0]:d}"))


def test_one_of_two_replicas_leads_and_the_other_when_it_is_gone(server: Server) -> None:
    async def work(url: str) -> None:
        first_db, second_db = Database(url), Database(url)
        first, second = (Lead(db, replicas=True, look_s=0.05) for db in (first_db, second_db))
        await first.begin()
        await second.begin()
        async with kept(second):
            assert (first.held, second.held) == (True, False)
            await asyncio.sleep(0.3)
            assert not second.held
            await first_db.close()
            await until(lambda: second.held)
        await second_db.close()

    run(work, server.fresh("leads"))


def test_a_leader_that_hangs_leads_no_longer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection stays: the system answers for a process that was stopped, or never comes to its loop."""
    places_soon = replace(Postgres.places, begin="SET idle_session_timeout = '1s'")
    monkeypatch.setattr(Postgres, "places", places_soon)
    monkeypatch.setattr(lead, "LEASE_S", 1.0)

    async def work(url: str) -> None:
        async with places(url, replicas=(True, True)) as (first, second):
            await first.begin()
            await second.begin()
            async with kept(second):
                assert (first.held, second.held) == (True, False)
                await until(lambda: second.held)
                assert not first.held, "nor at the moment when it goes on"
                async with kept(first):
                    await asyncio.sleep(1.5)
                    assert (first.held, second.held) == (False, True)

    run(work, server.fresh("hangs"))


def test_after_a_restart_of_the_server_one_replica_leads_again(server: Server) -> None:
    async def work(url: str) -> None:
        async with places(url, replicas=(True, True)) as both:
            for one in both:
                await one.begin()
            async with kept(*both) as keeping:
                await asyncio.to_thread(server.kill)
                await until(lambda: not both[0].held)
                await asyncio.to_thread(server.start)
                await until(lambda: both[0].held != both[1].held)
                await asyncio.sleep(0.3)
                assert sorted(one.held for one in both) == [False, True]
                assert not any(task.done() for task in keeping)

    run(work, server.fresh("again"))


def test_a_second_service_is_refused_in_words(server: Server, tmp_path: Path) -> None:
    url, keys = server.fresh("second"), tmp_path / "keys"
    words = [sys.executable, "-m", "hemoview.cli", "serve", "--folder", str(tmp_path / "b"), "--port", "0"]
    told_to = os.environ | {f"{ENV}DATABASE_URL": url, f"{ENV}KEYS_FOLDER": str(keys)}
    with running(Settings(folder=tmp_path / "a", database_url=url, keys_folder=keys), Clock()):
        told = subprocess.run(words, env=told_to, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 1
    assert told.stdout == ""
    assert "another service works on this database" in told.stderr
    assert "Traceback" not in told.stderr


def test_who_watches_goes_on_and_who_comes_is_told_to_come_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "CHECK_S", 0.2)
    settings = Settings(folder=tmp_path / "s", database_url=server.fresh("watched"))
    clock = Clock()
    with running(settings, clock) as rig:
        ward_id = rig.ward("A")
        nurse, bedside = rig.person("nurse", ("clinician", ward_id)), rig.bedside("A-1")
        path = f"/v1/live?ward={ward_id}"
        with nurse.websocket_connect(path, headers=ORIGIN) as socket, ingest(rig, bedside) as told:
            say(told, seq=1)
            assert hear(socket, "bed")["msg"]["seq"] == 1
            server.kill()
            try:
                say(told, seq=2)
                assert hear(socket, "bed")["msg"]["seq"] == 2
                with (
                    pytest.raises(WebSocketDenialResponse) as denied,
                    nurse.websocket_connect(path, headers=ORIGIN),
                ):
                    pass
                assert denied.value.status_code == 503 and denied.value.headers["retry-after"] == "2"
                say(told, seq=3, session_id=OTHER)  # whose is it? nobody can look
                with pytest.raises(WebSocketDisconnect) as closed:
                    told.receive_text()
                assert closed.value.code == 1013
                clock.forward(
                    6
                )  # nothing is heard of the bed: the ward is to be told, and cannot be looked up
                for _ in range(3):
                    hear(socket, "tick")
            finally:
                server.start()
            assert any("no-data" in str(hear(socket, "ward")) for _ in range(5))
            for _ in range(2):
                hear(socket, "tick")
        with nurse.websocket_connect(path, headers=ORIGIN) as socket, ingest(rig, bedside) as told:
            say(told, seq=4, session_id=OTHER)
            assert hear(socket, "bed")["msg"]["seq"] == 4


def test_a_server_that_hangs_keeps_no_ward_from_its_ticks(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses nothing: every question waits, and none may be waited for where somebody watches."""
    monkeypatch.setattr(watch, "CHECK_S", 0.2)
    monkeypatch.setattr(watch, "UNKNOWN_S", 6.0)
    monkeypatch.setattr(watch, "ANSWERS_S", 2.0)
    settings = Settings(folder=tmp_path / "s", database_url=server.fresh("hung"))
    clock = Clock()
    with running(settings, clock) as rig:
        ward_id = rig.ward("A")
        nurse, bedside = rig.person("nurse", ("clinician", ward_id)), rig.bedside("A-1")
        with (
            nurse.websocket_connect(f"/v1/live?ward={ward_id}", headers=ORIGIN) as socket,
            ingest(rig, bedside) as told,
        ):
            say(told, seq=1)
            assert hear(socket, "bed")["msg"]["seq"] == 1
            with server.hung():
                clock.forward(
                    6
                )  # nothing is heard of the bed: the ward is to be told, and cannot be looked up
                began_s = time.monotonic()
                for _ in range(3):
                    hear(socket, "tick")
                say(told, seq=2)
                assert hear(socket, "bed")["msg"]["seq"] == 2
                assert time.monotonic() - began_s < 6
                assert rig.http.get("/readyz").status_code == 503
                with pytest.raises(WebSocketDisconnect) as closed:  # whose log-in nobody can look up
                    while time.monotonic() - began_s < 20:
                        socket.receive_text()
                assert closed.value.code == 1013
        with nurse.websocket_connect(f"/v1/live?ward={ward_id}", headers=ORIGIN) as socket:
            hear(socket, "ward")
