"""Accounts and what they may: for administrators.

Accounts belong to the whole service, so only who manages all of it makes, changes or switches them off. Who manages a
ward or study gives and takes roles there, to accounts that exist.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy import exists, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.asking import cookie_name, hash_of, require
from hemoview.cloud.identity import accounts, browser, codes, trail
from hemoview.cloud.identity.bodies import Id, NewGrant, NewKiosk, NewUser, UserChange
from hemoview.cloud.principals import Action, Principal, Role
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Here, Service
from hemoview.cloud.tables import role_grant, user_account

router = APIRouter(prefix="/v1", tags=["people"])

Manager = Annotated[Principal, Depends(require(Action.MANAGE))]
WholeManager = Annotated[Principal, Depends(require(Action.MANAGE, everywhere=True))]
UserId = Annotated[Id, Path()]
_NO_USER: Final = "no such account"
_CODE_US: Final = 15 * 60_000_000


@router.get("/users")
async def users(who: Manager, service: Here) -> dict[str, Any]:
    """Accounts with what they may: all of them, or those with a role in the wards one manages."""
    async with service.db.read() as conn:
        mine = true() if who.may_everywhere(Action.MANAGE) else _has_grant_within(who)
        rows = (await conn.execute(select(user_account).where(mine).order_by(user_account.c.name))).all()
        return {"users": [await _shown(conn, row, who) for row in rows]}


@router.post("/users", status_code=201)
async def make_user(body: NewUser, who: WholeManager, request: Request, service: Here) -> dict[str, Any]:
    """A new account. Its one-time password is told here and never again; it is good for an hour."""
    password = codes.new_code() if body.one_time_password else None
    kept = await service.doors.mill.hash(password) if password else None
    now_us = service.now_us()
    async with service.db.begin() as conn:
        if await accounts.by_name(conn, body.name):
            raise Problem(409, "there is an account of this name; take another")
        user_id = await accounts.make(conn, now_us, body.name, body.display)
        if kept:
            await accounts.set_password(conn, user_id, kept, one_time_until_us=now_us + accounts.ONE_TIME_US)
        await trail.note(conn, request, who.name, "user.make", user_id)
        row = await accounts.by_id(conn, user_id)
        shown = await _shown(conn, row, who)
    return shown | {"one_time_password": password}


@router.patch("/users/{user_id}")
async def change_user(
    user_id: UserId, body: UserChange, who: WholeManager, request: Request, service: Here
) -> dict[str, Any]:
    """Another name, switched off or on, another identity at the provider. Switching off ends every log-in."""
    told = body.model_dump(exclude_none=True)
    if "oidc_subject" in told:
        if not service.settings.oidc_issuer:
            raise Problem(409, "no identity provider is set; see oidc_issuer in the settings")
        told["oidc_subject"] = accounts.oidc_key(service.settings.oidc_issuer, told["oidc_subject"])
    async with service.db.begin() as conn:
        before = await _known(conn, user_id)
        if told:
            try:
                await conn.execute(update(user_account).where(user_account.c.id == user_id).values(told))
            except IntegrityError as error:
                raise Problem(409, "another account has this name or identity; take another") from error
        if "oidc_subject" in told:
            await accounts.end_one_time(conn, user_id)
        if body.disabled:
            await accounts.end_logins(conn, service.now_us(), user_id)
        await _check_somebody_manages(conn, service)
        changed = {name: value for name, value in told.items() if name in {"name", "disabled"}}
        if "name" in changed:  # the log says who somebody was called when
            changed["before"] = before.name
        await trail.note(conn, request, who.name, "user.change", user_id, fields=sorted(told), **changed)
        return await _shown(conn, await accounts.by_id(conn, user_id), who)


@router.post("/users/{user_id}/password")
async def reset_password(
    user_id: UserId, who: WholeManager, request: Request, service: Here
) -> dict[str, Any]:
    """A new one-time password, told here and never again. Every log-in of this account ends."""
    password = codes.new_code()
    kept = await service.doors.mill.hash(password)
    now_us = service.now_us()
    async with service.db.begin() as conn:
        await _known(conn, user_id)
        await accounts.set_password(conn, user_id, kept, one_time_until_us=now_us + accounts.ONE_TIME_US)
        await accounts.end_logins(conn, now_us, user_id)
        await trail.note(conn, request, who.name, "user.one-time-password", user_id)
    return {"one_time_password": password, "expires_us": now_us + accounts.ONE_TIME_US}


@router.post("/users/{user_id}/link-code")
async def link_code(user_id: UserId, who: WholeManager, request: Request, service: Here) -> dict[str, Any]:
    """A code with which this person ties the account to the hospital's identity provider, once, within 15 minutes."""
    code, expires_us = codes.new_code(), service.now_us() + _CODE_US
    async with service.db.begin() as conn:
        await _known(conn, user_id)
        await conn.execute(
            tables.link_code.insert().values(
                code_sha256=hash_of(codes.plain(code)), user_id=user_id, expires_us=expires_us
            )
        )
        await trail.note(conn, request, who.name, "user.link-code", user_id)
    return {"code": code, "expires_us": expires_us}


# ---- grants


@router.post("/grants", status_code=201)
async def grant(body: NewGrant, who: Manager, request: Request, service: Here) -> dict[str, Any]:
    """A role in a ward and study, or in all: at most where one manages oneself."""
    if body.role is Role.KIOSK:
        raise Problem(422, "a ward's screen is made at the screen: POST /v1/kiosk")
    async with service.db.begin() as conn:
        account = await accounts.by_name(conn, body.name)
        await _check_places(conn, who, body.ward_id, body.study_id)
        if account is None:
            raise Problem(404, _NO_USER)
        grant_id = await accounts.give(
            conn,
            service.now_us(),
            who.name,
            account.id,
            body.role,
            ward_id=body.ward_id,
            study_id=body.study_id,
        )
        about = {"role": body.role.value, "ward": body.ward_id, "study": body.study_id}
        await trail.note(conn, request, who.name, "grant.give", account.id, **about)
    return {"id": grant_id, "user_id": account.id} | about


@router.delete("/grants/{grant_id}", status_code=204)
async def take_grant(grant_id: Annotated[Id, Path()], who: Manager, request: Request, service: Here) -> None:
    """Take a role; it ends with the next request of whoever had it."""
    async with service.db.begin() as conn:
        row = (
            await conn.execute(
                select(role_grant).where(
                    role_grant.c.id == grant_id, role_grant.c.revoked_us.is_(None), _within(who)
                )
            )
        ).first()
        if row is None:
            raise Problem(404, "no such grant")
        await conn.execute(
            update(role_grant).where(role_grant.c.id == grant_id).values(revoked_us=service.now_us())
        )
        await _check_somebody_manages(conn, service)
        about = {"role": row.role, "ward": row.ward_id, "study": row.study_id}
        await trail.note(conn, request, who.name, "grant.take", row.user_id, **about)


@router.post("/kiosk", status_code=201)
async def kiosk(
    body: NewKiosk, who: Manager, request: Request, response: Response, service: Here
) -> dict[str, Any]:
    """Turn the browser this is sent from into a ward's screen: it looks, for a year, and may nothing else.

    The administrator is signed out there. The screen is an account like others and is switched off like them.
    """
    now_us = service.now_us()
    async with service.db.begin() as conn:
        await _check_places(conn, who, body.ward_id, None)
        name = f"screen-{codes.plain(codes.new_code())[:8].lower()}"
        user_id = await accounts.make(conn, now_us, name, body.display)
        await accounts.give(conn, now_us, who.name, user_id, Role.KIOSK, ward_id=body.ward_id)
        await accounts.end_login(conn, now_us, hash_of(request.cookies.get(cookie_name(service), "")))
        made = await accounts.admit(conn, now_us, user_id, accounts.KIOSK_US, kiosk=True)
        await trail.note(conn, request, who.name, "kiosk.make", user_id, ward=body.ward_id)
    browser.give_login(response, service, made.cookie, accounts.KIOSK_US / 1e6)
    return {"id": user_id, "name": name, "display": body.display, "ward_id": body.ward_id}


# ---- what they share


async def _shown(conn: AsyncConnection, row: Any, who: Principal) -> dict[str, Any]:
    grants = await accounts.grants_of(conn, row.id)
    if not who.may_everywhere(Action.MANAGE):
        grants = [g for g in grants if _covers(who, g["ward_id"], g["study_id"])]
    return {
        "id": row.id,
        "name": row.name,
        "display": row.display,
        "disabled": row.disabled,
        "must_change": row.must_change,
        "has_password": row.password_hash is not None,
        "oidc_linked": row.oidc_subject is not None,
        "created_us": row.created_us,
        "grants": grants,
    }


async def _known(conn: AsyncConnection, user_id: str) -> Any:
    row = await accounts.by_id(conn, user_id)
    if row is None:
        raise Problem(404, _NO_USER)
    return row


def _covers(who: Principal, ward_id: str | None, study_id: str | None) -> bool:
    return any(
        g.ward_id in (None, ward_id) and g.study_id in (None, study_id) for g in who.grants_for(Action.MANAGE)
    )


def _reaches(who: Principal, ward_id: str) -> bool:
    return any(g.ward_id in (None, ward_id) for g in who.grants_for(Action.MANAGE))


def _within(who: Principal) -> Any:
    """Of ``role_grant``: those that lie where ``who`` manages."""
    parts = []
    for g in who.grants_for(Action.MANAGE):
        ward = true() if g.ward_id is None else role_grant.c.ward_id == g.ward_id
        study = true() if g.study_id is None else role_grant.c.study_id == g.study_id
        parts.append(ward & study)
    return or_(*parts)


def _has_grant_within(who: Principal) -> Any:
    live = role_grant.c.revoked_us.is_(None) & _within(who)
    return exists().where(role_grant.c.user_id == user_account.c.id, live)


async def _check_places(
    conn: AsyncConnection, who: Principal, ward_id: str | None, study_id: str | None
) -> None:
    """The ward and study are there, and ``who`` manages them; one that is not ours is not there."""
    if ward_id is not None:
        ward = tables.ward
        query = select(ward.c.id).where(ward.c.id == ward_id)
        if not _reaches(who, ward_id) or (await conn.execute(query)).first() is None:
            raise Problem(404, "no such ward")
    if study_id is not None:
        study = tables.study
        if (await conn.execute(select(study.c.id).where(study.c.id == study_id))).first() is None:
            raise Problem(404, "no such study")
    if not _covers(who, ward_id, study_id):
        raise Problem(403, "a role reaches at most as far as one manages oneself; name the ward or study")


async def _check_somebody_manages(conn: AsyncConnection, service: Service) -> None:
    if not await accounts.administrators(conn, service.now_us()):
        raise Problem(409, "then nobody could manage the service; give another account that role first")
