"""Composition root of the service: rooms, their routes, start and end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, Protocol

from fastapi import APIRouter, FastAPI
from sqlalchemy import select

from hemoview.cloud import problems
from hemoview.cloud.armour import Armour
from hemoview.cloud.custody import routes as custody
from hemoview.cloud.fhir import routes as fhir
from hemoview.cloud.identity import broker
from hemoview.cloud.identity import routes as identity
from hemoview.cloud.identity.refusals import Watch
from hemoview.cloud.identity.tls import Served
from hemoview.cloud.jobs import routes as jobs
from hemoview.cloud.keys import public_bytes
from hemoview.cloud.live import routes as live
from hemoview.cloud.proxied import Proxied
from hemoview.cloud.reports import routes as reports
from hemoview.cloud.service import Here, Service, open_service, wall_us
from hemoview.cloud.settings import Settings
from hemoview.cloud.tables import fact
from hemoview.cloud.web import routes as web
from recorder import __version__
from recorder.sync import protocol, signing


class Room(Protocol):
    """A room of the service: its routes, and what runs while the service does."""

    router: APIRouter

    def running(self, service: Service) -> Any:
        """An async context manager around the service's life."""
        ...


ROOMS: Final[tuple[Room, ...]] = (
    custody,
    identity,
    web,
    live,
    jobs,
    reports,
    fhir,
)
"""One a line; modules ``hemoview.cloud.<room>.routes`` have both names of a :class:`Room`."""

general = APIRouter()


@general.get("/healthz", tags=["service"])
async def healthz(service: Here) -> dict[str, Any]:
    """The process answers and its database does; ``certificate``: of its own TLS, what whoever watches it looks at."""
    async with service.db.read() as conn:
        await conn.execute(select(fact.c.name).limit(1))
    shown: Served | None = service.parts.get(Served)
    told = None
    if shown is not None:
        now_us = service.now_us()
        told = {
            "ends_us": round(shown.ends.timestamp() * 1e6),
            "days": shown.days(now_us),
            "renew": shown.is_due(now_us),
        }
    return {"ok": True, "software": __version__, "certificate": told}


@general.get("/v1/hello", tags=["service"])
async def hello(service: Here) -> dict[str, Any]:
    """Who this service is: a bedside pins the id and the signing key when it enrols, and sets no clock by it."""
    facts = {
        "server_id": service.server_id,
        "server_us": service.now_us(),
        "software": __version__,
        "signing_public_key": public_bytes(service.keys.signing).hex(),
        "wrapping_public_key": public_bytes(service.keys.wrapping).hex(),
        "wrapping_key_id": service.keys.wrapping_id,
        "production": service.settings.production,
        "protocol": protocol.OURS,
    }
    return signing.sign_hello(service.keys.signing, facts | broker.offered(service))


def build(
    settings: Settings, now_us: Callable[[], int] = wall_us, rooms: tuple[Room, ...] = ROOMS
) -> FastAPI:
    """The application. Database, keys and rooms open when it starts and close when it ends."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        service = await open_service(settings, now_us)
        app.state.service = service
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(service.lead.running())
                for room in rooms:
                    await stack.enter_async_context(room.running(service))
                yield
        finally:
            await service.close()

    app = FastAPI(
        title="HemoView service",
        version=__version__,
        description="Research use only: never for treatment, never for alarms.",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses=problems.DESCRIBED,
    )
    problems.install(app)
    app.include_router(general)
    for room in rooms:
        app.include_router(room.router)
    app.add_middleware(Watch)
    app.add_middleware(Armour, secure=settings.is_secure)
    if settings.socket is not None:
        app.add_middleware(Proxied)
    return app
