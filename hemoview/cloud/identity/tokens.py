"""How a bedside proves itself: a short JSON Web Token signed with its Ed25519 key (RFC 7519, RFC 9864)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import extract_compact

LIFETIME_S: Final = 15 * 60
"""A token may be valid for so long at most."""
SKEW_S: Final = 120
"""A bedside's clock may be wrong by this much before its tokens are refused; ``/v1/hello`` tells it the time."""
_ALGORITHMS: Final = ["Ed25519"]
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


class TokenRefused(ValueError):
    """The token proves nothing; why, in words for the log."""


def device_of(token: str) -> str:
    """Which device a token *says* it is of, unchecked.

    Raises:
        TokenRefused: it is no token.
    """
    try:
        header = extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, KeyError, UnicodeError) as error:
        raise TokenRefused("not a token") from error
    kid = header.get("kid")
    if not isinstance(kid, str) or not _ID.fullmatch(kid) or header.get("alg") not in _ALGORITHMS:
        raise TokenRefused("not a token of a device")
    return kid


def claimed_by(token: str) -> str:
    """The device a token says it is of, for the audit log; empty where it says nothing that could be one."""
    try:
        return device_of(token)
    except TokenRefused:
        return ""


def check(token: str, device_id: str, public_key: bytes, server_id: str, now_us: int) -> None:
    """Refuse a token that ``device_id`` did not make for this service, or that is not valid now.

    Args:
        public_key: 32 bytes, Ed25519.

    Raises:
        TokenRefused: says why.
    """
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _b64url(public_key)})
    try:
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=_ALGORITHMS).claims
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused("signature differs") from error
    if claims.get("iss") != device_id or claims.get("aud") != server_id:
        raise TokenRefused("made for somebody else")
    begins, ends, now_s = claims.get("iat"), claims.get("exp"), now_us / 1e6
    if not isinstance(begins, int | float) or not isinstance(ends, int | float):
        raise TokenRefused("without times")
    if not 0 < ends - begins <= LIFETIME_S:
        raise TokenRefused("valid for too long")
    if not begins - SKEW_S <= now_s <= ends + SKEW_S:
        raise TokenRefused("expired, or from the future")


def _b64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
