"""A small real HTTP server that keeps the record path's rules, and does wrong when it is told to. Tests only.

It outlives its own death: :meth:`stop` and :meth:`start` keep what it holds and its port, as a killed service would.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hemoview.cloud.identity import tokens
from recorder.errors import SignatureWrong, WireError
from recorder.sync import custody, protocol, signing, wire
from recorder.sync.canonical import as_bytes, canonical, read_json

Fault = Callable[[str, str], str]
"""(method, path) → what goes wrong: ``drop`` (half of the body, then gone), ``mute`` (done, but never answered),
``500``, ``503``, ``garble`` (a blob arrives as something else), ``kill`` (the service dies at once), or empty."""


@dataclass
class FakeService:
    """What it holds is public: tests look at it."""

    production: bool = True
    protocol: int = protocol.OURS
    skew_s: float = 0.0
    server_id: str = field(default_factory=lambda: str(uuid4()))
    signing_key: Any = field(default_factory=signing.new_key)
    wrapping_key: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    fault: Fault = field(default=lambda _method, _path: "")
    ssl_context: Any = None
    devices: dict[str, str] = field(default_factory=dict)
    openings: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, list[tuple[wire.SignedManifest, wire.SignedReceipt]]] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    orders: list[wire.Order] = field(default_factory=list)
    acknowledged: list[wire.Acknowledgement] = field(default_factory=list)
    beats: list[wire.Heartbeat] = field(default_factory=list)
    bodies: Counter[str] = field(default_factory=Counter)
    codes: set[str] = field(default_factory=lambda: {"GOOD-CODE"})
    slow_s: float = 0.0
    forge: Callable[[wire.Receipt], wire.Receipt] = field(default=lambda receipt: receipt)
    forge_order: Callable[[wire.Order], wire.Order] = field(default=lambda order: order)
    _http: ThreadingHTTPServer | None = None
    _port: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # ---- life

    def start(self) -> FakeService:
        service = self

        class Handler(_Handler):
            ours = service

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A dropped connection is what was asked for."""

        self._http = Server(("127.0.0.1", self._port), Handler)
        self._port = self._http.server_address[1]
        if self.ssl_context is not None:
            self._http.socket = self.ssl_context.wrap_socket(self._http.socket, server_side=True)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            http.shutdown()
            http.server_close()

    def die(self) -> None:
        """As :meth:`stop`, from one of its own threads."""
        http, self._http = self._http, None
        if http is not None:
            http.server_close()
            threading.Thread(target=http.shutdown, daemon=True).start()

    @property
    def lives(self) -> bool:
        return self._http is not None

    @property
    def url(self) -> str:
        return f"{'https' if self.ssl_context else 'http'}://127.0.0.1:{self._port}"

    def now_us(self) -> int:
        return int((time.time() + self.skew_s) * 1e6)

    def hello(self) -> dict[str, Any]:
        facts = {
            "server_id": self.server_id,
            "server_us": self.now_us(),
            "software": "fake 1",
            "signing_public_key": signing.public_hex(self.signing_key),
            "wrapping_public_key": self.wrapping_key.public_key().public_bytes_raw().hex(),
            "wrapping_key_id": "w1",
            "production": self.production,
            "protocol": self.protocol,
        }
        return signing.sign_hello(self.signing_key, facts)

    # ---- what tests ask

    def plain_files(self, session_id: str) -> dict[str, bytes]:
        """The last revision of a session, decrypted with the service's own key."""
        opening = wire.SessionOpening.from_json(read_json(self.openings[session_id]))
        key = custody.unwrap(opening.wrapped_key, session_id, self.wrapping_key)
        files = self.manifests[session_id][-1][0].manifest.files
        return {
            f.name: custody.decrypt(key, session_id, f.name, f.plain_sha256, self.blobs[f.blob_sha256])
            for f in files
        }

    # ---- the routes

    def answer(  # noqa: PLR0911 – a row of the table each
        self, method: str, path: str, body: bytes, device: str | None
    ) -> tuple[int, Any]:
        parts = path.strip("/").split("/")[1:]
        if (method, parts) == ("GET", ["hello"]):
            return 200, self.hello()
        if (method, parts) == ("POST", ["enrol"]):
            return self._enrol(wire.Enrolment.from_json(read_json(body)))
        if device is None:
            return _problem(401, "this device was revoked; enrol it again")
        match method, parts:
            case "PUT", ["sessions", session_id]:
                return self._open(session_id, wire.SessionOpening.from_json(read_json(body)))
            case "POST", ["blobs", "missing"]:
                ids = wire.BlobQuery.from_json(read_json(body)).ids
                return 200, {"missing": [i for i in ids if i not in self.blobs]}
            case "PUT", ["blobs", blob_id]:
                return self._blob(blob_id, body)
            case "POST", ["sessions", session_id, "manifests"]:
                return self._manifest(session_id, wire.SignedManifest.from_json(read_json(body)))
            case "GET", ["sessions", session_id, "receipt"]:
                known = self.manifests.get(session_id)
                return (200, known[-1][1].to_json()) if known else _problem(404, "none")
            case "POST", ["devices", "me", "heartbeat"]:
                beat = wire.Heartbeat.from_json(read_json(body))
                self.beats.append(beat)
                self.acknowledged += beat.acknowledged
                done = {a.order_id for a in self.acknowledged if a.outcome != "failed"}
                waiting = [o for o in self.orders if o.order_id not in done]
                orders = [self._ordered(o, device).to_json() for o in waiting]
                return 200, {"server_us": self.now_us(), "orders": orders}
        return _problem(404, "no such route")

    def _ordered(self, order: wire.Order, device_id: str) -> wire.Order:
        return self.forge_order(signing.sign_order(self.signing_key, self.server_id, device_id, order))

    def _enrol(self, asked: wire.Enrolment) -> tuple[int, Any]:
        signing.verify_enrolment(asked)
        if asked.code not in self.codes:
            return _problem(
                403, "this code is unknown, used or too old; ask for a new one", wire.CODE_UNKNOWN
            )
        self.codes.discard(asked.code)
        device_id = str(uuid4())
        self.devices[device_id] = asked.public_key
        told = {k: v for k, v in self.hello().items() if k not in ("signature", "software")}
        return 200, {**told, "device_id": device_id, "bed": {"bed_id": "b3", "label": "Bed 3", "ward": "W1"}}

    def _open(self, session_id: str, opening: wire.SessionOpening) -> tuple[int, Any]:
        content = as_bytes(opening)
        if session_id in self.erased:
            return _problem(410, "erased", wire.SESSION_ERASED)
        if self.production and (opening.simulated or opening.training):
            return _problem(403, "production only", wire.PRODUCTION_ONLY)
        if session_id in self.openings:
            same = self.openings[session_id] == content
            return (200, {}) if same else _problem(409, "another opening is there", wire.OPENING_DIFFERS)
        self.openings[session_id] = content
        return 201, {}

    def _blob(self, blob_id: str, body: bytes) -> tuple[int, Any]:
        self.bodies[blob_id] += 1
        if hashlib.sha256(body).hexdigest() != blob_id:
            return _problem(422, "the hash is another")
        had = blob_id in self.blobs
        self.blobs[blob_id] = body
        return (200 if had else 201), {}

    def _manifest(self, session_id: str, signed: wire.SignedManifest) -> tuple[int, Any]:
        manifest = signed.manifest
        if session_id not in self.openings or manifest.session_id != session_id:
            return _problem(404, "no such session")
        signing.verify_manifest(self.devices[manifest.device_id], signed)
        known = self.manifests.setdefault(session_id, [])
        sha256 = signing.fingerprint(manifest)
        for earlier, receipt in known:
            if earlier.manifest.rev == manifest.rev and signing.fingerprint(earlier.manifest) == sha256:
                return 200, receipt.to_json()
        last = known[-1][1].receipt if known else None
        if manifest.rev != (last.rev if last else 0) + 1 or manifest.prev_sha256 != (
            last.manifest_sha256 if last else ""
        ):
            more = {"rev": last.rev, "manifest_sha256": last.manifest_sha256} if last else {}
            return _problem(409, "another revision is the last", wire.REVISION_TAKEN, **more)
        lacking = [f.blob_sha256 for f in manifest.files if f.blob_sha256 not in self.blobs]
        if lacking:
            return _problem(409, "blobs are missing", wire.MISSING_BLOBS, missing=lacking)
        before = {f.name for f in known[-1][0].manifest.files if f.kind == "segment"} if known else set()
        if not before <= {f.name for f in manifest.files}:
            return _problem(409, "a segment was dropped")
        receipt = wire.Receipt(
            self.server_id,
            session_id,
            manifest.rev,
            sha256,
            len(manifest.files),
            sum(f.blob_bytes for f in manifest.files),
            self.now_us(),
        )
        signed_receipt = signing.sign_receipt(self.signing_key, self.forge(receipt))
        known.append((signed, signed_receipt))
        return 200, signed_receipt.to_json()


class _Handler(BaseHTTPRequestHandler):
    ours: FakeService
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _any(self) -> None:
        ours = self.ours
        fault = ours.fault(self.command, self.path) if ours.lives else "drop"
        length = int(self.headers.get("Content-Length") or 0)
        if fault == "drop":
            self.rfile.read(length // 2)
            self._gone()
            return
        if fault == "kill":
            self.rfile.read(length // 2)
            ours.die()
            self._gone()
            return
        body = self.rfile.read(length)
        if ours.slow_s:
            time.sleep(ours.slow_s)
        if fault == "garble":
            body = body[:-1] + bytes([body[-1] ^ 1])
        if fault in ("500", "503"):
            self._reply(*_problem(int(fault), "out of order"))
            return
        with ours._lock:
            try:
                status, value = ours.answer(self.command, self.path, body, self._device())
            except SignatureWrong as error:
                status, value = _problem(403, str(error))
            except WireError as error:
                status, value = _problem(422, str(error))
        if fault == "mute":
            self._gone()
            return
        self._reply(status, value)

    def do_GET(self) -> None:
        self._any()

    do_PUT = do_POST = do_GET  # noqa: N815 – names of the base class

    def _device(self) -> str | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            device_id = tokens.device_of(token)
            key = bytes.fromhex(self.ours.devices[device_id])
            tokens.check(token, device_id, key, self.ours.server_id, self.ours.now_us())
        except (tokens.TokenRefused, KeyError):
            return None
        return device_id

    def _reply(self, status: int, value: Any) -> None:
        content = canonical(value)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _gone(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _problem(status: int, detail: str, kind: str = "about:blank", **more: Any) -> tuple[int, Any]:
    return status, {"type": kind, "title": "Refused", "status": status, "detail": detail, **more}
