"""Who sent a request, found out: what routes depend on.

Who has not signed in is told so (401); what a principal may see but not do is refused (403). What it may not see does
not exist for it (404): the filters of :mod:`hemoview.cloud.principals`.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from starlette.requests import HTTPConnection

from hemoview.cloud import tables
from hemoview.cloud.identity import tokens
from hemoview.cloud.principals import Action, Grant, Principal, Role
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service, service_of
from hemoview.cloud.speaking import must_speak_alike
from recorder.sync import wire

log = logging.getLogger(__name__)

COOKIE: Final = "hemoview_login"
SECURE_COOKIE: Final = "__Host-hemoview_login"
"""Its name over TLS: browsers then refuse it from any other host or path."""
CSRF_HEADER: Final = "X-HemoView-CSRF"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_REMEMBER_US: Final = 15_000_000
"""A device's token, once checked, is believed so long; a revocation holds at the latest after it."""


def origin_of(request: HTTPConnection) -> str:
    """Where a request came from, for the audit log."""
    return request.client.host if request.client else ""


async def current(request: HTTPConnection) -> Principal:
    """Who sent this request or opens this WebSocket.

    Raises:
        Problem: 401, nobody we know, or no longer; 403, a one-time password has to be changed first.
    """
    principal = await _whoever(request)
    if principal.must_change:
        raise Problem(403, "the password is a one-time one: change it first", must_change=True)
    return principal


async def _whoever(request: HTTPConnection) -> Principal:
    service = service_of(request)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    cookie = request.cookies.get(cookie_name(service))
    if token and kind.lower() == "bearer":
        request.state.claimed = tokens.claimed_by(token.strip())
        principal = await _device(service, token.strip())
        await must_speak_alike(request, service, principal.id, origin_of(request))
    elif cookie:
        principal = await _user(service, cookie)
    else:
        raise Problem(401, "sign in, or send a device's token", headers={"WWW-Authenticate": "Bearer"})
    request.state.principal, request.state.claimed = principal, ""  # whom a refusal in the audit log names
    return principal


def cookie_name(service: Service) -> str:
    """Of the log-in."""
    return SECURE_COOKIE if service.settings.is_secure else COOKIE


def require(action: Action, *, everywhere: bool = False) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency: the principal, if it may do ``action`` anywhere; the query's filter decides where.

    Args:
        everywhere: only who may do it in all wards and studies.

    Raises (when called by FastAPI):
        Problem: 401 or 403.
    """

    async def dependency(request: Request) -> Principal:
        principal = await user(request)
        allowed = principal.may_everywhere(action) if everywhere else principal.may(action)
        if not allowed:
            where = " for all wards" if everywhere and principal.may(action) else ""
            raise Problem(403, f"{action.value}{where} needs another role; an administrator can grant it")
        return principal

    return dependency


async def user(request: Request) -> Principal:
    """A dependency: a signed-in person whose unsafe requests carry the log-in's CSRF token."""
    return _person(request, await current(request))


async def newcomer(request: Request) -> Principal:
    """A dependency: like :func:`user`, also with a one-time password; to change it, and to sign out."""
    return _person(request, await _whoever(request))


def _person(request: Request, principal: Principal) -> Principal:
    if principal.kind != "user":
        raise Problem(403, "this is for people, not for devices")
    check_csrf(request, principal)
    return principal


async def device(request: HTTPConnection) -> Principal:
    """A dependency: an enrolled device."""
    principal = await current(request)
    if principal.kind != "device":
        raise Problem(403, "this is for bedside devices")
    return principal


Person = Annotated[Principal, Depends(user)]
"""A parameter of a route: any signed-in person."""
Newcomer = Annotated[Principal, Depends(newcomer)]
"""A parameter of a route: a signed-in person, even if all it may is change the password."""
Bedside = Annotated[Principal, Depends(device)]
"""A parameter of a route: an enrolled device."""


def check_csrf(request: Request, principal: Principal) -> None:
    """Refuse an unsafe request of a person that does not carry the token of its log-in.

    Raises:
        Problem: 403.
    """
    if request.method in _SAFE:
        return
    sent = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(sent.encode(), principal.csrf.encode()):
        raise Problem(403, f"the header {CSRF_HEADER} is missing or of another log-in; reload the page")


def hash_of(secret: str) -> str:
    """How random secrets (log-ins, enrolment codes) are kept: SHA-256; they are too long to be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def _user(service: Service, cookie: str) -> Principal:
    now_us = service.now_us()
    login, account = tables.login, tables.user_account
    query = (
        select(login, account.c.name, account.c.disabled, account.c.must_change)
        .join(account, account.c.id == login.c.user_id)
        .where(login.c.token_sha256 == hash_of(cookie))
    )
    idle_us = int(service.settings.idle_minutes * 60e6)
    async with service.db.read() as conn:
        row = (await conn.execute(query)).first()
        if row is None or row.disabled or row.ended_us is not None:
            raise Problem(401, "sign in again")
        idle = not row.kiosk and now_us - row.last_seen_us >= idle_us
        if now_us >= row.expires_us or idle:
            raise Problem(401, "signed out after a while without use; sign in again")
        kept = tables.role_grant
        grants = (
            await conn.execute(
                select(kept.c.role, kept.c.ward_id, kept.c.study_id).where(
                    kept.c.user_id == row.user_id, kept.c.revoked_us.is_(None)
                )
            )
        ).all()
    if now_us - row.last_seen_us > idle_us / 10:
        await _seen(service, row.token_sha256, now_us)
    return Principal(
        "user",
        row.user_id,
        f"user:{row.name}",
        tuple(Grant(Role(g.role), g.ward_id, g.study_id) for g in grants),
        csrf=row.csrf,
        must_change=row.must_change,
        kiosk=row.kiosk,
        login=row.token_sha256,
        ends_us=row.expires_us,
    )


async def _seen(service: Service, token_sha256: str, now_us: int) -> None:
    """A log-in was used. Who only looks goes on looking while the database takes nothing, as on a full disk."""
    used = update(tables.login).where(tables.login.c.token_sha256 == token_sha256)
    try:
        async with service.db.begin() as conn:
            await conn.execute(used.values(last_seen_us=now_us))
    except OperationalError as error:
        log.warning("the use of a log-in cannot be written down (%s)", error.orig)


async def _device(service: Service, token: str) -> Principal:
    now_us = service.now_us()
    known = service.known_tokens.get(token)
    if known is not None and now_us < known[1]:
        return known[0]
    try:
        device_id = tokens.device_of(token)
        row: Any = None
        async with service.db.read() as conn:
            table, bed = tables.device, tables.bed
            row = (
                await conn.execute(
                    select(table, bed.c.ward_id)
                    .outerjoin(bed, bed.c.id == table.c.bed_id)
                    .where(table.c.id == device_id)
                )
            ).first()
        if row is None:
            raise tokens.TokenRefused("of no device here")
        tokens.check(token, device_id, row.public_key, service.server_id, now_us)
    except tokens.TokenRefused as error:
        refused = {"WWW-Authenticate": "Bearer"}
        raise Problem(401, f"the device's token is refused: {error}", headers=refused) from error
    if row.revoked_us is not None:
        raise _revoked()
    principal = Principal("device", device_id, f"device:{device_id}", bed_id=row.bed_id, ward_id=row.ward_id)
    service.remember_token(token, principal, now_us + _REMEMBER_US)
    return principal


async def must_be_enrolled(service: Service, device_id: str) -> None:
    """Look up again whether a device still is, whatever was believed when its request began.

    Raises:
        Problem: 401.
    """
    kept = tables.device.c
    query = select(kept.id).where(kept.id == device_id, kept.revoked_us.is_(None))
    async with service.db.read() as conn:
        if (await conn.execute(query)).first() is None:
            raise _revoked()


def _revoked() -> Problem:
    return Problem(401, "this device was revoked; enrol it again", revoked=True, type=wire.DEVICE_REVOKED)
