"""Sites, wards, beds and studies: where everything else belongs. Their order of tiles is fixed by ``place``."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Path, Request
from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from hemoview.cloud.identity import trail
from hemoview.cloud.identity.bodies import BedChange, Id, Named, NewBed, NewWard
from hemoview.cloud.principals import Action, Person, Principal, require, ward_filter
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Here
from hemoview.cloud.tables import bed, site, study, ward

router = APIRouter(prefix="/v1", tags=["places"])

Manager = Annotated[Principal, Depends(require(Action.MANAGE))]
WholeManager = Annotated[Principal, Depends(require(Action.MANAGE, everywhere=True))]
_TAKEN: Final = "another bed of this ward has this place; take another"


@router.get("/places")
async def places(who: Person, service: Here) -> dict[str, Any]:
    """Sites, wards and beds where one manages, keeps devices or looks at the ward; the studies of one's roles."""
    seen = or_(*(ward_filter(who, a) for a in (Action.MANAGE, Action.KEEP_DEVICES, Action.SEE_WARD)))
    of_all = who.may_everywhere(Action.MANAGE)
    studies = [g.study_id for g in who.grants if g.study_id]
    async with service.db.read() as conn:
        wards = (await conn.execute(select(ward).where(seen).order_by(ward.c.name))).all()
        inside = bed.c.ward_id.in_([w.id for w in wards])
        beds = (await conn.execute(select(bed).where(inside).order_by(bed.c.place))).all()
        around = site.c.id.in_([w.site_id for w in wards])
        sites = (await conn.execute(select(site) if of_all else select(site).where(around))).all()
        known = select(study) if of_all else select(study).where(study.c.id.in_(studies))
        named = [{"id": s.id, "name": s.name} for s in (await conn.execute(known)).all()]
    in_ward, in_site = defaultdict(list), defaultdict(list)
    for b in beds:
        in_ward[b.ward_id].append({"id": b.id, "label": b.label, "place": b.place})
    for w in wards:
        in_site[w.site_id].append({"id": w.id, "name": w.name, "beds": in_ward[w.id]})
    return {"sites": [{"id": s.id, "name": s.name, "wards": in_site[s.id]} for s in sites], "studies": named}


@router.post("/sites", status_code=201)
async def make_site(body: Named, who: WholeManager, request: Request, service: Here) -> dict[str, Any]:
    """A hospital or building."""
    made = {"id": str(uuid4()), "name": body.name}
    async with service.db.begin() as conn:
        await conn.execute(insert(site).values(made))
        await trail.note(conn, request, who.name, "site.make", made["id"])
    return made


@router.post("/studies", status_code=201)
async def make_study(body: Named, who: WholeManager, request: Request, service: Here) -> dict[str, Any]:
    """A study; roles can be given for its sessions alone."""
    made = {"id": str(uuid4()), "name": body.name}
    async with service.db.begin() as conn:
        await conn.execute(insert(study).values(made))
        await trail.note(conn, request, who.name, "study.make", made["id"])
    return made


@router.post("/wards", status_code=201)
async def make_ward(body: NewWard, who: WholeManager, request: Request, service: Here) -> dict[str, Any]:
    """A ward of a site."""
    made = {"id": str(uuid4()), "site_id": body.site_id, "name": body.name}
    async with service.db.begin() as conn:
        if (await conn.execute(select(site.c.id).where(site.c.id == body.site_id))).first() is None:
            raise Problem(404, "no such site")
        await conn.execute(insert(ward).values(made))
        await trail.note(conn, request, who.name, "ward.make", made["id"])
    return made


@router.post("/wards/{ward_id}/beds", status_code=201)
async def make_bed(
    ward_id: Annotated[Id, Path()], body: NewBed, who: Manager, request: Request, service: Here
) -> dict[str, Any]:
    """A bed with its fixed place on the ward's page."""
    bed_id = str(uuid4())
    made = {"id": bed_id, "ward_id": ward_id, "label": body.label, "place": body.place}
    async with service.db.begin() as conn:
        ours = select(ward.c.id).where(ward.c.id == ward_id, ward_filter(who, Action.MANAGE))
        if (await conn.execute(ours)).first() is None:
            raise Problem(404, "no such ward")
        try:
            await conn.execute(insert(bed).values(made))
        except IntegrityError as error:
            raise Problem(409, _TAKEN) from error
        await trail.note(conn, request, who.name, "bed.make", bed_id, ward=ward_id)
    return made


@router.patch("/beds/{bed_id}")
async def change_bed(
    bed_id: Annotated[Id, Path()], body: BedChange, who: Manager, request: Request, service: Here
) -> dict[str, Any]:
    """Another label or place."""
    told = body.model_dump(exclude_none=True)
    async with service.db.begin() as conn:
        ours = (
            select(bed)
            .join(ward, ward.c.id == bed.c.ward_id)
            .where(bed.c.id == bed_id, ward_filter(who, Action.MANAGE))
        )
        if (await conn.execute(ours)).first() is None:
            raise Problem(404, "no such bed")
        if told:
            try:
                await conn.execute(update(bed).where(bed.c.id == bed_id).values(told))
            except IntegrityError as error:
                raise Problem(409, _TAKEN) from error
            await trail.note(conn, request, who.name, "bed.change", bed_id, fields=sorted(told))
        row = (await conn.execute(select(bed).where(bed.c.id == bed_id))).one()
    return {"id": row.id, "ward_id": row.ward_id, "label": row.label, "place": row.place}
