"""The record path measured: bedsides hand sessions over to a service on the same machine, all of it at once.

Each bedside encrypts a file, asks which blobs are missing, sends them, commits a signed manifest and verifies the
receipt: what is counted was on the disk and under a receipt. Two loads: bodies of 4 MiB, and the segments of a real
session with the sizes they have. Then everything again, which must send no body.
"""

from __future__ import annotations

import http.client
import json
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from hemoview.bench import cloud_service
from hemoview.bench.cloud_service import Running, Station
from hemoview.bench.review_session import Plan, make_session
from recorder.errors import RecorderError
from recorder.host.console import progress
from recorder.sync import custody, signing, wire
from recorder.sync.canonical import as_bytes

BIG_BYTES: Final = 4 << 20
SENDERS: Final = 8
"""Bedsides that send at the same time."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One load handed over once: files under a receipt, bodies sent, how long, the service's processor time."""

    files: int
    bodies: int
    bytes: int
    seconds: float
    cpu_s: float


def run(*, megabytes: int = 512, sessions: int = 40, hours: float = 1.0) -> dict[str, Any]:
    """Measure.

    Args:
        megabytes: in bodies of 4 MiB.
        sessions: of real segments.
        hours: length of the session whose segments they are.

    Raises:
        RecorderError: the service does not start, or refuses what is right.
    """
    with tempfile.TemporaryDirectory(prefix="hemoview-cloud-") as name, progress("record path", 4) as tell:
        folder = Path(name)
        segments = _segments(folder, hours)
        with cloud_service.running(folder / "service", SENDERS) as service:
            hello = hello_of(service)
            stations = service.stations
            big = [Sent(station, hello, f"big-{n}", _bodies(megabytes)) for n, station in enumerate(stations)]
            whole = [Sent(stations[n % SENDERS], hello, f"whole-{n:05d}", segments) for n in range(sessions)]
            tell(1, "bodies of 4 MiB")
            large = _hand_over(service, big)
            tell(2, "real segments")
            real = _hand_over(service, whole)
            tell(3, "everything again")
            again = [_hand_over(service, load) for load in (big, whole)]
    return {
        "ingest_mb_per_s": round(large.bytes / large.seconds / 1e6, 1),
        "segments_per_s": round(real.files / real.seconds, 1),
        "segment_kb_mean": round(real.bytes / real.files / 1e3, 1),
        "segments": real.files,
        "large_bodies": large.bodies,
        "second_pass_bodies": sum(p.bodies for p in again),
        "second_pass_s": round(sum(p.seconds for p in again), 2),
        "record_cpu_cores": {
            "large": round(large.cpu_s / large.seconds, 2),
            "segments": round(real.cpu_s / real.seconds, 2),
        },
        "senders": SENDERS,
    }


def _bodies(megabytes: int) -> dict[str, bytes]:
    count = max(1, megabytes * 1_000_000 // BIG_BYTES // SENDERS)
    names = (f"segments/adc.wave-{n:04d}.parquet" for n in range(count))
    return {name: os.urandom(BIG_BYTES - custody.TAG_BYTES) for name in names}


def _segments(folder: Path, hours: float) -> dict[str, bytes]:
    """The files of a session of the real writer that travel."""
    session = make_session(folder / "bench-session", Plan(hours=hours, wave_hz=1000))
    files = {p.relative_to(session).as_posix(): p for p in session.rglob("*") if p.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if wire.kind_of(name)}


def hello_of(service: Running) -> wire.Hello:
    """Who it says it is, verified."""
    with Link(service, service.stations[0]) as link:
        return signing.verify_hello(link.ask("GET", "/v1/hello"))


def _hand_over(service: Running, sent: Sequence[Sent]) -> Pass:
    cpu_s, started = service.cpu_s(), time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as threads:
        bodies = sum(threads.map(lambda one: one.hand_over(service), sent))
    seconds = time.perf_counter() - started
    files, size = sum(len(one.files) for one in sent), sum(one.bytes for one in sent)
    return Pass(files, bodies, size, seconds, service.cpu_s() - cpu_s)


class Sent:
    """One session at its bedside: what was said of it once is said again in the same words.

    Args:
        station: whose session it is.
        hello: of the service it is for.
        session_id: of the session.
        files: by name.
    """

    def __init__(self, station: Station, hello: wire.Hello, session_id: str, files: dict[str, bytes]) -> None:
        self.files = files
        self.bytes = sum(len(content) for content in files.values())
        self.session_id = session_id
        self._station, self._hello = station, hello
        self._key = custody.new_data_key()
        self._opening = as_bytes(_opening(hello, session_id, self._key))
        self._manifest: wire.Manifest | None = None

    def hand_over(self, service: Running) -> int:
        """From announcing it to the verified receipt; the number of bodies that had to be sent."""
        with Link(service, self._station) as link:
            link.ask("PUT", f"/v1/sessions/{self.session_id}", self._opening)
            blobs = [
                custody.encrypt(self._key, self.session_id, name, self.files[name])
                for name in sorted(self.files)
            ]
            query = as_bytes(wire.BlobQuery(tuple(blob.blob_sha256 for blob in blobs)))
            missing = set(link.ask("POST", "/v1/blobs/missing", query)["missing"])
            for blob in blobs:
                if blob.blob_sha256 in missing:
                    link.ask("PUT", f"/v1/blobs/{blob.blob_sha256}", blob.content)
            manifest = self._manifest = self._manifest or _manifest(self.session_id, self._station, blobs)
            signed = as_bytes(signing.sign_manifest(self._station.key, manifest))
            told = link.ask("POST", f"/v1/sessions/{self.session_id}/manifests", signed)
        receipt = wire.SignedReceipt.from_json(told)
        signing.verify_receipt(self._hello.signing_public_key, self._hello.server_id, receipt, manifest)
        return len(missing)


class NotNow(RecorderError):
    """The service says that it may be done later."""


class Link:
    """One connection that is kept, as a bedside keeps its own."""

    def __init__(self, service: Running, station: Station) -> None:
        self._connection = http.client.HTTPConnection(service.host, service.port, timeout=60)
        self._headers = {"Authorization": station.authorization}

    def ask(self, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
        """The JSON of the answer; empty where it has none.

        Raises:
            NotNow: it may be taken later.
            RecorderError: refused.
        """
        self._connection.request(method, path, body, self._headers)
        reply = self._connection.getresponse()
        content = reply.read()
        if reply.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            raise NotNow(f"{method} {path}: {content[:300].decode(errors='replace')}")
        if reply.status not in (200, 201):
            raise RecorderError(f"{method} {path}: {reply.status} {content[:300].decode(errors='replace')}")
        told: dict[str, Any] = json.loads(content) if content else {}
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _opening(hello: wire.Hello, session_id: str, data_key: bytes) -> wire.SessionOpening:
    return wire.SessionOpening(
        session_id=session_id,
        created_us=time.time_ns() // 1000,
        pseudonym="P-014",
        template="bench",
        station="bench",
        simulated=True,
        training=False,
        hidden=False,
        scopes=("record", "upload"),
        devices=(),
        wrapped_key=custody.wrap(data_key, session_id, hello.wrapping_public_key),
        wrapping_key_id=hello.wrapping_key_id,
    )


def _manifest(session_id: str, station: Station, blobs: Sequence[custody.Blob]) -> wire.Manifest:
    files = []
    for blob in blobs:
        kind = wire.kind_of(blob.name)
        assert kind is not None
        said = (blob.plain_sha256, blob.plain_bytes, blob.blob_sha256, len(blob.content), blob.nonce)
        files.append(wire.TravellingFile(blob.name, kind, *said))
    return wire.Manifest(
        session_id=session_id,
        device_id=station.device_id,
        rev=1,
        prev_sha256="",
        created_us=time.time_ns() // 1000,
        state="sealed",
        files=tuple(files),
        about=wire.About("P-014", hidden=False, scopes=("record", "upload")),
        software={"recorder": "bench"},
        calibrations=(),
    )
