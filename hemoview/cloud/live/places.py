"""The tree of places: sites, their wards, the beds of a ward; studies beside it. For administrators.

Nothing is ever deleted: sessions, grants and the audit log speak of them. A bed keeps its place (safety rule 5): moving
one is a change somebody makes, and that is written down.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Table, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit, tables
from hemoview.cloud.asking import origin_of, require
from hemoview.cloud.identity.bodies import SEEN
from hemoview.cloud.live.room import Live
from hemoview.cloud.principals import Action, Principal
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Here, Service

router = APIRouter(tags=["places"])

Manager = Annotated[Principal, Depends(require(Action.MANAGE, everywhere=True))]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), SEEN]
Id = Annotated[str, Field(min_length=1, max_length=64)]
Place = Annotated[int, Field(ge=1, le=9999)]
PLACE_TAKEN: Final = "this place of the ward is taken by another bed"


@dataclass(frozen=True, slots=True)
class Deed:
    """Who changes something, from where."""

    service: Service
    by: Principal
    origin: str


def _deed(request: Request, service: Here, by: Manager) -> Deed:
    return Deed(service, by, origin_of(request))


ADeed = Annotated[Deed, Depends(_deed)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewPlace(_Body):
    """A site or a study."""

    name: Name


class NewWard(_Body):
    """A ward of a site."""

    site_id: Id
    name: Name


class NewBed(_Body):
    """A bed at a fixed place of a ward."""

    ward_id: Id
    label: Name
    place: Place


class ChangedPlace(_Body):
    """A new name."""

    name: Name


class ChangedBed(_Body):
    """What is left out stays as it is."""

    label: Name | None = None
    place: Place | None = None


@router.get("/v1/sites")
async def sites(service: Here, _: Manager) -> dict[str, Any]:
    """Every site with its wards and their beds."""
    return {
        "sites": await _all(service, tables.site),
        "wards": await _all(service, tables.ward),
        "beds": await _all(service, tables.bed),
    }


@router.get("/v1/studies")
async def studies(service: Here, _: Manager) -> dict[str, Any]:
    """Every study."""
    return {"studies": await _all(service, tables.study)}


@router.post("/v1/sites", status_code=201)
async def add_site(body: NewPlace, deed: ADeed) -> dict[str, Any]:
    """A new site."""
    return await _add(deed, tables.site, body.model_dump())


@router.post("/v1/studies", status_code=201)
async def add_study(body: NewPlace, deed: ADeed) -> dict[str, Any]:
    """A new study."""
    return await _add(deed, tables.study, body.model_dump())


@router.post("/v1/wards", status_code=201)
async def add_ward(body: NewWard, deed: ADeed) -> dict[str, Any]:
    """A new ward."""
    return await _add(deed, tables.ward, body.model_dump(), (tables.site, body.site_id))


@router.post("/v1/beds", status_code=201)
async def add_bed(body: NewBed, deed: ADeed) -> dict[str, Any]:
    """A new bed."""
    return await _add(deed, tables.bed, body.model_dump(), (tables.ward, body.ward_id))


@router.patch("/v1/sites/{place_id}")
async def change_site(place_id: str, body: ChangedPlace, deed: ADeed) -> dict[str, Any]:
    """Another name."""
    return await _change(deed, tables.site, place_id, body.model_dump())


@router.patch("/v1/studies/{place_id}")
async def change_study(place_id: str, body: ChangedPlace, deed: ADeed) -> dict[str, Any]:
    """Another name."""
    return await _change(deed, tables.study, place_id, body.model_dump())


@router.patch("/v1/wards/{place_id}")
async def change_ward(place_id: str, body: ChangedPlace, deed: ADeed) -> dict[str, Any]:
    """Another name."""
    return await _change(deed, tables.ward, place_id, body.model_dump())


@router.patch("/v1/beds/{place_id}")
async def change_bed(place_id: str, body: ChangedBed, deed: ADeed) -> dict[str, Any]:
    """Another label or place; a bed never changes its ward."""
    return await _change(deed, tables.bed, place_id, body.model_dump(exclude_none=True))


async def _all(service: Service, table: Table) -> list[dict[str, Any]]:
    by = [table.c[name] for name in ("place", "name", "id") if name in table.c]
    async with service.db.read() as conn:
        return [dict(r) for r in (await conn.execute(select(table).order_by(*by))).mappings()]


async def _add(
    deed: Deed, table: Table, values: dict[str, Any], within: tuple[Table, str] | None = None
) -> dict[str, Any]:
    made = {"id": str(uuid4()), **values}
    async with deed.service.db.begin() as conn:
        if within is not None:
            await _must_be(conn, *within)
        await _no_twin(conn, table, made)
        try:
            await conn.execute(insert(table).values(**made))
        except IntegrityError as error:
            raise Problem(409, PLACE_TAKEN) from error
        await _note(conn, deed, f"{table.name}.add", made)
    _tell(deed, table, made)
    return made


async def _change(deed: Deed, table: Table, place_id: str, changed: dict[str, Any]) -> dict[str, Any]:
    async with deed.service.db.begin() as conn:
        made = await _must_be(conn, table, place_id) | changed
        await _no_twin(conn, table, made)
        if changed:
            try:
                await conn.execute(update(table).where(table.c.id == place_id).values(**changed))
            except IntegrityError as error:
                raise Problem(409, PLACE_TAKEN) from error
            await _note(conn, deed, f"{table.name}.change", made)
    _tell(deed, table, made)
    return made


def _tell(deed: Deed, table: Table, made: dict[str, Any]) -> None:
    """Who watches a ward sees its beds as they are now."""
    if table in (tables.ward, tables.bed):
        deed.service.part(Live).ward_changed(made["id"] if table is tables.ward else made["ward_id"])


async def _must_be(conn: AsyncConnection, table: Table, place_id: str) -> dict[str, Any]:
    row = (await conn.execute(select(table).where(table.c.id == place_id))).mappings().first()
    if row is None:
        raise Problem(404, f"there is no such {table.name}")
    return dict(row)


async def _no_twin(conn: AsyncConnection, table: Table, made: dict[str, Any]) -> None:
    """Two of one name side by side would be mixed up."""
    name = "label" if "label" in table.c else "name"
    beside = [table.c[c] == made[c] for c in ("site_id", "ward_id") if c in table.c]
    query = select(table.c.id).where(table.c[name] == made[name], table.c.id != made["id"], *beside)
    if (await conn.execute(query)).first() is not None:
        raise Problem(409, f"there is a {table.name} of this name already")


async def _note(conn: AsyncConnection, deed: Deed, action: str, made: dict[str, Any]) -> None:
    detail = json.dumps({k: v for k, v in made.items() if k != "id"}, ensure_ascii=False)
    entry = audit.Entry(
        deed.service.now_us(), deed.by.name, action, made["id"], origin=deed.origin, detail=detail
    )
    await audit.append(conn, entry)
