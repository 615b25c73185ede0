"""The room of people and devices, for :mod:`hemoview.cloud.app`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter

from hemoview.cloud.identity import (
    audit_routes,
    broker,
    devices,
    docs,
    oidc_routes,
    places,
    signin,
    tls,
    users,
)
from hemoview.cloud.identity.oidc import Provider
from hemoview.cloud.identity.tls import Served
from hemoview.cloud.service import Service

DAY_S: Final = 86_400.0

log = logging.getLogger(__name__)
router: Final = APIRouter()
for part in (signin, users, places, devices, broker, audit_routes, oidc_routes, docs):
    router.include_router(part.router)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """Once a day it is said in the log how long the certificate is good for, when that is not long."""
    broker.begin(service)
    provider = oidc_routes.provider_of(service.settings)
    if provider is not None:
        service.parts[Provider] = provider
    shown = tls.served(service.settings.tls_cert) if service.settings.tls_cert else None
    if shown is None:
        yield
        return
    service.parts[Served] = shown
    saying = asyncio.create_task(_say_daily(service, shown), name="certificate")
    try:
        yield
    finally:
        saying.cancel()


async def _say_daily(service: Service, shown: Served) -> None:
    while True:
        await asyncio.sleep(DAY_S)  # at the start who started it has read it
        if shown.is_due(service.now_us()):
            log.warning(shown.words(service.now_us()))
