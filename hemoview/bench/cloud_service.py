"""A service of its own for a benchmark: its process, its beds, and devices enrolled at them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, make_url

from hemoview.cloud import tables
from hemoview.cloud.custody.stores import open_blobs
from hemoview.cloud.database import Database
from hemoview.cloud.service import open_service, wall_us
from hemoview.cloud.settings import ENV, Settings
from recorder.errors import RecorderError
from recorder.sync import signing

START_S: Final = 30.0
STOP_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Station:
    """An enrolled device at a bed."""

    device_id: str
    bed_id: str
    key: Ed25519PrivateKey
    server_id: str

    @property
    def authorization(self) -> str:
        """Header of a request of it."""
        now_s = time.time_ns() // 1_000_000_000
        token = signing.device_token(
            self.key, self.device_id, self.server_id, now_s=now_s, token_id=secrets.token_hex(8)
        )
        return f"Bearer {token}"


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers."""

    host: str
    port: int
    process: subprocess.Popen[str]
    stations: tuple[Station, ...]
    ward_id: str
    settings: Settings

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    @property
    def folder(self) -> Path:
        """Where it keeps what it keeps."""
        return self.settings.folder

    def service_pid(self) -> int | None:
        """Of the service that a supervisor keeps; None while there is none."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else None

    def cpu_s(self) -> float:
        """Processor time it has used."""
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def running(folder: Path, beds: int, *, supervised: bool = False) -> Iterator[Running]:
    """A service in ``folder`` with one ward of ``beds`` beds, a device at each; ended afterwards.

    ``HEMOVIEW_SERVE_…`` variables count as they do for ``hemoview serve``; a server named by ``…DATABASE_URL`` lends it
    a database of its own, and a bucket named by ``…BLOBS_URL`` a prefix of its own.

    Args:
        supervised: it is started again when it dies.

    Raises:
        RecorderError: it does not start.
    """
    with (
        _own_database(Settings.read(None, {"folder": folder, "production": False})) as told,
        _own_prefix(told) as settings,
    ):
        yield from _running(settings, beds, supervised=supervised)


@contextlib.contextmanager
def beside(first: Running) -> Iterator[Running]:
    """Another replica of the same service: what they share is elsewhere, its folder is its own.

    Raises:
        RecorderError: it does not start.
    """
    settings = replace(first.settings, folder=first.folder.with_name("replica"))
    settings.folder.mkdir(mode=0o700)
    with _served(settings, supervised=False) as (host, port, process):
        yield replace(first, host=host, port=port, process=process, settings=settings)


def _running(settings: Settings, beds: int, *, supervised: bool) -> Iterator[Running]:
    ward_id, stations = asyncio.run(_furnish(settings, beds))
    with _served(settings, supervised=supervised) as (host, port, process):
        yield Running(host, port, process, stations, ward_id, settings)


@contextlib.contextmanager
def _served(settings: Settings, *, supervised: bool) -> Iterator[tuple[str, int, subprocess.Popen[str]]]:
    folder = settings.folder
    command = [sys.executable, "-m", "hemoview.cli", "serve", "--folder", str(folder), "--port", "0"]
    command += ["--supervised"] if supervised else []
    environment = {**os.environ, f"{ENV}PRODUCTION": "false", "HEMOVIEW_HOME": str(folder)}
    environment[f"{ENV}DATABASE_URL"] = settings.database_url
    environment[f"{ENV}BLOBS_URL"] = settings.blobs_url
    said = folder / "said.txt"
    with said.open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
    try:
        assert process.stdout is not None
        address = process.stdout.readline()
        while address and "http://" not in address:
            address = process.stdout.readline()
        if not address:
            raise RecorderError(f"the service does not start: {said.read_text()[-400:]}")
        host, _, port = address.rpartition("http://")[2].strip().rpartition(":")
        yield host, int(port), process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def _own_database(settings: Settings) -> Iterator[Settings]:
    if not settings.database_url:
        yield settings
        return
    name = f"bench_{secrets.token_hex(4)}"
    asyncio.run(_on_server(settings, f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"))
    try:
        own = make_url(settings.database_url).set(database=name).render_as_string(hide_password=False)
        yield replace(settings, database_url=own)
    finally:
        asyncio.run(_on_server(settings, f"DROP DATABASE {name} WITH (FORCE)"))


@contextlib.contextmanager
def _own_prefix(settings: Settings) -> Iterator[Settings]:
    if not settings.blobs_url.startswith("s3:"):
        yield settings
        return
    own = replace(settings, blobs_url=f"{settings.blobs_url.rstrip('/')}/bench-{secrets.token_hex(4)}")
    try:
        yield own
    finally:
        asyncio.run(_emptied(own))


async def _emptied(settings: Settings) -> None:
    blobs = open_blobs(settings)
    await blobs.delete([stored.sha256 async for stored in blobs.walk()])


async def _on_server(settings: Settings, statement: str) -> None:
    db = Database(settings.database)
    async with db.engine.connect() as plain:
        conn = await plain.execution_options(isolation_level="AUTOCOMMIT")
        await conn.exec_driver_sql(statement)
    await db.close()


async def _furnish(settings: Settings, beds: int) -> tuple[str, tuple[Station, ...]]:
    service = await open_service(settings)
    site_id, ward_id = str(uuid4()), str(uuid4())
    made = [Station(str(uuid4()), str(uuid4()), signing.new_key(), service.server_id) for _ in range(beds)]
    async with service.db.begin() as conn:
        await conn.execute(insert(tables.site).values(id=site_id, name="Bench"))
        await conn.execute(insert(tables.ward).values(id=ward_id, site_id=site_id, name="Bench"))
        for place, station in enumerate(made, start=1):
            row = {"id": station.bed_id, "ward_id": ward_id, "label": f"{place:03d}", "place": place}
            await conn.execute(insert(tables.bed).values(row))
            await conn.execute(
                insert(tables.device).values(
                    id=station.device_id,
                    name=f"bench-{place}",
                    station=f"bed-{place}",
                    public_key=station.key.public_key().public_bytes_raw(),
                    bed_id=station.bed_id,
                    enrolled_us=wall_us(),
                )
            )
    await service.close()
    return ward_id, tuple(made)
