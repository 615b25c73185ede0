"""The service killed in the midst of receiving, again and again: nothing lost, nothing twice, soon back."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from hemoview.bench import cloud_service
from hemoview.bench.cloud_record import BIG_BYTES, SENDERS, Link, NotNow, Sent, hello_of
from hemoview.bench.cloud_service import Running
from hemoview.cloud import tables
from hemoview.cloud.custody.scrub import scrub
from hemoview.cloud.service import open_service
from hemoview.cloud.settings import Settings
from recorder.errors import RecorderError
from recorder.host.console import progress
from recorder.sync import custody

FILES: Final = 4
"""Bodies of 4 MiB in a session."""
SENDS_WITHIN_S: Final = 60.0
LIVES_S: Final = 0.6
"""The service is killed so long at most after it answers again, in the midst of a body."""
LOOK_S: Final = 0.002


def kill_service(service: Running) -> int | None:
    """Its process, at once; the id it had."""
    pid = service.service_pid()
    if pid is None:
        raise RecorderError("the service is not running")
    os.kill(pid, signal.SIGKILL)
    return pid


def run(
    *, kills: int, seed: int = 1, victim: Callable[[Running], int | None] = kill_service
) -> dict[str, Any]:
    """Kill something ``kills`` times while the service receives; count what is there afterwards.

    Args:
        victim: kills it, and has it started again where nothing else does; the id of the service's process where that
            is gone.

    Raises:
        RecorderError: the service does not start or does not come back.
    """
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="hemoview-kills-") as name, progress("kills", kills) as tell:
        folder = Path(name) / "service"
        with cloud_service.running(folder, SENDERS, supervised=True) as service:
            crowd = _Crowd(service)
            back_s: list[float] = []
            try:
                for number in range(kills):
                    time.sleep(rng.uniform(0, LIVES_S))
                    back_s.append(_kill(service, crowd, victim))
                    tell(number + 1, f"{number + 1} of {kills}, back within {max(back_s):.1f} s")
            finally:
                done = crowd.stop()
            service.process.terminate()
            service.process.wait()
            found = asyncio.run(_count(service.settings, done))
    return {
        "kills": kills,
        "sessions": len(done),
        "tries": crowd.tries,
        "back_s_max": round(max(back_s, default=0.0), 2),
        "back_s_mean": round(sum(back_s) / max(len(back_s), 1), 2),
        **found,
    }


class _Crowd:
    """Bedsides that hand over one session after the other and try again whenever the service is gone."""

    def __init__(self, service: Running) -> None:
        self.tries = 0
        self._service = service
        self._hello = hello_of(service)
        self._done: list[Sent] = []
        self._stopping = threading.Event()
        self._failed: list[Exception] = []
        self._threads = [
            threading.Thread(target=self._send, args=(n,), name=f"bed-{n}") for n in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[Sent]:
        """Finish what was begun; every session that has a verified receipt.

        Raises:
            RecorderError: one could not be handed over.
        """
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self.check()
        return self._done

    def check(self) -> None:
        """Whether all are at work.

        Raises:
            RecorderError: one gave up.
        """
        if self._failed:
            raise RecorderError(f"a session could not be handed over: {self._failed[0]}") from self._failed[0]

    def _send(self, bed: int) -> None:
        number = 0
        try:
            while not self._stopping.is_set():
                names = (f"segments/adc.wave-{n:04d}.parquet" for n in range(FILES))
                files = {name: os.urandom(BIG_BYTES - custody.TAG_BYTES) for name in names}
                one = Sent(self._service.stations[bed], self._hello, f"bed-{bed}-{number:05d}", files)
                self._until_done(one)
                one.files = dict.fromkeys(files, b"")  # the service has it now
                self._done.append(one)
                number += 1
        except Exception as error:  # noqa: BLE001 – told by stop()
            self._failed.append(error)

    def _until_done(self, one: Sent) -> None:
        deadline = float("inf")
        while True:
            if self._stopping.is_set():  # nobody kills the service any more
                deadline = min(deadline, time.monotonic() + SENDS_WITHIN_S)
            self.tries += 1
            try:
                one.hand_over(self._service)
            except (OSError, http.client.HTTPException, NotNow):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return


def _kill(service: Running, crowd: _Crowd, victim: Callable[[Running], int | None]) -> float:
    """Kill it while a body is on its way; seconds until it answers again."""
    is_elsewhere = service.settings.blobs_url.startswith("s3:")
    incoming = service.settings.spool if is_elsewhere else service.folder / "blobs" / "incoming"
    deadline = time.monotonic() + SENDS_WITHIN_S
    while not any(incoming.iterdir()):
        crowd.check()
        if time.monotonic() > deadline:
            raise RecorderError("the service received nothing for a minute")
        time.sleep(LOOK_S)
    return _back(service, victim(service), time.monotonic())


def _back(service: Running, old: int | None, killed: float) -> float:
    while time.monotonic() - killed < SENDS_WITHIN_S:
        if service.service_pid() not in {None, old}:
            with (
                contextlib.suppress(OSError, http.client.HTTPException, RecorderError),
                Link(service, service.stations[0]) as link,
            ):
                link.ask("GET", "/healthz")
                return time.monotonic() - killed
        time.sleep(0.05)
    raise RecorderError("the service did not come back within a minute")


async def _count(settings: Settings, done: list[Sent]) -> dict[str, int]:
    """What the stopped service has, against what was handed over."""
    service = await open_service(settings)
    try:
        async with service.db.read() as conn:
            rows = (await conn.execute(select(tables.session_file))).all()
            receipts = len((await conn.execute(select(tables.manifest.c.rev))).all())
            blobs = set((await conn.execute(select(tables.blob.c.sha256))).scalars())
        named = Counter((row.session_id, row.name) for row in rows)
        wanted = {(one.session_id, name) for one in done for name in one.files}
        stored = [found.sha256 async for found in service.blobs.walk()]
        damaged = (await scrub(service, 1.0)).damaged
        return {
            "lost": len(wanted - named.keys()) + len({r.blob_sha256 for r in rows} - set(stored)),
            "duplicate": sum(n - 1 for n in named.values()) + len(stored) - len(set(stored)),
            "damaged": len(damaged),
            "unclaimed": len(set(stored) - blobs),
            "receipts": receipts,
        }
    finally:
        await service.close()
