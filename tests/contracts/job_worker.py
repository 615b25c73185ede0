"""A worker in a process of its own, which takes a job and never comes to its end; to be killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.jobs.queue import Effect
from hemoview.cloud.service import Service, open_service
from tests.contracts.job_rig import KINDS


class Endless:
    async def work(self, service: Service, body: dict[str, Any]) -> Effect:
        print("taken", flush=True)
        await asyncio.Event().wait()
        raise AssertionError

    async def give_up(self, conn: AsyncConnection, body: dict[str, Any], why: str) -> None:
        print("given up", flush=True)


async def main(kind: str, folder: Path, url: str) -> None:
    service = await open_service(KINDS[kind].settings(folder, url))
    queue = await KINDS[kind].queue(service)
    queue.serve("count", Endless())
    await queue.keep_working()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
