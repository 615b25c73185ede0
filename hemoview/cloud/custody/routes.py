"""The room of custody: its routes, and what runs beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter

from hemoview.cloud.custody import blob_routes, download, heartbeat, session_routes
from hemoview.cloud.service import Service

router = APIRouter()
for _part in (blob_routes, session_routes, download, heartbeat):
    router.include_router(_part.router)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """What was left half-done is finished or removed before the first request."""
    await service.blobs.sweep()
    yield
