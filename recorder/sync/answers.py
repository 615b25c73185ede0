"""What a service's answer means, or that none came: in words, and as the error that says what to do."""

from __future__ import annotations

import ssl
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from recorder.errors import (
    ConfigError,
    RecorderError,
    ServiceRefused,
    ServiceUnreachable,
    SignatureWrong,
    SyncError,
    WireError,
    WrongService,
)
from recorder.sync import protocol, signing, wire
from recorder.sync.canonical import read_json
from recorder.sync.fields import Body
from recorder.sync.identity import Identity
from recorder.transports.tcp import is_loopback

REVOKED = "service-revoked"
CERTIFICATE = "service-certificate"
VERSION = "service-version"
"""Advice ids of their own."""
_NOT_YET, _EXPIRED, _OTHER_NAME = 9, 10, frozenset({62, 64})
"""X509_V_ERR_* of OpenSSL's ``x509_vfy.h``: not yet valid, expired, host name or address mismatch."""

_UP = "see that network and service are up"

B = TypeVar("B", bound=Body)


class Refused(ServiceRefused):
    """The service said no; ``problem`` is what it said."""

    def __init__(self, message: str, problem: wire.Problem, *, advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
        self.problem = problem


def verified_hello(host: str, content: bytes) -> wire.Hello:
    """Who answers, and that it holds the key it names.

    Raises:
        WrongService: it does not, or it is no service of ours.
    """
    try:
        return signing.verify_hello(read_json(content))
    except SignatureWrong as error:
        raise WrongService(f"{host}: does not hold the key it names; tell its administrator") from error
    except WireError as error:
        raise WrongService(f"{host}: is no HemoView service ({error}); check the address") from error


def no_service(refused: Refused, host: str) -> WrongService:
    """Something answers there that has no hello."""
    return WrongService(f"{host}: is no HemoView service ({refused.problem.status}); check the address")


def check_pinned(identity: Identity, found: wire.Hello) -> None:
    """The one we are enrolled with, and no other.

    Raises:
        WrongService: another one.
    """
    if (found.server_id, found.signing_public_key) == (identity.server_id, identity.signing_public_key):
        return
    raise WrongService(
        f"{identity.host}: another service answers than the one station {identity.station} is enrolled with "
        f"({found.server_id[:8]} instead of {identity.server_id[:8]}); nothing was sent. If it was set up anew, "
        "sign out and enrol again"
    )


def check_protocol(host: str, found: wire.Hello) -> None:
    """It is of a build that this one understands.

    Raises:
        ServiceRefused: it is not.
    """
    if found.protocol != protocol.OURS:
        raise ServiceRefused(
            f"{host}: speaks version {found.protocol} of the protocol, this HemoView {protocol.OURS}; bring both to "
            "the same version. Nothing was sent, all is kept here",
            advice=VERSION,
        )


def unreachable(host: str, error: httpx.TransportError) -> SyncError:
    """Why no answer came, in words; a certificate nobody vouches for is a :class:`WrongService`."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ssl.SSLCertVerificationError):
            return WrongService(f"{host}: {_certificate(link)}", advice=CERTIFICATE)
        link = link.__cause__ or link.__context__
    if isinstance(error, httpx.TimeoutException):
        what = "does not answer in time"
    elif isinstance(error, httpx.ConnectError):
        what = f"cannot be reached ({_reason(error)})"
    else:
        what = f"broke off ({_reason(error)})"
    return ServiceUnreachable(f"{host}: {what}; {_UP}")


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    """What is wrong with it, and what to do: a new CA file mends neither a date nor a name."""
    if error.verify_code == _EXPIRED:
        return "its certificate has run out; see that this machine's clock is right, else its administrator renews it"
    if error.verify_code == _NOT_YET:
        return "its certificate is not valid yet; see that this machine's clock is right, else tell its administrator"
    if error.verify_code in _OTHER_NAME:
        return "its certificate is for another name; type the address just as its administrator gave it"
    return (
        f"its certificate is not one this station trusts ({error.verify_message}); "
        "ask its administrator for its CA file and choose it (at a command line: --ca FILE)"
    )


def refusal(host: str, response: httpx.Response) -> Refused:
    """What a status that is no success says, in words."""
    problem = _problem_of(response)
    advice = None
    what = problem.detail or problem.title
    if response.is_redirect:
        what = "points elsewhere, which is not followed; enrol with the address it is really at"
    elif problem.type == wire.DEVICE_REVOKED or (response.status_code == 401 and "revoked" in what):
        advice = REVOKED
    elif problem.type == protocol.OTHER:
        advice = VERSION
    elif response.status_code == 507:
        what = f"has no space left ({what}); tell its administrator"
    return Refused(f"{host}: {what}", problem, advice=advice)


def _problem_of(response: httpx.Response) -> wire.Problem:
    try:
        value = read_json(response.content)
        value = {"title": "Refused", **value, "status": response.status_code}
        return wire.Problem.from_json(value)
    except RecorderError:
        return wire.Problem(f"answers {response.status_code}", response.status_code)


def certificate_end_us(response: httpx.Response) -> int | None:
    """When the certificate behind an answer runs out, UTC µs; None without TLS."""
    stream = response.extensions.get("network_stream")
    told = stream.get_extra_info("ssl_object") if stream is not None else None
    ends = (told.getpeercert() or {}).get("notAfter") if told is not None else None
    return ssl.cert_time_to_seconds(ends) * 1_000_000 if isinstance(ends, str) else None


def again_after_s(response: httpx.Response) -> float:
    """How long the service asks to be left alone, s."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0


def _reason(error: Exception) -> str:
    link: BaseException = error
    while link.__cause__ is not None or link.__context__ is not None:
        link = link.__cause__ or link.__context__  # type: ignore[assignment]
    words = (isinstance(link, OSError) and link.strerror) or str(link) or type(link).__name__
    return str(words).strip()[:120]


def read_body(kind: type[B], host: str, content: bytes) -> B:
    """A body of an answer.

    Raises:
        WireError: it is none.
    """
    try:
        return kind.from_json(read_json(content))
    except WireError as error:
        raise WireError(f"{host}: its answer is not understood ({error}); update this HemoView") from error


def http_of(url: str, ca_pem: str) -> httpx.Client:
    """Connections to one address, trusting one authority; the system's where ``ca_pem`` is empty.

    Raises:
        ConfigError: ``ca_pem`` holds no certificate.
    """
    parts = urlsplit(url)
    try:
        verify: ssl.SSLContext | bool = ssl.create_default_context(cadata=ca_pem) if ca_pem else True
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError("the CA file holds no certificate; ask for the service's CA file (PEM)") from error
    return httpx.Client(
        base_url=url,
        verify=verify,
        trust_env=not is_loopback(parts.hostname or ""),
        headers={protocol.HEADER: str(protocol.OURS)},
        limits=httpx.Limits(max_connections=16, max_keepalive_connections=16),
    )
