"""``/fhir/R4``: read-only, scoped as reports are; every read is in the audit log.

Only what a clinician has signed is told. A session whose estimates are hidden is left out altogether (safety rule 13).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy import ColumnElement, Row, false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit, tables
from hemoview.cloud.asking import require
from hemoview.cloud.custody.refusals import Attempt
from hemoview.cloud.fhir import resources as made_of
from hemoview.cloud.fhir.resources import Signed
from hemoview.cloud.hiding import hidden_now
from hemoview.cloud.principals import Action, Principal, session_filter, ward_filter
from hemoview.cloud.problems import Problem
from hemoview.cloud.reports import making, rows
from hemoview.cloud.reports.vault import vault_of
from hemoview.cloud.service import Here, Service
from hemoview.report.session.facts import from_json
from recorder import __version__

router = APIRouter(prefix="/fhir/R4", tags=["fhir"])
Reader = Annotated[Principal, Depends(require(Action.READ_REPORT))]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9.\-]{1,64}$")]
SessionId = Annotated[str | None, Query(alias="identifier", max_length=128)]
Count = Annotated[int, Query(alias="_count", ge=1, le=100)]
MEDIA_TYPE: Final = "application/fhir+json"
TOLD: Final = (rows.FINAL, rows.AMENDED, rows.WITHDRAWN)


@asynccontextmanager
async def running(_: Service) -> AsyncIterator[None]:
    """Nothing runs beside the routes."""
    yield


@router.get("/metadata")
async def metadata(service: Here) -> JSONResponse:
    """What can be asked for; asked by systems before they sign in."""
    return _answer(made_of.capability(__version__, service.now_us()))


@router.get("/DiagnosticReport")
async def reports(
    request: Request, service: Here, who: Reader, identifier: SessionId = None, count: Count = 20
) -> JSONResponse:
    """Signed reports, newest first; ``identifier``: of one session."""
    found = await _signed(request, service, who, _of_session(identifier), count)
    return _bundle("DiagnosticReport", [made_of.diagnostic_report(s) for s in found], identifier)


@router.get("/DiagnosticReport/{report_id}")
async def report(report_id: Id, request: Request, service: Here, who: Reader) -> JSONResponse:
    """One of them."""
    return _answer(made_of.diagnostic_report(await _one(request, service, who, report_id)))


@router.get("/Observation")
async def observations(
    request: Request, service: Here, who: Reader, identifier: SessionId = None, count: Count = 20
) -> JSONResponse:
    """The means of the newest signed reports; ``_count`` counts reports, whose observations stay together."""
    found = await _signed(request, service, who, _of_session(identifier), count)
    return _bundle("Observation", [o for s in found for o in made_of.observations(s)], identifier)


@router.get("/Observation/{observation_id}")
async def observation(observation_id: Id, request: Request, service: Here, who: Reader) -> JSONResponse:
    """One of them."""
    signed = await _one(request, service, who, observation_id.partition(".")[0])
    for found in made_of.observations(signed):
        if found["id"] == observation_id:
            return _answer(found)
    raise Problem(404, "there is no such observation here for you")


@router.get("/Device")
async def devices(service: Here, who: Reader) -> JSONResponse:
    """The bedsides of the wards this person may see."""
    return _bundle("Device", await _bedsides(service, who, None), None)


@router.get("/Device/{device_id}")
async def device(device_id: Id, service: Here, who: Reader) -> JSONResponse:
    """A bedside, or the model behind estimates of a signed report."""
    found = await _bedsides(service, who, device_id)
    if not found and device_id.startswith("model."):
        signed = await _found(service, who, None, 100)  # nobody's data is told
        models = {
            s.facts.learned.model for s in signed if s.facts is not None and s.facts.learned is not None
        }
        found = [made_of.model_device(m) for m in sorted(models) if made_of.model_id(m) == device_id]
    if not found:
        raise Problem(404, "there is no such device here for you")
    return _answer(found[0])


# ---- from the database


def _of_session(identifier: str | None) -> ColumnElement[bool] | None:
    """``system|value`` or the value alone."""
    if identifier is None:
        return None
    return tables.session.c.id == identifier.rpartition("|")[2]


async def _one(request: Request, service: Service, who: Principal, report_id: str) -> Signed:
    found = await _signed(request, service, who, tables.report.c.id == report_id, 1, superseded=True)
    if not found:
        raise Problem(404, "there is no such report here for you")
    return found[0]


async def _signed(
    request: Request,
    service: Service,
    who: Principal,
    where: ColumnElement[bool] | None,
    count: int,
    *,
    superseded: bool = False,
) -> list[Signed]:
    """Those of :func:`_found`; each is written into the audit log."""
    opened = await _found(service, who, where, count, superseded=superseded)
    if opened:
        async with service.db.begin() as conn:
            for one in opened:
                attempt = Attempt(service, request, who, "fhir.read", one.session_id)
                await audit.append(conn, attempt.entry(report=one.report_id))
    return opened


async def _found(
    service: Service,
    who: Principal,
    where: ColumnElement[bool] | None,
    count: int,
    *,
    superseded: bool = False,
) -> list[Signed]:
    """Opened, in scope, of sessions that hide nothing."""
    report, session, subject = tables.report, tables.session, tables.subject
    states = TOLD if superseded else (rows.FINAL, rows.WITHDRAWN)
    query = (
        select(report, session.c.device_id, subject.c.pseudonym)
        .join(session, session.c.id == report.c.session_id)
        .outerjoin(subject, subject.c.id == session.c.subject_id)
        .where(
            session_filter(who, Action.READ_REPORT),
            session.c.state != "erased",
            ~hidden_now(),
            report.c.state.in_(states),
            report.c.signed_us.is_not(None),
        )
        .order_by(report.c.signed_us.desc(), report.c.id)
        .limit(count)
    )
    async with service.db.read() as conn:
        found = (await conn.execute(query if where is None else query.where(where))).all()
        return [s for row in found if (s := await _opened(conn, service, row)) is not None]


async def _opened(conn: AsyncConnection, service: Service, row: Row[Any]) -> Signed | None:
    """None: its facts are of a session that was hidden."""
    facts, conclusion = None, ""
    if row.state != rows.WITHDRAWN and row.facts is not None:
        vault = await vault_of(conn, service, row.session_id, row.id)
        facts = from_json(json.loads(await asyncio.to_thread(vault.open_text, making.FACTS, row.facts)))
        if facts.session.estimates_hidden:
            return None
        parts = [
            vault.open_text(name, sealed)
            for name, sealed in (("assessment", row.assessment), ("recommendations", row.recommendations))
            if sealed
        ]
        conclusion = "\n\n".join(parts)
    status = "amended" if row.state == rows.FINAL and row.replaces else made_of.STATUS[row.state]
    return Signed(
        row.id,
        row.session_id,
        row.version,
        status,
        row.device_id,
        row.pseudonym or "",
        row.signed_us,
        row.signed_by or "",
        facts,
        conclusion,
    )


async def _bedsides(service: Service, who: Principal, device_id: str | None) -> list[dict[str, Any]]:
    """Of the wards in scope; grants for a study show the bedsides of its sessions."""
    device, bed, ward, session = tables.device, tables.bed, tables.ward, tables.session
    of_sessions = select(session.c.device_id).where(session_filter(who, Action.READ_REPORT))
    where = or_(false(), ward_filter(who, Action.READ_REPORT), device.c.id.in_(of_sessions))
    query = (
        select(device.c.id, device.c.name, device.c.software, device.c.revoked_us)
        .outerjoin(bed, bed.c.id == device.c.bed_id)
        .outerjoin(ward, ward.c.id == bed.c.ward_id)
        .where(where)
        .order_by(device.c.name, device.c.id)
    )
    if device_id is not None:
        query = query.where(device.c.id == device_id)
    async with service.db.read() as conn:
        found = (await conn.execute(query)).all()
    return [
        made_of.bedside_device(r.id, r.name, r.software or "", active=r.revoked_us is None) for r in found
    ]


def _bundle(kind: str, found: Sequence[dict[str, Any]], identifier: str | None) -> JSONResponse:
    return _answer(made_of.bundle(kind, found, {"identifier": identifier} if identifier else {}))


def _answer(resource: dict[str, Any]) -> JSONResponse:
    return JSONResponse(resource, media_type=MEDIA_TYPE)
