"""``/v1/reports``: asked for, read, signed, amended and withdrawn by people in scope."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row, select

from hemoview.cloud import audit, tables
from hemoview.cloud.asking import require
from hemoview.cloud.custody import manifests
from hemoview.cloud.custody.refusals import Attempt
from hemoview.cloud.jobs.queue import queue_of
from hemoview.cloud.principals import Action, Principal, may_see_estimates
from hemoview.cloud.problems import Problem
from hemoview.cloud.reports import feedback, making, rows
from hemoview.cloud.reports.vault import vault_of
from hemoview.cloud.service import Here, Service
from hemoview.report.session.facts import from_json
from hemoview.report.session.page import Extras, Written
from hemoview.report.session.said import offset

router = APIRouter(tags=["reports"])
router.include_router(feedback.router)

ReportId = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Maker = Annotated[Principal, Depends(require(Action.MAKE_REPORT))]
Reader = Annotated[Principal, Depends(require(Action.READ_REPORT))]
Signer = Annotated[Principal, Depends(require(Action.SIGN_REPORT))]

MEDIA: Final = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; "
    "form-action 'none'; sandbox"
)
"""A report carries its own style and drawings, runs nothing and loads nothing."""


class Wanted(BaseModel):
    """Of which session, in which language."""

    model_config = ConfigDict(extra="forbid")
    session_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    language: Literal["en", "zh"] = "en"


class Signature(BaseModel):
    """What a clinician wrote, of the very facts that were read: ``facts_sha256`` is theirs."""

    model_config = ConfigDict(extra="forbid")
    facts_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    assessment: str = Field(min_length=1, max_length=8000, pattern=feedback.LINES)
    recommendations: str = Field(min_length=1, max_length=8000, pattern=feedback.LINES)


class Reason(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500, pattern=feedback.LINES)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """Reports are made from now on; what was unpacked before is gone."""
    await asyncio.to_thread(making.sweep, service)
    queue_of(service).serve(making.KIND, making.ReportMaker(making.narrator_for(service.settings)))
    yield


# ---- asked for


@router.post("/v1/reports", status_code=202)
async def make(body: Wanted, request: Request, service: Here, who: Maker) -> dict[str, Any]:
    """Have a report made of the newest revision; one that is being made already is not made twice."""
    attempt = Attempt(service, request, who, "report.make", body.session_id)
    try:
        return await _ask(service, who, attempt, body)
    except Problem as problem:
        await attempt.refuse(problem)


async def _ask(
    service: Service, who: Principal, attempt: Attempt, body: Wanted, replaces: str | None = None
) -> dict[str, Any]:
    async with service.db.begin() as conn:
        await rows.session_of(conn, who, body.session_id, Action.MAKE_REPORT)
        if await manifests.last_of(conn, body.session_id) is None:
            raise Problem(409, "no revision of this session was committed yet; wait until it is synced")
        now_us = service.now_us()
        report_id, is_new = await rows.add(
            conn, body.session_id, by=who, language=body.language, now_us=now_us, replaces=replaces
        )
        if is_new:
            await queue_of(service).put(conn, making.KIND, {"report_id": report_id})
            await audit.append(conn, attempt.entry(report=report_id))
    return {"report_id": report_id, "state": rows.MAKING}


# ---- read


@router.get("/v1/reports")
async def reports(
    service: Here,
    who: Reader,
    session_id: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Those the caller may read, newest first."""
    async with service.db.read() as conn:
        found = await rows.many(conn, who, session_id, limit)
    return {"reports": [rows.shown(row) for row in found]}


@router.get("/v1/reports/{report_id}.{kind}", response_class=Response)
async def file(
    report_id: ReportId, kind: Literal["html", "pdf", "xlsx"], request: Request, service: Here, who: Reader
) -> Response:
    """Page, PDF or Excel of a report."""
    async with service.db.read() as conn:
        row = await rows.one(conn, who, report_id, Action.READ_REPORT)
        _readable(row)
        name = f"report.{kind}"
        kept = json.loads(row.files)
        if name not in kept:
            raise Problem(404, f"this report has no {kind.upper()}: the service lacks what it is made with")
        vault = await vault_of(conn, service, row.session_id, report_id)
        facts = await asyncio.to_thread(vault.open_text, making.FACTS, row.facts)
    _not_hidden(who, row, facts)
    content = await asyncio.to_thread(vault.open, name, kept[name])
    attempt = Attempt(service, request, who, "report.download", row.session_id)
    async with service.db.begin() as conn:
        await audit.append(conn, attempt.entry(report=report_id, file=name))
    headers = {"content-disposition": f'{"inline" if kind == "html" else "attachment"}; filename="{name}"'}
    if kind == "html":
        headers["content-security-policy"] = PAGE_POLICY
    return Response(content, media_type=MEDIA[kind], headers=headers)


@router.get("/v1/reports/{report_id}")
async def report(report_id: ReportId, service: Here, who: Reader) -> dict[str, Any]:
    """Where a report stands, and what a signature of it would be of."""
    async with service.db.read() as conn:
        return rows.shown(await rows.one(conn, who, report_id, Action.READ_REPORT))


def _readable(row: Row[Any]) -> None:
    if row.state == rows.MAKING:
        raise Problem(409, "this report is being made; ask again in a few seconds", retry=True)
    if row.state == rows.FAILED:
        raise Problem(404, f"this report was not made: {row.error}")
    if row.state == rows.WITHDRAWN or row.facts is None:
        why = f": {row.error}" if row.error else ""
        raise Problem(410, f"this report was withdrawn{why}")


def _not_hidden(who: Principal, row: Row[Any], facts: str) -> None:
    """A report that was made before its session was hidden, and whoever rates blinded."""
    holds_estimates = not json.loads(facts)["session"]["estimates_hidden"]
    place = {"ward_id": row.ward_id, "study_id": row.study_id}
    if holds_estimates and not may_see_estimates(who, Action.READ_REPORT, hidden=bool(row.hidden), **place):
        raise Problem(403, "this report holds estimates that are hidden from you")


# ---- signed, amended, withdrawn


@router.post("/v1/reports/{report_id}/sign")
async def sign(
    report_id: ReportId, body: Signature, request: Request, service: Here, who: Signer
) -> dict[str, Any]:
    """Put a clinician's own words into the report and end it: from now on it never changes."""
    async with service.db.read() as conn:
        row = await rows.one(conn, who, report_id, Action.SIGN_REPORT)
    attempt = Attempt(service, request, who, "report.sign", row.session_id)
    try:
        return await _sign(service, who, row, body, attempt)
    except Problem as problem:
        await attempt.refuse(problem)


async def _sign(
    service: Service, who: Principal, row: Row[Any], body: Signature, attempt: Attempt
) -> dict[str, Any]:
    _readable(row)
    if row.state != rows.DRAFT:
        raise Problem(409, f"this report is {row.state}; only a draft is signed. Amend it to say more")
    if row.facts_sha256 != body.facts_sha256:
        raise Problem(409, "the facts are others than those you read; read the report again")
    async with service.db.read() as conn:
        await rows.must_stand(conn, row.replaces)
    now_us, account = service.now_us(), tables.user_account
    async with service.db.read() as conn:
        vault = await vault_of(conn, service, row.session_id, row.id)
        name = (await conn.execute(select(account.c.display).where(account.c.id == who.id))).scalar_one()
    facts = await asyncio.to_thread(vault.open_text, making.FACTS, row.facts)
    _not_hidden(who, row, facts)
    told = from_json(json.loads(facts)).session
    when = datetime.fromtimestamp(now_us / 1e6 + told.utc_offset_s, UTC).strftime("%Y-%m-%d %H:%M")
    when = f"{when} {offset(told.utc_offset_s)}"
    kept = json.loads(row.files)
    narrative = making.narrative_in(vault, kept)
    written = Written(body.assessment.strip(), body.recommendations.strip(), name, when)
    async with making.working() as pool:
        files = await making.drawn(pool, facts, row.language, Extras(written, narrative))
    values = {
        "state": rows.FINAL,
        "files": await asyncio.to_thread(making.sealed, vault, files),
        "assessment": vault.seal_text("assessment", body.assessment.strip()),
        "recommendations": vault.seal_text("recommendations", body.recommendations.strip()),
        "signed_by": name,
        "signed_us": now_us,
    }
    async with service.db.begin() as conn:
        if not await rows.move(conn, row.id, rows.DRAFT, **values):
            raise Problem(409, "somebody signed or withdrew this report a moment ago; look again")
        if row.replaces and not await rows.move(conn, row.replaces, rows.FINAL, state=rows.AMENDED):
            await rows.must_stand(conn, row.replaces)  # another version was signed while this one was drawn
        await audit.append(conn, attempt.entry(report=row.id, facts=row.facts_sha256))
        return rows.shown(await rows.one(conn, who, row.id, Action.SIGN_REPORT))


@router.post("/v1/reports/{report_id}/amend", status_code=202)
async def amend(report_id: ReportId, request: Request, service: Here, who: Signer) -> dict[str, Any]:
    """A new version of a signed report, of the newest revision; the signed one stays until this one is signed."""
    async with service.db.read() as conn:
        row = await rows.one(conn, who, report_id, Action.SIGN_REPORT)
    attempt = Attempt(service, request, who, "report.amend", row.session_id)
    try:
        if row.state != rows.FINAL:
            raise Problem(409, f"this report is {row.state}; only a final one is amended")
        wanted = Wanted(session_id=row.session_id, language=row.language)
        return await _ask(service, who, attempt, wanted, replaces=row.id)
    except Problem as problem:
        await attempt.refuse(problem)


@router.post("/v1/reports/{report_id}/withdraw")
async def withdraw(
    report_id: ReportId, body: Reason, request: Request, service: Here, who: Signer
) -> dict[str, Any]:
    """Take a report back: its row stays with the reason, nothing of its content is shown again."""
    async with service.db.read() as conn:
        row = await rows.one(conn, who, report_id, Action.SIGN_REPORT)
    attempt = Attempt(service, request, who, "report.withdraw", row.session_id)
    try:
        if row.state not in (rows.DRAFT, rows.FINAL, rows.AMENDED):
            raise Problem(409, f"this report is {row.state}; there is nothing to withdraw")
        async with service.db.begin() as conn:
            changed = {"state": rows.WITHDRAWN, "error": body.reason.strip()}
            if not await rows.move(conn, row.id, row.state, **changed):
                raise Problem(409, "somebody changed this report a moment ago; look again")
            await audit.append(conn, attempt.entry(report=row.id))
            return rows.shown(await rows.one(conn, who, row.id, Action.SIGN_REPORT))
    except Problem as problem:
        await attempt.refuse(problem)
