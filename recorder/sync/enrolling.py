"""A station becomes a device of a service, by the one-time code its administrator gave out."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx

from recorder.errors import WrongService
from recorder.sync import signing, wire
from recorder.sync.answers import (
    Refused,
    check_protocol,
    http_of,
    no_service,
    read_body,
    refusal,
    unreachable,
    verified_hello,
)
from recorder.sync.canonical import as_bytes
from recorder.sync.client import ANSWER_S
from recorder.sync.identity import Identity, address


def enrol(url: str, code: str, *, station: str, ca_pem: str = "", now_us: int = 0) -> Identity:
    """Become a device of a service with the code its administrator gave out; pins whom we met.

    Raises:
        ConfigError: address or CA file is none.
        ServiceUnreachable, ServiceRefused, WrongService: as they say.
    """
    url = address(url)
    key = signing.new_key()
    host = urlsplit(url).netloc
    with http_of(url, ca_pem) as http:
        try:
            hello = verified_hello(host, _once(http, host, "GET", "/v1/hello", None))
        except Refused as error:
            raise no_service(error, host) from error
        check_protocol(host, hello)
        asked = signing.sign_enrolment(key, code.strip(), socket.gethostname()[:120], station)
        answer = _once(http, host, "POST", "/v1/enrol", as_bytes(asked))
    enrolled = read_body(wire.Enrolled, host, answer)
    if (enrolled.server_id, enrolled.signing_public_key) != (hello.server_id, hello.signing_public_key):
        raise WrongService(f"{host}: two services answer at this address; tell its administrator")
    bed = enrolled.bed or wire.Bed("none", "")
    return Identity(
        url,
        enrolled.server_id,
        enrolled.device_id,
        signing.private_hex(key),
        enrolled.signing_public_key,
        enrolled.wrapping_public_key,
        enrolled.wrapping_key_id,
        enrolled.production,
        station,
        bed.label,
        bed.ward,
        bed.site,
        ca_pem,
        now_us,
    )


def _once(http: httpx.Client, host: str, method: str, path: str, content: bytes | None) -> bytes:
    headers = {"Content-Type": "application/json"} if content is not None else {}
    try:
        response = http.request(method, path, content=content, headers=headers, timeout=ANSWER_S)
    except httpx.TransportError as error:
        raise unreachable(host, error) from error
    if not response.is_success:
        raise refusal(host, response)
    return response.content
