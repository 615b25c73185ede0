"""Who asks, and what they may: one table of actions, one filter for every query.

A grant is a role in a ward (or in all), for a study (or for all). What a principal may not see does not exist for it
(404); what it may see but not do is refused (403); who has not signed in is told so (401).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Request
from sqlalchemy import ColumnElement, and_, false, or_, select, true, update
from sqlalchemy.exc import OperationalError
from starlette.requests import HTTPConnection

from hemoview.cloud import tables
from hemoview.cloud.identity import tokens
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service, service_of
from recorder.sync import wire

log = logging.getLogger(__name__)

COOKIE: Final = "hemoview_login"
SECURE_COOKIE: Final = "__Host-hemoview_login"
"""Its name over TLS: browsers then refuse it from any other host or path."""
CSRF_HEADER: Final = "X-HemoView-CSRF"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_REMEMBER_US: Final = 15_000_000
"""A device's token, once checked, is believed so long; a revocation holds at the latest after it."""


class Role(StrEnum):
    """What somebody is to a ward or study."""

    OPERATOR = "operator"
    RESEARCHER = "researcher"
    ANNOTATOR = "annotator"
    """A rater: sees waves and reference, never estimates nor other raters' labels."""
    CLINICIAN = "clinician"
    AUDITOR = "auditor"
    ADMIN = "admin"
    KIOSK = "kiosk"
    """A screen on the wall of a ward: looks, and nothing else."""


class Action(StrEnum):
    """What can be asked for."""

    SEE_WARD = "see-ward"
    CONFIRM_BED = "confirm-bed"
    SEE_SESSION = "see-session"
    READ_SAMPLES = "read-samples"
    MAKE_REPORT = "make-report"
    READ_REPORT = "read-report"
    SIGN_REPORT = "sign-report"
    SEND_FEEDBACK = "send-feedback"
    ERASE_SESSION = "erase-session"
    READ_AUDIT = "read-audit"
    KEEP_DEVICES = "keep-devices"
    MANAGE = "manage"


_R = Role
ALLOWED: Final[dict[Action, frozenset[Role]]] = {
    Action.SEE_WARD: frozenset({_R.OPERATOR, _R.RESEARCHER, _R.CLINICIAN, _R.ADMIN, _R.KIOSK}),
    Action.CONFIRM_BED: frozenset({_R.OPERATOR, _R.CLINICIAN}),
    Action.SEE_SESSION: frozenset({_R.OPERATOR, _R.RESEARCHER, _R.ANNOTATOR, _R.CLINICIAN, _R.ADMIN}),
    Action.READ_SAMPLES: frozenset({_R.RESEARCHER, _R.ANNOTATOR}),
    Action.MAKE_REPORT: frozenset({_R.RESEARCHER, _R.CLINICIAN}),
    Action.READ_REPORT: frozenset({_R.OPERATOR, _R.RESEARCHER, _R.CLINICIAN}),
    Action.SIGN_REPORT: frozenset({_R.CLINICIAN}),
    Action.SEND_FEEDBACK: frozenset({_R.RESEARCHER, _R.CLINICIAN}),
    Action.ERASE_SESSION: frozenset({_R.ADMIN}),
    Action.READ_AUDIT: frozenset({_R.AUDITOR}),
    Action.KEEP_DEVICES: frozenset({_R.OPERATOR, _R.ADMIN}),
    Action.MANAGE: frozenset({_R.ADMIN}),
}
"""Administrators manage; they do not read samples, sign reports or audit themselves unless granted that too."""


@dataclass(frozen=True, slots=True)
class Grant:
    """``ward_id`` None: every ward; ``study_id`` None: every study."""

    role: Role
    ward_id: str | None = None
    study_id: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Args:
        kind: a person or a bedside.
        id: of the user or device.
        name: for the audit log: ``user:NAME`` or ``device:ID``.
        grants: of a user.
        bed_id, ward_id: of a device.
        csrf: what an unsafe request of this log-in must carry.
        must_change: the password is a one-time one: nothing but changing it is allowed.
        kiosk: a ward's screen.
        login: SHA-256 of the log-in's cookie.
        ends_us: when the log-in ends whatever happens.
    """

    kind: Literal["user", "device"]
    id: str
    name: str
    grants: tuple[Grant, ...] = ()
    bed_id: str | None = None
    ward_id: str | None = None
    csrf: str = field(default="", repr=False)
    must_change: bool = False
    kiosk: bool = False
    login: str = field(default="", repr=False)
    ends_us: int = 0

    def may(self, action: Action) -> bool:
        """Anywhere at all."""
        return any(g.role in ALLOWED[action] for g in self.grants)

    def may_everywhere(self, action: Action) -> bool:
        """In every ward and study: what belongs to the whole service."""
        return any(g.ward_id is None and g.study_id is None for g in self.grants_for(action))

    def grants_for(self, action: Action) -> tuple[Grant, ...]:
        """Where."""
        return tuple(g for g in self.grants if g.role in ALLOWED[action])


def ward_filter(principal: Principal, action: Action) -> ColumnElement[bool]:
    """Of ``tables.ward``: the wards where ``principal`` may do ``action``. Grants for one study show no ward."""
    if principal.kind == "device":
        return tables.ward.c.id == principal.ward_id if action is Action.SEE_WARD else false()
    parts = [
        true() if g.ward_id is None else tables.ward.c.id == g.ward_id
        for g in principal.grants_for(action)
        if g.study_id is None
    ]
    return or_(false(), *parts)


def session_filter(principal: Principal, action: Action) -> ColumnElement[bool]:
    """Of ``tables.session``: the sessions where ``principal`` may do ``action``; a device's own for a device."""
    if principal.kind == "device":
        return tables.session.c.device_id == principal.id
    parts = []
    for g in principal.grants_for(action):
        ward = true() if g.ward_id is None else tables.session.c.ward_id == g.ward_id
        study = true() if g.study_id is None else tables.session.c.study_id == g.study_id
        parts.append(and_(ward, study))
    return or_(false(), *parts)


def may_see_estimates(
    principal: Principal, *actions: Action, hidden: bool, ward_id: str | None, study_id: str | None = None
) -> bool:
    """Safety rule 13, and blinding: the one place that decides.

    Args:
        actions: the estimates are shown with; some grant that reaches this very session must allow one of them, and
            not as a rater's. A role in another ward opens nobody's eyes here.
        hidden: of the session (:mod:`hemoview.cloud.hiding`).
        ward_id, study_id: of the session.
    """
    return not hidden and any(
        g.role is not Role.ANNOTATOR and g.ward_id in (None, ward_id) and g.study_id in (None, study_id)
        for action in actions
        for g in principal.grants_for(action)
    )


# ---- finding out who it is


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
