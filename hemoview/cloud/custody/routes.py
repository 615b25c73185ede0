"""The room of custody: its routes, and what runs beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter

from hemoview.cloud.custody import (
    blob_routes,
    download,
    erase,
    erase_routes,
    heartbeat,
    removal,
    scrub,
    session_routes,
    stocked,
)
from hemoview.cloud.custody.at_once import BodiesAtOnce
from hemoview.cloud.custody.blobstore import StoreAway
from hemoview.cloud.ending import ended
from hemoview.cloud.service import Service

router = APIRouter()
for _part in (blob_routes, session_routes, download, heartbeat, erase_routes):
    router.include_router(_part.router)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """What was left half-done is finished or removed before the first request."""
    service.parts[BodiesAtOnce] = BodiesAtOnce()
    await service.blobs.sweep()
    with suppress(StoreAway):  # both are done again in the rounds of scrubbing
        await stocked.must_hold_ours(service)
        if not service.settings.replicas:
            await removal.finish(service, older_s=0)
    await erase.apply_again(service)
    async with asyncio.TaskGroup() as tasks:
        scrubbing = tasks.create_task(scrub.keep_scrubbing(service), name="scrub")
        yield
        await ended(scrubbing)
