"""The room of custody: its routes, and what runs beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter

from hemoview.cloud.custody import blob_routes, session_routes
from hemoview.cloud.service import Service

router = APIRouter()
router.include_router(blob_routes.router)
router.include_router(session_routes.router)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """What was left half-done is finished or removed before the first request."""
    await service.blobs.sweep()
    yield
