"""Signing in at the hospital's identity provider.

A browser is sent there and comes back; what went wrong is told by the sign-in page (``/?refused=…``), for it is a
person who looks. Who comes back is matched by issuer and subject, tied by an administrator or by a one-time code.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import and_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.asking import hash_of, origin_of
from hemoview.cloud.identity import accounts, browser, codes, trail
from hemoview.cloud.identity.oidc import Asked, OidcRefused, Provider
from hemoview.cloud.identity.signin import Counted, admit, network_of
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Here, Service
from hemoview.cloud.settings import Settings
from hemoview.cloud.tables import link_code, user_account

log = logging.getLogger(__name__)
router = APIRouter(prefix="/v1/oidc", tags=["people"])

CALLBACK: Final = "/v1/oidc/callback"
_ASKED: Final = "hemoview_oidc"
_ASKED_S: Final = 600
Why = Literal["provider", "unknown", "off", "link", "again"]
Said = Annotated[str, Query(max_length=4096)]


def provider_of(settings: Settings) -> Provider | None:
    """The one of the settings."""
    if not settings.oidc_issuer:
        return None
    secret = settings.oidc_secret_file.read_text("utf-8").strip() if settings.oidc_secret_file else ""
    return Provider(settings.oidc_issuer, settings.oidc_client_id, secret, settings.address + CALLBACK)


@router.get("")
async def offered(service: Here) -> dict[str, Any]:
    """Whether people can sign in there."""
    return {"offered": Provider in service.parts}


@router.get("/start", status_code=303)
async def start(service: Here, link: Annotated[str, Query(max_length=64)] = "") -> Response:
    """Off to the provider. ``link``: a code that ties an account here to who comes back."""
    provider = _provider(service)
    asked = Asked.new(codes.plain(link) if codes.is_well_typed(link) else "")
    if link and not asked.link:
        return _back("link")
    try:
        where = await provider.begin(asked)
    except OidcRefused as error:
        log.warning("identity provider %s: %s", provider.issuer, error)
        return _back("provider")
    response = RedirectResponse(where, 303)
    browser.give(response, service, _ASKED, asked.written(), _ASKED_S)
    return response


@router.get("/callback", status_code=303)
async def callback(
    request: Request, service: Here, code: Said = "", state: Said = "", iss: Said = ""
) -> Response:
    """Back from the provider: signed in, or back at the sign-in page with why not."""
    provider = _provider(service)
    asked = Asked.read(browser.given(request, service, _ASKED))
    if asked is None or not asked.is_answered_by(state):
        return _back("again")
    keys = Counted(service, ((service.doors.addresses, network_of(origin_of(request))),))
    await keys.knock(request, "nobody", "login")
    try:
        if not code or iss not in ("", provider.issuer):  # RFC 9207
            raise OidcRefused("it refused, or another provider answered")
        subject = await provider.finish(asked, code, service.now_us())
    except OidcRefused as error:
        log.warning("identity provider %s: %s", provider.issuer, error)
        await keys.wrong()
        await trail.refused(request, "nobody", "login", how="oidc", why="provider")
        return _done(service, _back("provider"))
    account, why = await _account(request, service, accounts.oidc_key(provider.issuer, subject), asked.link)
    if why is not None:
        await keys.wrong()
        await trail.refused(request, "nobody", "login", account.id if account else "", how="oidc", why=why)
        return _done(service, _back(why))
    await keys.right()
    response = RedirectResponse("/", 303)
    await admit(request, response, service, account.id, f"user:{account.name}", how="oidc")
    return _done(service, response)


async def _account(request: Request, service: Service, key: str, link: str) -> tuple[Any, Why | None]:
    async with service.db.begin() as conn:
        if link and not await _tie(conn, request, service, key, link):
            return None, "link"
        found = (await conn.execute(select(user_account).where(user_account.c.oidc_subject == key))).first()
    if found is None:
        return None, "unknown"
    return found, "off" if found.disabled else None


async def _tie(conn: AsyncConnection, request: Request, service: Service, key: str, link: str) -> bool:
    """Whether the code was good, and the account is now of this person. A one-time password it had ends."""
    now_us, code = service.now_us(), link_code.c.code_sha256 == hash_of(link)
    unused = and_(code, link_code.c.used_us.is_(None), link_code.c.expires_us > now_us)
    claimed = await conn.execute(update(link_code).where(unused).values(used_us=now_us))
    if not claimed.rowcount:
        return False
    row = (await conn.execute(select(link_code).where(code))).one()
    mine = user_account.c.id == row.user_id
    try:
        async with conn.begin_nested():
            await conn.execute(update(user_account).where(mine).values(oidc_subject=key))
    except IntegrityError:  # tied to another account already
        return False
    await accounts.end_one_time(conn, row.user_id)
    await trail.note(conn, request, "nobody", "user.link", row.user_id)
    return True


def _provider(service: Service) -> Provider:
    if Provider not in service.parts:
        raise Problem(404, "no identity provider is set; sign in with name and password")
    return service.part(Provider)


def _back(why: Why) -> Response:
    return RedirectResponse(f"/?refused={why}", 303)


def _done(service: Service, response: Response) -> Response:
    browser.take(response, service, _ASKED)
    return response
