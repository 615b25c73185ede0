"""Where somebody may do something: the places a person can choose from. They are made in the live room."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fastapi import APIRouter
from sqlalchemy import or_, select

from hemoview.cloud.asking import Person
from hemoview.cloud.principals import Action, ward_filter
from hemoview.cloud.service import Here
from hemoview.cloud.tables import bed, site, study, ward

router = APIRouter(prefix="/v1", tags=["places"])


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
