"""What a browser is given and asked for: cookies, and where its request comes from."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Final
from urllib.parse import urlsplit

from fastapi import Response
from starlette.requests import HTTPConnection

from hemoview.cloud.asking import cookie_name
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import Service, service_of

_KNOWN: Final = "hemoview_browser"
_KNOWN_PEOPLE: Final = 8
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_KNOWN_S: Final = 180 * 86_400
_PURPOSE: Final = b"hemoview-browser-1\0"


def give_login(response: Response, service: Service, cookie: str, seconds: float) -> None:
    """The log-in itself: scripts cannot read it, other sites cannot send it."""
    _set(response, service, cookie_name(service), cookie, seconds)


def take_login(response: Response, service: Service) -> None:
    """Signed out."""
    _delete(response, service, cookie_name(service))


def give(response: Response, service: Service, name: str, value: str, seconds: float) -> None:
    """Some other cookie, kept as well."""
    _set(response, service, _full(service, name), value, seconds)


def given(request: HTTPConnection, service: Service, name: str) -> str:
    """What :func:`give` gave; empty: nothing."""
    return request.cookies.get(_full(service, name), "")


def take(response: Response, service: Service, name: str) -> None:
    """It is of no use any more."""
    _delete(response, service, _full(service, name))


def give_known(request: HTTPConnection, response: Response, service: Service, user_id: str) -> None:
    """Somebody has signed in here: tries from this browser are counted by themselves (:mod:`.throttle`).

    A ward shares its tablets: the last :data:`_KNOWN_PEOPLE` are known, each by a signature of their own.
    """
    nonce, *before = given(request, service, _KNOWN).split(".")[: _KNOWN_PEOPLE + 1]
    if not _NONCE.fullmatch(nonce):
        nonce, before = secrets.token_urlsafe(16), []
    signature = service.keys.signing.sign(_told(user_id, nonce)).hex()
    kept = [signature, *(one for one in before if one != signature)][:_KNOWN_PEOPLE]
    give(response, service, _KNOWN, ".".join((nonce, *kept)), _KNOWN_S)


def known(request: HTTPConnection, service: Service, user_id: str) -> str | None:
    """A name for this browser if ``user_id`` has signed in with it before, else None."""
    nonce, *signatures = given(request, service, _KNOWN).split(".")[: _KNOWN_PEOPLE + 1]
    right = service.keys.signing.sign(_told(user_id, nonce)).hex()  # Ed25519: the same each time
    return nonce if any(hmac.compare_digest(right.encode(), one.encode()) for one in signatures) else None


def check_same_origin(request: HTTPConnection) -> None:
    """Refuse what another site's page sends: for requests and WebSockets that no CSRF token protects.

    Raises:
        Problem: 403.
    """
    origin = request.headers.get("origin")
    ours = {request.headers.get("host"), urlsplit(service_of(request).settings.public_url).netloc}
    elsewhere = request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}
    if elsewhere or (origin is not None and (urlsplit(origin).netloc or "none") not in ours):
        raise Problem(403, "the request came from another site's page; open the service's own address")


def _full(service: Service, name: str) -> str:
    return f"__Host-{name}" if service.settings.is_secure else name


def _told(user_id: str, nonce: str) -> bytes:
    return _PURPOSE + f"{user_id}\0{nonce}".encode()


def _set(response: Response, service: Service, name: str, value: str, seconds: float) -> None:
    secure = service.settings.is_secure
    response.set_cookie(
        name, value, max_age=int(seconds), path="/", secure=secure, httponly=True, samesite="lax"
    )


def _delete(response: Response, service: Service, name: str) -> None:
    secure = service.settings.is_secure
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
