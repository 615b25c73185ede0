"""The room of people and devices, for :mod:`hemoview.cloud.app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter

from hemoview.cloud.identity import audit_routes, devices, docs, oidc_routes, places, signin, users
from hemoview.cloud.identity.oidc import Provider
from hemoview.cloud.service import Service

router: Final = APIRouter()
for part in (signin, users, places, devices, audit_routes, oidc_routes, docs):
    router.include_router(part.router)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """Nothing runs beside the requests."""
    provider = oidc_routes.provider_of(service.settings)
    if provider is not None:
        service.parts[Provider] = provider
    yield
