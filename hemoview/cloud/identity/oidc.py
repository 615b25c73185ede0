"""OpenID Connect (Core 1.0), the authorization code flow with PKCE (RFC 7636): what is asked, and what is believed.

Three requests to one provider, which is named in the settings and nowhere else; redirects are not followed. An identity
token is believed if it is signed by a key of the provider with an asymmetric algorithm, made for this client, now, and
in answer to this very request (nonce). Roles are never read from it: they are grants in our own database.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from recorder.transports.tcp import is_loopback

ALGORITHMS: Final = ["RS256", "PS256", "ES256", "ES384", "RS384", "RS512", "Ed25519"]
"""Asymmetric ones: with a symmetric one everybody who knows the client's secret could make tokens."""
SKEW_S: Final = 120
_TIMEOUT_S: Final = 10.0
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OidcRefused(Exception):
    """The provider's answer is not believed, or there is none; why, for the log."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is kept in the browser between asking and the answer. ``link``: a code that ties an account; or empty."""

    state: str
    nonce: str
    verifier: str
    link: str = ""

    @classmethod
    def new(cls, link: str = "") -> Self:
        """Fresh secrets."""
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), link)

    @classmethod
    def read(cls, cookie: str) -> Self | None:
        """Of :meth:`written`; None where it is none."""
        parts = cookie.split(".")
        return cls(*parts) if len(parts) == 4 and all(parts[:3]) else None

    def written(self) -> str:
        """For the cookie."""
        return ".".join((self.state, self.nonce, self.verifier, self.link))

    def is_answered_by(self, state: str) -> bool:
        """The answer is to this request, and not somebody else's put into this browser."""
        return hmac.compare_digest(self.state.encode(), state.encode())


class Provider:
    """The hospital's identity provider.

    Args:
        issuer: as it names itself, exactly.
        client_id, client_secret: as it knows this service; no secret for a public client.
        redirect_uri: where it sends people back to, exactly.
    """

    def __init__(self, issuer: str, client_id: str, client_secret: str, redirect_uri: str) -> None:
        self.issuer, self.client_id, self.redirect_uri = issuer, client_id, redirect_uri
        self._secret = client_secret
        self._told: dict[str, str] | None = None
        self._keys: KeySet | None = None

    async def begin(self, asked: Asked) -> str:
        """The address to send a browser to.

        Raises:
            OidcRefused: the provider does not answer, or is not the one of the settings.
        """
        told = await self._discovery()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": _challenge(asked.verifier),
            "code_challenge_method": "S256",
        }
        where = told["authorization_endpoint"]
        return f"{where}{'&' if urlsplit(where).query else '?'}{urlencode(query)}"

    async def finish(self, asked: Asked, code: str, now_us: int) -> str:
        """Who it is: the subject.

        Raises:
            OidcRefused: says why.
        """
        told = await self._discovery()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": asked.verifier,
        }
        by = httpx.BasicAuth(self.client_id, self._secret) if self._secret else None
        if by is None:
            form["client_id"] = self.client_id
        reply = await self._json("POST", told["token_endpoint"], data=form, auth=by)
        token = reply.get("id_token")
        if not isinstance(token, str):
            raise OidcRefused("its answer holds no identity token")
        claims = await self._claims(token, told["jwks_uri"])
        return self._subject(claims, asked.nonce, now_us)

    def _subject(self, claims: dict[str, Any], nonce: str, now_us: int) -> str:
        now_s, audience = now_us / 1e6, claims.get("aud")
        several = audience if isinstance(audience, list) else [audience]
        ends, made, said = claims.get("exp"), claims.get("iat"), claims.get("nonce")
        if claims.get("iss") != self.issuer or self.client_id not in several:
            raise OidcRefused("the token is of another provider or for somebody else")
        if claims.get("azp", self.client_id) != self.client_id or (len(several) > 1 and "azp" not in claims):
            raise OidcRefused("the token is for several and does not name us")
        if not isinstance(ends, int | float) or not isinstance(made, int | float):
            raise OidcRefused("the token is without times")
        if now_s >= ends + SKEW_S or made > now_s + SKEW_S:
            raise OidcRefused("the token has expired or is from the future; compare the clocks")
        if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
            raise OidcRefused("the token answers another request")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise OidcRefused("the token is of nobody")
        return subject

    async def _claims(self, token: str, jwks_uri: str) -> dict[str, Any]:
        for is_last in (False, True):  # a key we do not have: the provider may have changed them
            if self._keys is None or is_last:
                try:
                    self._keys = KeySet.import_key_set(await self._json("GET", jwks_uri))  # type: ignore[arg-type]
                except (JoseError, ValueError, TypeError, KeyError) as error:
                    raise OidcRefused("its keys cannot be read") from error
            try:
                return dict(jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims)
            except (JoseError, ValueError, TypeError) as error:
                if is_last:
                    raise OidcRefused(f"the token's signature is not believed ({error})") from error
        raise AssertionError

    async def _discovery(self) -> dict[str, str]:
        if self._told is None:
            where = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
            told = await self._json("GET", where)
            if told.get("issuer") != self.issuer:
                raise OidcRefused(f"{where} is of another issuer than the settings name")
            for name in _ENDPOINTS:
                if not is_safe(str(told.get(name, ""))):
                    raise OidcRefused(f"its {name} is not reached over https")
            self._told = {name: str(told[name]) for name in _ENDPOINTS}
        return self._told

    async def _json(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False) as http:
                reply = await http.request(method, url, headers={"Accept": "application/json"}, **options)
        except httpx.HTTPError as error:
            raise OidcRefused(f"{urlsplit(url).netloc} does not answer ({error})") from error
        try:
            told = reply.json()
        except ValueError:
            told = None
        if reply.status_code != 200 or not isinstance(told, dict):
            why = told.get("error", "") if isinstance(told, dict) else ""
            raise OidcRefused(f"{urlsplit(url).netloc} answered {reply.status_code} {why}".strip())
        return told


def is_safe(url: str) -> bool:
    """Over TLS, or on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
