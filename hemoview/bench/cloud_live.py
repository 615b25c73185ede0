"""The live path measured: N beds tell once a second, browsers watch, segments come in beside, all on one machine.

Beds and browsers are processes of their own with real WebSockets. A message carries the monotonic time of its sending,
which is one clock on one machine, and the browsers take the time when the text is in their hands. Where the settings
say that there are replicas, beds tell one of them and browsers watch at another.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
from sqlalchemy import insert
from websockets.asyncio.client import ClientConnection, connect

from hemoview.bench import cloud_record, cloud_service
from hemoview.bench.cloud_bed import message
from hemoview.bench.cloud_service import Running
from hemoview.cloud import tables
from hemoview.cloud.asking import COOKIE, hash_of
from hemoview.cloud.database import Database
from hemoview.cloud.service import wall_us
from recorder.errors import RecorderError
from recorder.host.console import progress
from recorder.sync.uplink.websocket import PATH
from recorder.sync.uplink.wire import HEAD_EVERY

BROWSERS: Final = 4
WARM_UP_S: Final = 3.0
MEASURED_S: Final = 12.0
LATEST_S: Final = 2.0
"""What is sent at the end of the time measured has so long to arrive."""
CLOSE_S: Final = 0.5
"""A connection that nobody reads from any more is not waited for."""
START_S: Final = 60.0
END_S: Final = 20.0
_SENT: Final = re.compile(r'"phase":"sent (\d+)"')
_START: Final = "spawn"


@dataclass(frozen=True, slots=True)
class Where:
    """A service, as its load sees it; travels to other processes.

    Args:
        beds_at, browsers_at: host and port.
    """

    beds_at: str
    browsers_at: str
    ward_id: str
    cookie: str
    tokens: tuple[str, ...]


def run(*, beds: int, seconds: float = MEASURED_S) -> dict[str, Any]:
    """Measure.

    Args:
        beds: that are live.
        seconds: measured, after a while to get going.

    Raises:
        RecorderError: the service or its load does not start.
    """
    with (
        tempfile.TemporaryDirectory(prefix="hemoview-live-") as folder,
        progress(f"{beds} beds live", seconds) as tell,
        cloud_service.running(Path(folder) / "service", beds) as service,
        _watched(service) as watched,
    ):
        cookie = asyncio.run(_watcher(service))
        tokens = tuple(station.authorization for station in service.stations)
        where = Where(service.address, watched.address, service.ward_id, cookie, tokens)
        with _load(where) as load:
            _wait(WARM_UP_S)
            begins_ns, cpu_s, there_s = time.monotonic_ns(), service.cpu_s(), watched.cpu_s()
            with _segments_beside(service) as beside:
                for done in range(int(seconds)):
                    tell(done, "")
                    _wait(1.0)
            ends_ns = time.monotonic_ns()
            _wait(LATEST_S)
            lasted_s = (time.monotonic_ns() - begins_ns) / 1e9
            cores = {"cpu_cores": round((service.cpu_s() - cpu_s) / lasted_s, 2)}
            if watched is not service:
                cores["cpu_cores_of_replica"] = round((watched.cpu_s() - there_s) / lasted_s, 2)
            seen = load.results()
        return _told(beds, seen, begins_ns, ends_ns) | {
            **cores,
            "lost": beside.lost(),
            "record_files_beside": beside.files,
        }


@contextmanager
def _watched(service: Running) -> Iterator[Running]:
    """Where browsers look: at another replica, if the settings say that there are any."""
    if not service.settings.replicas:
        yield service
        return
    with cloud_service.beside(service) as other:
        yield other


def _told(beds: int, seen: Sequence[tuple[int, int]], begins_ns: int, ends_ns: int) -> dict[str, Any]:
    """Of messages sent within the time measured: those that every browser got, and how late."""
    within = [(sent, got) for sent, got in seen if begins_ns <= sent < ends_ns]
    if not within:
        raise RecorderError("no message came through; see whether the machine is overloaded")
    late_ms = np.array([(got - sent) / 1e6 for sent, got in within])
    expected = BROWSERS * len({sent for sent, _ in within})
    return {
        "beds": beds,
        "bed_to_browser_p50_ms": round(float(np.percentile(late_ms, 50)), 1),
        "bed_to_browser_p99_ms": round(float(np.percentile(late_ms, 99)), 1),
        "bed_to_browser_max_ms": round(float(late_ms.max()), 1),
        "live_messages_per_s": round(len(within) / BROWSERS / ((ends_ns - begins_ns) / 1e9), 1),
        "live_not_seen": expected - len(within),
        "browsers": BROWSERS,
    }


def _wait(seconds: float) -> None:
    time.sleep(seconds)


async def _watcher(service: Running) -> str:
    """Somebody who has signed in to watch the ward; their cookie."""
    db = Database(service.settings.database)
    user_id, cookie, now_us = str(uuid4()), secrets.token_urlsafe(32), wall_us()
    until_us = now_us + 3_600_000_000
    user = {"id": user_id, "name": "bench", "display": "Bench", "created_us": now_us}
    grant = {"id": str(uuid4()), "user_id": user_id, "role": "operator", "ward_id": service.ward_id}
    login = {"token_sha256": hash_of(cookie), "user_id": user_id, "csrf": secrets.token_urlsafe(16)}
    async with db.begin() as conn:
        await conn.execute(insert(tables.user_account).values(**user))
        await conn.execute(insert(tables.role_grant).values(**grant, granted_by="bench", granted_us=now_us))
        await conn.execute(
            insert(tables.login).values(**login, created_us=now_us, expires_us=until_us, last_seen_us=now_us)
        )
    await db.close()
    return cookie


# ---- the load


@dataclass(frozen=True, slots=True)
class _Flags:
    """Between the processes: browsers watch, beds tell, it is over."""

    watching: Any
    telling: Any
    over: Any


@dataclass(slots=True)
class _Load:
    """Beds and browsers at work."""

    queue: Any
    processes: list[Any]
    flags: _Flags

    def results(self) -> list[tuple[int, int]]:
        """End it; (sent, seen), monotonic ns, of every message at every browser.

        Raises:
            RecorderError: a process failed.
        """
        self.flags.over.set()
        told: list[tuple[int, int]] = []
        for _ in self.processes:
            found = self.queue.get(timeout=END_S)
            if isinstance(found, str):
                raise RecorderError(f"the load failed: {found}")
            told += found
        return told


@contextmanager
def _load(where: Where) -> Iterator[_Load]:
    context = multiprocessing.get_context(_START)
    queue, flags = context.Queue(), _Flags(context.Event(), context.Event(), context.Event())
    jobs = [context.Process(target=_work, args=(name, where, flags, queue), daemon=True) for name in _WORK]
    for job in jobs:
        job.start()
    try:
        if not flags.telling.wait(START_S):
            raise RecorderError("beds and browsers do not start; see whether the machine is overloaded")
        yield _Load(queue, jobs, flags)
    finally:
        flags.over.set()
        for job in jobs:
            job.join(END_S)
            if job.is_alive():
                job.kill()


def _work(name: str, where: Where, flags: _Flags, queue: Any) -> None:
    try:
        queue.put(asyncio.run(_WORK[name](where, flags)))
    except Exception as error:  # noqa: BLE001 – told to the process that waits for it
        queue.put(f"{name}: {type(error).__name__}: {error}")


async def _beds(where: Where, flags: _Flags) -> list[tuple[int, int]]:
    """Every bed at its own moment of the second, once all browsers watch."""
    await asyncio.to_thread(flags.watching.wait, START_S)
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(
                connect(
                    f"ws://{where.beds_at}{PATH}",
                    additional_headers={"Authorization": token},
                    compression=None,
                    proxy=None,
                    close_timeout=CLOSE_S,
                )
            )
            for token in where.tokens
        ]
        flags.telling.set()
        await asyncio.gather(*(_bed(socket, n, flags) for n, socket in enumerate(sockets)))
    return []


async def _bed(socket: ClientConnection, number: int, flags: _Flags) -> None:
    luck = random.Random(number)
    told = message(number, luck)
    whole = {n: told.pop(n) for n in ("head", "footer")}
    loop = asyncio.get_running_loop()
    due_s, seq = loop.time() + luck.random(), 0
    while not flags.over.is_set():
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        due_s += 1.0
        seq += 1
        told["seq"], told["t_us"] = seq, time.time_ns() // 1000
        for wave in told["waves"].values():
            wave["t0_us"] = told["t_us"] - 1_000_000
        told["state"]["phase"] = f"sent {time.monotonic_ns()}"
        also = whole if seq % HEAD_EVERY == 1 else {}
        await socket.send(json.dumps(told | also, separators=(",", ":")))


async def _browsers(where: Where, flags: _Flags) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(
                connect(
                    f"ws://{where.browsers_at}/v1/live?ward={where.ward_id}",
                    origin=f"http://{where.browsers_at}",  # type: ignore[arg-type]
                    additional_headers={"Cookie": f"{COOKIE}={where.cookie}"},
                    compression=None,
                    proxy=None,
                    max_size=None,
                    close_timeout=CLOSE_S,
                )
            )
            for _ in range(BROWSERS)
        ]
        flags.watching.set()
        reading = [asyncio.create_task(_read(socket, seen)) for socket in sockets]
        await asyncio.to_thread(flags.over.wait)
        if any(task.done() for task in reading):
            raise RecorderError("the service closed a browser's connection")
        for task in reading:
            task.cancel()
    return seen


async def _read(socket: ClientConnection, seen: list[tuple[int, int]]) -> None:
    async for text in socket:
        got = time.monotonic_ns()
        if isinstance(text, str) and text.startswith('{"type":"bed"'):
            sent = _SENT.search(text)
            if sent is not None:
                seen.append((int(sent[1]), got))


_WORK: Final[dict[str, Any]] = {"beds": _beds, "browsers": _browsers}


# ---- the record path beside it


class _Beside:
    """Sessions handed over, one after another, while the beds are live: more than what as many beds seal."""

    EVERY_S: Final = 1.0
    FILES: Final = 3
    BYTES: Final = 60_000

    def __init__(self, service: Running) -> None:
        self.files = 0
        self._service, self._hello = service, cloud_record.hello_of(service)
        self._sent: list[cloud_record.Sent] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record-path", daemon=True)
        self._trouble = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End, once the session under way is there."""
        self._ending.set()
        self._thread.join(END_S)

    def lost(self) -> int:
        """Files under a receipt that the service lacks when it is asked again.

        Raises:
            RecorderError: handing over failed.
        """
        if self._trouble:
            raise RecorderError(f"record path beside the live path: {self._trouble}")
        return sum(one.hand_over(self._service) for one in self._sent)

    def _run(self) -> None:
        try:
            while not self._ending.wait(self.EVERY_S):
                self._hand_over()
        except (RecorderError, OSError) as error:
            self._trouble = str(error)

    def _hand_over(self) -> None:
        number, stations = len(self._sent), self._service.stations
        content = {f"segments/adc.wave-{n:04d}.parquet": os.urandom(self.BYTES) for n in range(self.FILES)}
        one = cloud_record.Sent(
            stations[number % len(stations)], self._hello, f"beside-{number:05d}", content
        )
        one.hand_over(self._service)
        self._sent.append(one)
        self.files += len(content)


@contextmanager
def _segments_beside(service: Running) -> Iterator[_Beside]:
    beside = _Beside(service)
    beside.start()
    try:
        yield beside
    finally:
        beside.end()
