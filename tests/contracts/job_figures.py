"""How fast each queue of jobs is; by hand: ``python -m tests.contracts.job_figures`` under ``.ci/services.py``."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.jobs import courier
from hemoview.cloud.jobs.procrastinate_queue import Pace, Procrastinate
from hemoview.cloud.jobs.queue import Effect, JobQueue
from hemoview.cloud.service import Service, open_service
from tests.contracts.job_rig import KINDS, put, until_over, working

JOBS = 500
ALONE = 300


class Prompt:
    """Notes when each begins; nothing comes of it."""

    def __init__(self) -> None:
        self.began: dict[int, float] = {}

    async def work(self, service: Service, body: dict[str, Any]) -> Effect:
        self.began[body["n"]] = time.monotonic()
        return _nothing

    async def give_up(self, conn: AsyncConnection, body: dict[str, Any], why: str) -> None:
        raise AssertionError(why)


async def _nothing(_: AsyncConnection) -> None:
    pass


async def measure(name: str, folder: Path) -> None:
    kind = KINDS[name]
    service = await open_service(kind.settings(folder / "service", kind.url()))
    queue: JobQueue = await kind.queue(service)
    if isinstance(queue, Procrastinate):
        queue = Procrastinate(service, pace=Pace())  # as the product has it
    handler = Prompt()
    queue.serve("count", handler)
    await put(service, queue, *range(JOBS))
    began = time.monotonic()
    async with working(queue):
        await until_over(service, within_s=300)
        per_s = JOBS / (time.monotonic() - began)
        waits = []
        for n in range(JOBS, JOBS + ALONE):
            was_put = time.monotonic()
            await put(service, queue, n)
            while n not in handler.began:
                await asyncio.sleep(0.0005)
            waits.append(1000 * (handler.began[n] - was_put))
            await asyncio.sleep(0.02)
    await service.close()
    waits.sort()
    print(
        f"{name}: {per_s:.0f} jobs/s; put to start p50 {waits[ALONE // 2]:.1f} ms, "
        f"p99 {waits[ALONE * 99 // 100]:.1f} ms, worst {waits[-1]:.1f} ms"
    )


def main() -> None:
    """One after the other."""
    print(f"{JOBS} at once, then {ALONE} one by one; a pool of {courier.CONNECTIONS} for procrastinate")
    for name in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(name, Path(folder)))


if __name__ == "__main__":
    main()
