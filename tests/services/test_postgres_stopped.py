"""A process of the service is stopped while it writes: how long nobody else can."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from hemoview.cloud import postgres
from hemoview.cloud.custody import ledger
from hemoview.cloud.database import Database
from tests.services.postgres_rig import Server, own_server

pytestmark = pytest.mark.services
OTHER = """
import asyncio, sys
from sqlalchemy import text
from hemoview.cloud.database import Database

async def main(url):
    db = Database(url)
    async with db.begin() as conn:
        await conn.execute(text("INSERT INTO written VALUES ('half')"))
        print("writes", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with own_server() as server:
        yield server


@contextmanager
def stopped_while_it_writes(url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", OTHER, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "writes\n"
            os.kill(process.pid, signal.SIGSTOP)
            yield process
        finally:
            process.kill()


def test_who_is_stopped_while_it_writes_keeps_others_from_it_for_seconds(server: Server) -> None:
    """And what it had begun to write is not there, also when it goes on."""
    url = server.fresh("stopped")

    async def work() -> None:
        db = Database(url)
        async with db.begin() as conn:
            await conn.execute(text("CREATE TABLE written (what text)"))
        with stopped_while_it_writes(url) as process:
            began_s = time.monotonic()
            async with db.begin() as conn:  # waits, and does not fail
                await conn.execute(text("INSERT INTO written VALUES ('whole')"))
            waited_s = time.monotonic() - began_s
            assert waited_s < postgres.WRITES_S + 3
            os.kill(process.pid, signal.SIGCONT)
            process.communicate("\n", timeout=20)
            assert process.returncode != 0  # it is told that its transaction has ended
        async with db.read() as conn:
            assert (await conn.execute(text("SELECT what FROM written"))).scalars().all() == ["whole"]
        await db.close()

    asyncio.run(work())


def test_the_longest_honest_silence_is_left_alone_and_readers_have_more(server: Server) -> None:
    url = server.fresh("silent")

    async def said(db: Database, how: str) -> str:
        async with db.read() if how == "read" else db.begin() as conn:
            return str((await conn.exec_driver_sql("SHOW idle_in_transaction_session_timeout")).scalar_one())

    async def work() -> None:
        db = Database(url)
        assert [await said(db, how) for how in ("write", "read", "write")] == [
            f"{postgres.WRITES_S}s", "1min", f"{postgres.WRITES_S}s",
        ]  # fmt: skip
        async with db.begin() as conn:
            await asyncio.sleep(ledger.LOOK_S + 1)
            assert (await conn.execute(text("SELECT 1"))).scalar_one() == 1
        await db.close()

    asyncio.run(work())
    assert ledger.LOOK_S * 2 <= postgres.WRITES_S < 20
