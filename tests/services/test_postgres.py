"""What a real PostgreSQL does that SQLite cannot: be somebody else's, be unsafe, go away and come back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import insert

from hemoview.bench import cloud_kills, cloud_service
from hemoview.bench.cloud_service import Running
from hemoview.cloud.database import Database
from hemoview.cloud.settings import ENV
from hemoview.cloud.tables import fact
from recorder.errors import ConfigError
from tests.cloud import databases

pytestmark = pytest.mark.services
KILLS = 50


def folder() -> Path:
    return Path(parse_qs(urlsplit(databases.SERVER).query)["host"][0])


def kill() -> None:
    """The server and all it started, at once: what a power cut leaves of it."""
    postmaster = int((folder() / "cluster" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    killed = (postmaster, *map(int, children))
    for pid in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while any(map(lives, killed)):
        time.sleep(0.01)
    for lock in ("cluster/postmaster.pid", ".s.PGSQL.5432.lock"):  # a number that nobody buries stays taken
        (folder() / lock).unlink(missing_ok=True)


def lives(pid: int) -> bool:
    """It runs, and is not only waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def start() -> None:
    started = subprocess.run([folder() / "again"], check=False, timeout=60)
    assert started.returncode == 0, (folder() / "log").read_text()[-2000:]


def test_one_service_works_on_a_database() -> None:
    async def run(url: str) -> None:
        first, second = Database(url), Database(url)
        await first.be_alone()
        with pytest.raises(ConfigError, match="another service works on this database"):
            await second.be_alone()
        await second.close()
        await first.close()
        third = Database(url)
        await third.be_alone()
        await third.close()

    with databases.dropped_afterwards():
        asyncio.run(run(databases.fresh("alone")))


def test_a_server_that_may_forget_is_refused() -> None:
    async def run(url: str) -> None:
        db = Database(url)
        try:
            await db.upgrade()
        finally:
            await db.close()

    with databases.dropped_afterwards():
        databases.on_server("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        databases._made.add("latin")
        with pytest.raises(ConfigError, match="UTF8"):
            asyncio.run(run(databases._named("latin")))
    with pytest.raises(ConfigError, match="cannot be used") as told:
        asyncio.run(run("postgresql://hemoview:secret@127.0.0.1:9/hemoview"))
    assert "secret" not in str(told.value)
    with pytest.raises(ConfigError, match="does not exist"):
        asyncio.run(run(databases._named("nobody_made_this")))


def test_connections_that_died_with_the_server_are_replaced() -> None:
    async def run(url: str) -> None:
        db = Database(url)
        await db.upgrade()
        kill()
        start()
        async with db.begin() as conn:
            await conn.execute(insert(fact).values(name="after", value="1"))
        await db.close()

    with databases.dropped_afterwards():
        asyncio.run(run(databases.fresh("killed")))


def test_while_the_server_is_away_bedsides_are_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{ENV}DATABASE_URL", databases.SERVER)
    with cloud_service.running(tmp_path / "service", 1) as service:
        base = f"http://{service.host}:{service.port}"
        asked = {"headers": {"Authorization": service.stations[0].authorization}, "trust_env": False}
        kill()
        try:
            reply = httpx.post(f"{base}/v1/blobs/missing", json={"ids": []}, **asked)  # type: ignore[arg-type]
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
            assert "database" in reply.json()["detail"]
            ready = httpx.get(f"{base}/readyz", trust_env=False)
            assert ready.status_code == 503 and "the database does not answer" in ready.text
        finally:
            start()
        reply = httpx.post(f"{base}/v1/blobs/missing", json={"ids": []}, **asked)  # type: ignore[arg-type]
        assert reply.status_code == 200


def test_a_server_killed_while_the_service_receives_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def victim(_: Running) -> None:
        kill()
        start()

    monkeypatch.setenv(f"{ENV}DATABASE_URL", databases.SERVER)
    found = cloud_kills.run(kills=KILLS, victim=victim)
    told = {name: found[name] for name in ("kills", "lost", "duplicate", "damaged")}
    assert told == {"kills": KILLS, "lost": 0, "duplicate": 0, "damaged": 0}
    assert found["sessions"] > 0
    assert found["back_s_max"] <= 5.0
