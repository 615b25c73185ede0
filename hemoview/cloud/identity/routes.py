"""The room of people and devices, for :mod:`hemoview.cloud.app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter

from hemoview.cloud.identity import audit_routes, devices, places, signin, users
from hemoview.cloud.service import Service

router: Final = APIRouter()
for part in (signin, users, places, devices, audit_routes):
    router.include_router(part.router)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:  # noqa: ARG001 – as every room's
    """Nothing runs beside the requests."""
    yield
