"""What a real PostgreSQL does to a service that receives: be unsafe, die, come back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import insert, make_url

from hemoview.bench import cloud_kills, cloud_service
from hemoview.bench.cloud_service import Running
from hemoview.cloud.database import Database
from hemoview.cloud.settings import ENV
from hemoview.cloud.tables import fact
from recorder.errors import ConfigError
from tests.services.postgres_rig import Server, own_server

pytestmark = pytest.mark.services
KILLS = 50


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with own_server() as server:
        yield server


def test_a_database_that_will_not_do_is_refused(server: Server) -> None:
    async def upgrade(url: str) -> None:
        db = Database(url)
        try:
            await db.upgrade()
        finally:
            await db.close()

    latin = server.fresh("latin", "ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(ConfigError, match="UTF8"):
        asyncio.run(upgrade(latin))
    with pytest.raises(ConfigError, match="cannot be used") as told:
        asyncio.run(upgrade("postgresql://hemoview:secret@127.0.0.1:9/hemoview"))
    assert "secret" not in str(told.value)
    nobodys = make_url(server.url).set(database="nobodys").render_as_string(hide_password=False)
    with pytest.raises(ConfigError, match="does not exist"):
        asyncio.run(upgrade(nobodys))


def test_connections_that_died_with_the_server_are_replaced(server: Server) -> None:
    async def run(url: str) -> None:
        db = Database(url)
        await db.upgrade()
        server.kill()
        server.start()
        async with db.begin() as conn:
            await conn.execute(insert(fact).values(name="after", value="1"))
        await db.close()

    asyncio.run(run(server.fresh("killed")))


def test_while_it_is_away_bedsides_are_told_to_come_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{ENV}DATABASE_URL", server.url)
    with cloud_service.running(tmp_path / "service", 1) as service:
        http = httpx.Client(base_url=f"http://{service.host}:{service.port}", trust_env=False)
        asked = {"Authorization": service.stations[0].authorization}
        assert http.get("/healthz").status_code == 200
        server.kill()
        try:
            reply = http.post("/v1/blobs/missing", json={"ids": []}, headers=asked)
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
            assert "database" in reply.json()["detail"]
            ready = http.get("/readyz")
            assert ready.status_code == 503 and "the database does not answer" in ready.text
        finally:
            server.start()
        assert http.post("/v1/blobs/missing", json={"ids": []}, headers=asked).status_code == 200
        http.close()


def test_killed_while_the_service_receives_it_loses_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def victim(_: Running) -> None:
        server.kill()
        server.start()

    monkeypatch.setenv(f"{ENV}DATABASE_URL", server.url)
    found = cloud_kills.run(kills=KILLS, victim=victim)
    told = {name: found[name] for name in ("kills", "lost", "duplicate", "damaged")}
    assert told == {"kills": KILLS, "lost": 0, "duplicate": 0, "damaged": 0}
    assert found["sessions"] > 0
    assert found["back_s_max"] <= 5.0
