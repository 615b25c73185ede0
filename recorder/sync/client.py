"""The service over HTTP: tried again where that may help, refused by name where another service answers.

Every call is one a retry cannot harm: same opening, same blob, same revision. A token is dated by the service's clock
as its hello told it, so that a bedside whose clock is days off still gets in.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self

import httpx

from recorder.errors import (
    ServiceRefused,
    ServiceUnreachable,
    SyncError,
    WireError,
    WrongService,
)
from recorder.sync import signing, wire
from recorder.sync.answers import (
    Refused,
    again_after_s,
    certificate_end_us,
    check_pinned,
    check_protocol,
    http_of,
    no_service,
    read_body,
    refusal,
    unreachable,
    verified_hello,
)
from recorder.sync.canonical import as_bytes, read_json
from recorder.sync.fields import Body
from recorder.sync.identity import Identity
from recorder.sync.live_offer import LiveCertificate
from recorder.sync.plan import backoff_s

CONNECT_S: Final = 5.0
ANSWER_S: Final = 30.0
SILENT_TRIES: Final = 2
"""One request that gets no answer is a lost one; from the second on it is the service that gives none."""
SLOWEST_BYTES_S: Final = 8_000
"""A link of 64 kbit/s is slow and works: an answer to a body is waited for so much longer."""
CHUNK_BYTES: Final = 64 * 1024
TOKEN_AHEAD_S: Final = 120.0
"""A token is renewed so long before it ends."""
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is tried again before it is given up for now."""

    tries: int = 6
    first_s: float = 0.5
    longest_s: float = 20.0
    luck: Callable[[], float] = field(default=random.random, repr=False)


class ServiceClient:
    """One service, as one device. Any thread.

    Args:
        identity: who we are there, and what is pinned of it.
        patience: with a service that does not answer.
        bytes_per_s: all uploads together at most; None = as fast as they go.
        stop: set to give up waiting, e.g. when the process is to end.
        heard: told why when it goes silent while a call is tried again, and None when it answers again.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        patience: Patience | None = None,
        bytes_per_s: float | None = None,
        stop: threading.Event | None = None,
        heard: Callable[[SyncError | None], None] = lambda _: None,
    ) -> None:
        self.identity, self.heard = identity, heard
        self._is_silent, self._hearing = False, threading.Lock()
        self._key = signing.key_from_hex(identity.private_key)
        self._http = http_of(identity.url, identity.ca_pem)
        self._patience = patience or Patience()
        self._stop = stop or threading.Event()
        self._brake = _Brake(bytes_per_s, self._stop) if bytes_per_s else None
        self._lock = threading.Lock()
        self._hello: wire.Hello | None = None
        self._ahead_s = 0.0
        self._token, self._token_until_s = "", 0.0
        self.certificate_ends_us: int | None = None
        """When what it showed last runs out, UTC µs; None over a link without TLS."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # ---- who answers

    @property
    def hello(self) -> wire.Hello:
        """What the service said of itself when it was first asked, checked against what was pinned.

        Raises:
            WrongService: another one answers.
            ServiceRefused: it is of a version that does not understand this one.
            ServiceUnreachable: none does.
        """
        if self._hello is None:
            self.greet()
        assert self._hello is not None
        return self._hello

    def greet(self) -> wire.Hello:
        """Ask who answers and what time it is there.

        Raises:
            as :attr:`hello`.
        """
        before_s = time.monotonic()
        host = self.identity.host
        try:
            found = verified_hello(host, self._send("GET", "/v1/hello", bare=True))
        except Refused as error:
            raise no_service(error, host) from error
        check_pinned(self.identity, found)
        with self._lock:
            self._hello = found
            self._ahead_s = found.server_us / 1e6 - (before_s + time.monotonic()) / 2
            self._token = ""
        try:
            check_protocol(host, found)
        except ServiceRefused:
            self._say_who_we_are()
            with self._lock:
                self._hello = None  # asked anew each time: it may have been brought to our version
            raise
        return found

    def _say_who_we_are(self) -> None:
        """Once, with our version and nothing else, so that the other side can show it."""
        headers = {"Authorization": f"Bearer {self._bearer()}", "Content-Type": "application/json"}
        with suppress(httpx.TransportError):
            self._request("POST", "/v1/devices/me/heartbeat", b"{}", headers)

    @property
    def production(self) -> bool:
        """It refuses simulated sessions; as pinned until it was asked."""
        return self._hello.production if self._hello else self.identity.production

    def server_now_us(self) -> int:
        """The service's clock, UTC µs, carried on by our monotonic one."""
        _ = self.hello
        return int((time.monotonic() + self._ahead_s) * 1e6)

    def _bearer(self) -> str:
        _ = self.hello
        with self._lock:
            now_s = time.monotonic() + self._ahead_s
            if not self._token or now_s > self._token_until_s - TOKEN_AHEAD_S:
                self._token_until_s = now_s + signing.TOKEN_S
                self._token = signing.device_token(
                    self._key,
                    self.identity.device_id,
                    self.identity.server_id,
                    now_s=int(now_s),
                    token_id=secrets.token_hex(16),
                )
            return self._token

    def token(self) -> str:
        """A bearer token of now, for what is not HTTP."""
        return self._bearer()

    # ---- the record path

    def open_session(self, opening: wire.SessionOpening) -> None:
        """Announce a session; the same again changes nothing.

        Raises:
            Refused: another opening is there, or it may not come here.
        """
        self._send("PUT", f"/v1/sessions/{opening.session_id}", opening)

    def receipt(self, session_id: str) -> wire.SignedReceipt | None:
        """Of the last revision the service holds, its signature verified; None where it has none."""
        try:
            answer = self._send("GET", f"/v1/sessions/{session_id}/receipt")
        except Refused as error:
            if error.problem.status == 404:
                return None
            raise
        signed = read_body(wire.SignedReceipt, self.identity.host, answer)
        identity, told = self.identity, signed.receipt
        signing.verify(identity.signing_public_key, signing.RECEIPT, told.to_json(), signed.signature)
        if told.server_id != identity.server_id or told.session_id != session_id:
            raise WireError(f"{identity.host}: its receipt is of another service or session")
        return signed

    def missing(self, ids: Sequence[str]) -> set[str]:
        """Which of these blobs the service lacks."""
        found: set[str] = set()
        for at in range(0, len(ids), wire.QUERY_IDS_MAX):
            query = wire.BlobQuery(tuple(ids[at : at + wire.QUERY_IDS_MAX]))
            answer = self._send("POST", "/v1/blobs/missing", query)
            found.update(read_body(wire.BlobsMissing, self.identity.host, answer).missing)
        return found

    def put_blob(self, blob_sha256: str, content: bytes) -> None:
        """Send one blob; durable there when this returns."""
        self._send("PUT", f"/v1/blobs/{blob_sha256}", content)

    def commit(self, signed: wire.SignedManifest) -> wire.SignedReceipt:
        """Send a revision; returns its receipt, verified against this very manifest.

        Raises:
            Refused: blobs are missing, or the revision is taken.
            WireError: the receipt is not of this manifest; nothing is safe by it.
        """
        path = f"/v1/sessions/{signed.manifest.session_id}/manifests"
        receipt = read_body(wire.SignedReceipt, self.identity.host, self._send("POST", path, signed))
        pinned = self.identity
        signing.verify_receipt(pinned.signing_public_key, pinned.server_id, receipt, signed.manifest)
        return receipt

    def heartbeat(self, beat: wire.Heartbeat) -> wire.HeartbeatAnswer:
        """Say that we are alive; returns what the service wants."""
        answer = self._send("POST", "/v1/devices/me/heartbeat", beat)
        return read_body(wire.HeartbeatAnswer, self.identity.host, answer)

    def live_certificate(self) -> LiveCertificate:
        """Of ours, for the site's broker; signed by the key that was pinned.

        Raises:
            Refused: the service has no broker, or cannot sign.
        """
        identity = self.identity
        answer = self._send("POST", "/v1/devices/me/certificate")
        return signing.verify_certificate(
            identity.signing_public_key, identity.server_id, identity.device_id, read_json(answer)
        )

    # ---- sending

    def _send(self, method: str, path: str, body: Body | bytes | None = None, *, bare: bool = False) -> bytes:
        """One request, tried again; what the answer holds.

        Raises:
            ServiceUnreachable: no answer, or none that helps.
            Refused: the answer is no.
        """
        content, kind = _content_of(body)
        again_s, greeted = 0.0, False
        complaint: SyncError | None = None
        for trial in range(self._patience.tries):
            if trial >= SILENT_TRIES and isinstance(complaint, ServiceUnreachable):
                self._hears(complaint)
            if trial and not self._wait(trial, again_s):
                break
            headers = {"Content-Type": kind} if content is not None else {}
            if not bare:
                headers["Authorization"] = f"Bearer {self._bearer()}"
            try:
                response = self._request(method, path, content, headers)
            except httpx.TransportError as error:
                complaint = unreachable(self.identity.host, error)
                if isinstance(complaint, WrongService):
                    raise complaint from error
                continue
            self.certificate_ends_us = certificate_end_us(response)
            if response.is_success:
                self._hears(None)
                return response.content
            refused = refusal(self.identity.host, response)
            if response.status_code == 401 and not bare and not greeted:
                greeted = True  # asleep meanwhile, or a clock was set: ask for the time once
                self.greet()
            elif response.status_code not in _AGAIN and not _garbled(path, response):
                self._hears(None)
                raise refused
            again_s, complaint = again_after_s(response), refused
            if response.status_code in _AGAIN:
                complaint = ServiceUnreachable(f"{refused}; it is tried again later")
        raise complaint or ServiceUnreachable(f"{self.identity.host}: stopped before it answered")

    def _hears(self, complaint: SyncError | None) -> None:
        with self._hearing:  # told in the order in which it came to pass
            if self._is_silent != (complaint is not None):
                self._is_silent = complaint is not None
                self.heard(complaint)

    def _request(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> httpx.Response:
        n_bytes = len(content or b"")
        timeout = httpx.Timeout(ANSWER_S + n_bytes / SLOWEST_BYTES_S, connect=CONNECT_S, pool=None)
        if self._brake is None or content is None or n_bytes < CHUNK_BYTES // 4:
            return self._http.request(method, path, content=content, headers=headers, timeout=timeout)
        headers = {**headers, "Content-Length": str(n_bytes)}
        pieces = self._brake.pieces(content)
        return self._http.request(method, path, content=pieces, headers=headers, timeout=timeout)

    def _wait(self, trial: int, least_s: float) -> bool:
        patience = self._patience
        wait_s = backoff_s(trial, patience.first_s, patience.longest_s, patience.luck())
        return not self._stop.wait(max(wait_s, min(least_s, patience.longest_s)))


class _Brake:
    """All uploads together no faster than so many bytes a second."""

    def __init__(self, bytes_per_s: float, stop: threading.Event) -> None:
        self._rate, self._stop = bytes_per_s, stop
        self._free_s = time.monotonic()
        self._lock = threading.Lock()

    def pieces(self, content: bytes) -> Iterator[bytes]:
        step = max(1024, min(CHUNK_BYTES, int(self._rate / 4)))
        for at in range(0, len(content), step):
            piece = content[at : at + step]
            with self._lock:
                now_s = time.monotonic()
                self._free_s = max(self._free_s, now_s)
                wait_s = self._free_s - now_s
                self._free_s += len(piece) / self._rate
            if wait_s > 0 and self._stop.wait(wait_s):
                raise httpx.WriteError("stopped")
            yield piece


def _garbled(path: str, response: httpx.Response) -> bool:
    """A blob that arrived as something else was hurt on its way: it is sent again."""
    return response.status_code == 422 and path.startswith("/v1/blobs/")


def _content_of(body: Body | bytes | None) -> tuple[bytes | None, str]:
    if body is None:
        return None, ""
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    return as_bytes(body), "application/json"
