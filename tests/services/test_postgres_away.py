"""PostgreSQL goes away and comes back: what ends, what goes on, and who is the service of a database afterwards."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from hemoview.cloud import database
from hemoview.cloud.database import Database
from hemoview.cloud.live import watch
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


def test_the_place_is_kept_over_a_restart_of_the_server(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_ALONE_WITHIN_S", 1.0)

    async def work(url: str) -> None:
        first, second = Database(url), Database(url)
        await first.be_alone()
        staying = asyncio.create_task(first.stay_alone(0.05))
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await asyncio.sleep(1)
        with pytest.raises(ConfigError, match="another service works on this database"):
            await second.be_alone()
        assert not staying.done()
        staying.cancel()
        await first.close()
        await second.be_alone()
        await second.close()

    run(work, server.fresh("kept"))


def test_a_service_whose_place_was_taken_ends(server: Server) -> None:
    async def work(url: str) -> None:
        first, second = Database(url), Database(url)
        await first.be_alone()
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await second.be_alone()
        async with asyncio.timeout(10):
            await first.stay_alone(0.05)
        await first.close()
        await second.close()

    run(work, server.fresh("taken"))


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
