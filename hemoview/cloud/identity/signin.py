"""Signing in and out, and one's own password."""

from __future__ import annotations

import ipaddress
import math
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import update

from hemoview.cloud.asking import Newcomer, cookie_name, hash_of, origin_of
from hemoview.cloud.identity import accounts, browser, first, passwords, trail, tries
from hemoview.cloud.identity.bodies import NewPassword, SignIn
from hemoview.cloud.identity.tls import Served
from hemoview.cloud.principals import ALLOWED, Action, Role
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Here, Service
from hemoview.cloud.tables import user_account

router = APIRouter(prefix="/v1", tags=["people"])


@router.post("/login")
async def login(body: SignIn, request: Request, response: Response, service: Here) -> dict[str, Any]:
    """Sign in: sets the cookie, answers what ``/v1/me`` does. A log-in this browser had before ends."""
    browser.check_same_origin(request)
    async with service.db.read() as conn:
        account = await accounts.by_name(conn, body.name)
    user_id = account.id if account else None
    keys = _counted(service, request, body.name.strip().lower(), user_id)
    await keys.knock(request, "nobody", "login", user_id or "")
    try:
        right = await service.doors.mill.matches(account.password_hash if account else None, body.password)
    except Problem:  # too many at this moment: that was no wrong try
        keys.unjudged()
        raise
    now_us = service.now_us()
    if account is None or not right:
        await keys.wrong()
        await trail.refused(request, "nobody", "login", user_id or "")
        raise Problem(401, "the name or the password is wrong")
    await keys.right()
    if account.disabled:
        await trail.refused(request, f"user:{account.name}", "login", account.id, why="disabled")
        raise Problem(401, "this account is switched off; an administrator can switch it on")
    if account.password_expires_us is not None and now_us >= account.password_expires_us:
        await trail.refused(request, f"user:{account.name}", "login", account.id, why="expired")
        raise Problem(401, "the one-time password was good for an hour; an administrator can make a new one")
    if passwords.is_outdated(account.password_hash):
        kept = await service.doors.mill.hash(body.password)
        async with service.db.begin() as conn:
            await conn.execute(
                update(user_account).where(user_account.c.id == account.id).values(password_hash=kept)
            )
    return await admit(request, response, service, account.id, f"user:{account.name}", how="password")


async def admit(
    request: Request, response: Response, service: Service, user_id: str, name: str, **detail: Any
) -> dict[str, Any]:
    """Who has proved who it is gets a log-in of this browser; the one before ends."""
    now_us = service.now_us()
    async with service.db.begin() as conn:
        before = request.cookies.get(cookie_name(service))
        if before:
            await accounts.end_login(conn, now_us, hash_of(before))
        made = await accounts.admit(conn, now_us, user_id, int(service.settings.session_hours * 3600e6))
        await trail.note(conn, request, name, "login", user_id, **detail)
        account = await accounts.by_id(conn, user_id)
        grants = await accounts.grants_of(conn, user_id)
    assert account is not None
    browser.give_login(response, service, made.cookie, (made.ends_us - now_us) / 1e6)
    browser.give_known(request, response, service, user_id)
    return _me(account, grants, made.csrf, made.ends_us, service)


@router.post("/logout", status_code=204)
async def logout(who: Newcomer, request: Request, response: Response, service: Here) -> None:
    """Sign out. A ward's screen is not signed out by whoever passes it."""
    if who.kiosk:
        raise Problem(403, "a ward's screen is switched off by an administrator, under People")
    async with service.db.begin() as conn:
        await accounts.end_login(conn, service.now_us(), who.login)
        await trail.note(conn, request, who.name, "logout", who.id)
    browser.take_login(response, service)


@router.get("/me")
async def me(who: Newcomer, service: Here) -> dict[str, Any]:
    """Who is signed in, what they may where, and the token for the header of unsafe requests."""
    async with service.db.read() as conn:
        account = await accounts.by_id(conn, who.id)
        grants = await accounts.grants_of(conn, who.id)
    assert account is not None
    return _me(account, grants, who.csrf, who.ends_us, service, kiosk=who.kiosk)


@router.post("/password")
async def change_password(
    body: NewPassword, who: Newcomer, request: Request, response: Response, service: Here
) -> dict[str, Any]:
    """Change one's own password. Every log-in of this person ends; this browser gets a new one."""
    name = who.name.removeprefix("user:")
    async with service.db.read() as conn:
        account = await accounts.by_id(conn, who.id)
    if account is None or account.password_hash is None:
        raise Problem(409, "this account has no password here; the hospital's identity provider keeps it")
    if account.password_expires_us is not None and service.now_us() >= account.password_expires_us:
        await trail.refused(request, who.name, "password", who.id, why="expired")
        raise Problem(401, "the one-time password was good for an hour; an administrator can make a new one")
    keys = Counted(service, ((service.doors.browsers, f"change {who.id}"),))
    await keys.knock(request, who.name, "password", who.id)
    if not await service.doors.mill.matches(account.password_hash, body.old):
        await keys.wrong()
        await trail.refused(request, who.name, "password", who.id)
        raise Problem(403, "the old password is wrong")
    await keys.right()
    wrong = passwords.wrong_with(body.new, name, body.old)
    if wrong:
        raise Problem(422, wrong)
    kept = await service.doors.mill.hash(body.new)
    async with service.db.begin() as conn:
        now = await accounts.by_id(conn, who.id)
        if now is None or now.password_hash != account.password_hash:
            raise Problem(409, "the password was changed at the same moment; sign in again")
        await accounts.set_password(conn, who.id, kept)
        await accounts.end_logins(conn, service.now_us(), who.id)
        await trail.note(conn, request, who.name, "password", who.id)
    first.forget_file(service.settings, name)
    return await admit(request, response, service, who.id, who.name, how="new password")


def _me(
    account: Any,
    grants: list[dict[str, Any]],
    csrf: str,
    ends_us: int,
    service: Service,
    *,
    kiosk: bool = False,
) -> dict[str, Any]:
    roles = {g["role"] for g in grants}
    return {
        "id": account.id,
        "name": account.name,
        "display": account.display,
        "must_change": account.must_change,
        "grants": grants,
        "actions": sorted(action for action, who in ALLOWED.items() if roles & who),
        "csrf": csrf,
        "ends_us": ends_us,
        "idle_minutes": None if kiosk else service.settings.idle_minutes,
        "kiosk": kiosk,
        "notices": _notices(grants, service),
    }


def _notices(grants: list[dict[str, Any]], service: Service) -> list[dict[str, Any]]:
    """What who manages the whole service should know, as ids with values: its certificate has to be renewed."""
    manages = any(
        Role(g["role"]) in ALLOWED[Action.MANAGE] and not (g["ward_id"] or g["study_id"]) for g in grants
    )
    shown: Served | None = service.parts.get(Served)
    now_us = service.now_us()
    if not manages or shown is None or not shown.is_due(now_us):
        return []
    return [{"id": "certificate", "values": {"days": max(0, shown.days(now_us))}}]


# ---- how often


class Counted:
    """The counters that one try is under."""

    def __init__(self, service: Service, counted: tuple[tuple[Any, str], ...]) -> None:
        self._service, self._counted = service, counted
        self._are_shared = service.settings.replicas

    async def knock(self, request: Request, actor: str, action: str, what: str = "") -> None:
        """Count a try of ``actor``, unless it comes too early.

        Raises:
            Problem: 429; it is in the audit log.
        """
        now_us = self._service.now_us()
        if self._are_shared:
            await tries.look(self._service.db, self._counted, now_us)
        wait_s = max(throttle.wait_s(key, now_us) for throttle, key in self._counted)
        if wait_s > 0:
            seconds = math.ceil(wait_s)
            await trail.refused(request, actor, action, what, why="too-often")
            raise Problem(
                429,
                f"too many wrong tries; the next one is listened to in {seconds} s",
                headers={"Retry-After": str(seconds)},
                retry_after_s=seconds,
            )
        for throttle, key in self._counted:
            throttle.tried(key, now_us)

    def unjudged(self) -> None:
        """Nobody looked whether it was right: it counts as no try."""
        for throttle, key in self._counted:
            throttle.undo(key)

    async def wrong(self) -> None:
        """It was wrong: all replicas are to know."""
        if self._are_shared:
            await tries.add(self._service.db, self._counted, self._service.now_us())
        for throttle, key in self._counted:
            throttle.judged(key)

    async def right(self) -> None:
        """It was right: the account's count ends; an address that many share is only given this try back."""
        for throttle, key in self._counted:
            if throttle is self._service.doors.addresses:
                throttle.undo(key)
                continue
            throttle.passed(key)
            if self._are_shared:
                await tries.forget(self._service.db, throttle, key)


def _counted(service: Service, request: Request, name: str, user_id: str | None) -> Counted:
    doors = service.doors
    seen = browser.known(request, service, user_id or "nobody")  # as long for an unknown name
    if seen is not None:
        return Counted(service, ((doors.browsers, f"{seen} {user_id}"),))
    return Counted(service, ((doors.accounts, name), (doors.addresses, network_of(origin_of(request)))))


def network_of(origin: str) -> str:
    """What one address is counted as: of IPv6 the first 64 bits, for a single machine has all the rest."""
    try:
        address = ipaddress.ip_address(origin.partition("%")[0])
    except ValueError:
        return origin
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
