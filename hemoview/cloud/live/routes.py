"""Routes of the live room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from ipaddress import ip_address
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response, WebSocket
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from hemoview.cloud import asking as who
from hemoview.cloud import audit
from hemoview.cloud.asking import Person, origin_of, require
from hemoview.cloud.identity import trail
from hemoview.cloud.live import trends, watch
from hemoview.cloud.live.bindings import confirm
from hemoview.cloud.live.bus import LiveBus
from hemoview.cloud.live.counts import CONTENT_TYPE
from hemoview.cloud.live.door import Door
from hemoview.cloud.live.ingest import serve as serve_bedside
from hemoview.cloud.live.places import router as places
from hemoview.cloud.live.ready import readiness
from hemoview.cloud.live.room import Live
from hemoview.cloud.live.store import keep_binding, shows_another
from hemoview.cloud.live.upkeep import Upkeep
from hemoview.cloud.principals import Action, Principal, ward_filter
from hemoview.cloud.problems import Problem, problem_response
from hemoview.cloud.service import Here, Service, service_of
from hemoview.cloud.tables import bed, site, ward
from recorder.schema import PARAMETERS

router = APIRouter(tags=["live"])
router.include_router(places)

Watcher = Annotated[Principal, Depends(require(Action.SEE_WARD))]
Confirmer = Annotated[Principal, Depends(require(Action.CONFIRM_BED))]
_WARDS: Final = select(
    ward.c.id,
    ward.c.name,
    ward.c.site_id,
    site.c.name.label("site"),
    select(func.count()).where(bed.c.ward_id == ward.c.id).scalar_subquery().label("beds"),
).join(site, site.c.id == ward.c.site_id)
CHANGED: Final = "the bed shows another session by now; look again before you confirm"
_PARAMETERS: Final = "^(" + "|".join(PARAMETERS) + ")$"


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """The live room, for as long as the service runs."""
    live = Live(service, _bus(service))
    service.parts[Live] = live
    door = service.parts[Door] = Door(live)
    async with Upkeep(live).running(), _intake(service, door):
        yield


@asynccontextmanager
async def _intake(service: Service, door: Door) -> AsyncIterator[None]:
    """Of bedsides that come over the broker, where they are told of one."""
    if not (service.settings.bus_url and service.settings.bus_public_url):
        yield
        return
    from hemoview.cloud.live.intake import Intake  # noqa: PLC0415 – as below

    async with Intake(door, service.settings.bus_access).running():
        yield


def _bus(service: Service) -> LiveBus | None:
    """To the other replicas, where the settings name a broker."""
    access = service.settings.bus_access
    if not access.url:
        return None
    from hemoview.cloud.live.mqtt import MqttBus  # noqa: PLC0415 – a service by itself needs none of it

    return MqttBus(access)


# ---- as it happens


@router.websocket("/v1/live/ingest")
async def ingest(socket: WebSocket) -> None:
    """A bedside's own connection: a message a second."""
    service = service_of(socket)
    try:
        device = await who.device(socket)
    except Problem as problem:
        await watch.refuse(socket, problem)
        return
    await serve_bedside(socket, service.part(Door), device)


@router.websocket("/v1/live")
async def live(socket: WebSocket) -> None:
    """A ward, for a browser."""
    service, ward_id = service_of(socket), socket.query_params.get("ward", "")
    room = service.part(Live)
    with ExitStack() as held:
        try:
            person = await watch.viewer(socket, service, ward_id)
            held.enter_context(room.connections.seat(person.id))
        except Problem as problem:
            await watch.refuse(socket, problem)
            return
        await trail.looked(socket, person, "ward.look", ward_id)
        await watch.serve(socket, room, ward_id)


# ---- as it stands


@router.get("/v1/wards")
async def wards(service: Here, person: Watcher) -> dict[str, Any]:
    """The wards this person may watch; ``beds`` is how many each has."""
    query = _WARDS.where(ward_filter(person, Action.SEE_WARD)).order_by(site.c.name, ward.c.name, ward.c.id)
    async with service.db.read() as conn:
        return {"wards": [dict(row) for row in (await conn.execute(query)).mappings()]}


@router.get("/v1/wards/{ward_id}")
async def one_ward(ward_id: str, service: Here, person: Watcher) -> dict[str, Any]:
    """A ward and its beds at their places."""
    query = _WARDS.where(ward.c.id == ward_id, ward_filter(person, Action.SEE_WARD))
    beds_of = select(bed.c.id, bed.c.label, bed.c.place).where(bed.c.ward_id == ward_id)
    async with service.db.read() as conn:
        found = (await conn.execute(query)).mappings().first()
        if found is None:
            raise Problem(404, "there is no such ward")
        beds = (await conn.execute(beds_of.order_by(bed.c.place))).mappings().all()
    return dict(found) | {"beds": [dict(row) for row in beds]}


@router.get("/v1/wards/{ward_id}/state")
async def ward_state(ward_id: str, request: Request, service: Here, person: Watcher) -> dict[str, Any]:
    """What the live connection tells first: every bed of a ward, the empty ones too."""
    allowed = ward_filter(person, Action.SEE_WARD)
    async with service.db.read() as conn:
        found = (await conn.execute(select(ward.c.id).where(ward.c.id == ward_id, allowed))).first()
    told = await service.part(Live).ward_told(ward_id) if found else None
    if told is None:
        raise Problem(404, "there is no such ward")
    await trail.looked(request, person, "ward.look", ward_id)
    return told


class Confirmation(BaseModel):
    """Which session somebody saw at the bed."""

    model_config = ConfigDict(extra="forbid")
    session_id: str = Field(min_length=1, max_length=64)


@router.post("/v1/beds/{bed_id}/confirm")
async def confirm_bed(
    bed_id: str, body: Confirmation, request: Request, service: Here, person: Confirmer
) -> dict[str, Any]:
    """Somebody at the bed says that it shows the right session (safety rule 5)."""
    allowed = ward_filter(person, Action.CONFIRM_BED)
    query = select(bed.c.id).join(ward, ward.c.id == bed.c.ward_id).where(bed.c.id == bed_id, allowed)
    async with service.db.read() as conn:
        found = (await conn.execute(query)).first()
    if found is None:
        raise Problem(404, "there is no such bed")
    room = service.part(Live)
    now = room.board.beds.get(bed_id)
    if now is None or now.binding is None or now.binding.session_id != body.session_id:
        raise Problem(409, CHANGED)
    confirmed = confirm(now.binding, person.name, service.now_us())
    entry = audit.Entry(
        service.now_us(),
        person.name,
        "bed.confirm",
        bed_id,
        origin=origin_of(request),
        detail=f'{{"session_id":"{body.session_id}"}}',
    )
    async with service.db.begin() as conn:
        await audit.append(conn, entry)
        if now.binding is None or now.binding.session_id != body.session_id:  # while we waited for our turn
            raise Problem(409, CHANGED)
        if await shows_another(conn, now):  # told to another replica, and this one cannot hear of it just now
            raise Problem(409, CHANGED)
        await keep_binding(conn, bed_id, confirmed)
        now.binding = confirmed
    room.confirmed(now, confirmed)
    return {"bed_id": bed_id, "binding": confirmed.to_json()}


class Wanted(BaseModel):
    """A span of a parameter, at most so many points."""

    model_config = ConfigDict(extra="forbid")
    parameter: Annotated[str, Field(pattern=_PARAMETERS)]
    from_us: Annotated[int, Field(ge=0, le=2**53)]
    to_us: Annotated[int, Field(ge=0, le=2**53)]
    points: Annotated[int, Field(ge=2, le=trends.POINTS_MAX)] = trends.POINTS_MAX


@router.get("/v1/sessions/{session_id}/trend")
async def session_trend(
    session_id: str, wanted: Annotated[Wanted, Query()], request: Request, service: Here, person: Person
) -> dict[str, Any]:
    """What the live path showed of a parameter; the record, not this, is what reports are made of."""
    if not wanted.from_us < wanted.to_us:
        raise Problem(422, "from_us must be before to_us")
    span = trends.span_of(session_id, wanted.parameter, wanted.from_us, wanted.to_us, wanted.points)
    async with service.db.read() as conn:
        told = await trends.trend(conn, person, span)
    await trail.looked(request, person, "trend.look", session_id)
    return told


# ---- for machines


def _only_here(request: Request) -> None:
    """Asked from this machine itself, not through a proxy; for anybody else there is no such page."""
    is_behind, client = service_of(request).settings.socket is not None, request.client
    try:
        here = client is None if is_behind else client is not None and ip_address(client.host).is_loopback
    except ValueError:
        here = False
    if not here:
        raise Problem(404, "there is nothing here")


@router.get("/metrics", include_in_schema=False, dependencies=[Depends(_only_here)])
async def metrics(service: Here) -> Response:
    """For Prometheus, on this machine only."""
    room = service.part(Live)
    page = await room.counts.page(service, room.readers, room.bus)
    return Response(page, media_type=CONTENT_TYPE)


@router.get("/readyz", tags=["service"])
async def readyz(service: Here) -> Response:
    """Whether the service can take what it is sent; ``limited``: what it does not do meanwhile."""
    room = service.part(Live)
    if wrong := await readiness(service, room):
        return problem_response(503, "; ".join(wrong))
    return JSONResponse({"ok": True} | ({"limited": room.bus.away} if room.bus.away else {}))
