"""A bedside that hands a session over, step by step, so that a test can do each step wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder.sync import custody, signing, wire
from recorder.sync.canonical import as_bytes
from tests.cloud.cloud_rig import Bedside

GOLDEN = Path(__file__).parents[1] / "golden" / "session-format-1" / "sealed"
SMALL = {"session.json": b'{"card": 1}', "segments/e4.bvp-0.parquet": b"rows" * 100}


def golden() -> dict[str, bytes]:
    """A session of a released format: the files of it that travel."""
    names = {p.relative_to(GOLDEN).as_posix(): p for p in GOLDEN.rglob("*") if p.is_file()}
    return {name: path.read_bytes() for name, path in names.items() if wire.kind_of(name)}


@dataclass
class Sender:
    """Hands over one session of ``bedside``.

    Args:
        http: a client of the service, of whatever kind.
    """

    http: Any
    bedside: Bedside
    files: dict[str, bytes]
    session_id: str = "1a2b3c4d5e6f708192a3b4c5d6e7f809"
    data_key: bytes = b"k" * 32
    pseudonym: str = "S-07"
    opening: wire.SessionOpening = field(init=False)

    def __post_init__(self) -> None:
        hello = self.http.get("/v1/hello").json()
        self.opening = wire.SessionOpening(
            session_id=self.session_id,
            created_us=self.bedside.clock(),
            pseudonym=self.pseudonym,
            template="Rest 10 min",
            station="bed-1",
            simulated=False,
            training=False,
            hidden=False,
            scopes=("record", "upload"),
            devices=(),
            wrapped_key=custody.wrap(self.data_key, self.session_id, hello["wrapping_public_key"]),
            wrapping_key_id=hello["wrapping_key_id"],
        )

    # ---- what is sent

    def blob(self, name: str) -> custody.Blob:
        return custody.encrypt(self.data_key, self.session_id, name, self.files[name])

    def manifest(self, rev: int = 1, prev: str = "", **changes: Any) -> wire.Manifest:
        files = []
        for name in sorted(self.files):
            b, kind = self.blob(name), wire.kind_of(name)
            assert kind is not None
            said = (b.plain_sha256, b.plain_bytes, b.blob_sha256, len(b.content), b.nonce)
            files.append(wire.TravellingFile(name, kind, *said))
        about = wire.About(self.pseudonym, hidden=False, scopes=("record", "upload"))
        made = wire.Manifest(
            session_id=self.session_id,
            device_id=self.bedside.id,
            rev=rev,
            prev_sha256=prev,
            created_us=self.bedside.clock(),
            state="sealed",
            files=tuple(files),
            about=about,
            software={"recorder": "0.1.0"},
            calibrations=(),
        )
        return replace(made, **changes)

    # ---- sending it

    def open(self, opening: wire.SessionOpening | None = None) -> Any:
        body = as_bytes(opening or self.opening)
        return self.http.put(f"/v1/sessions/{self.session_id}", content=body, headers=self.bedside.headers)

    def put(self, name: str, content: bytes | None = None) -> Any:
        blob = self.blob(name)
        body = blob.content if content is None else content
        return self.http.put(f"/v1/blobs/{blob.blob_sha256}", content=body, headers=self.bedside.headers)

    def put_all(self) -> None:
        for name in self.files:
            assert self.put(name).status_code in (200, 201)

    def missing(self, *ids: str) -> list[str]:
        body = as_bytes(wire.BlobQuery(ids or tuple(self.blob(name).blob_sha256 for name in self.files)))
        reply = self.http.post("/v1/blobs/missing", content=body, headers=self.bedside.headers)
        assert reply.status_code == 200, reply.text
        missing: list[str] = reply.json()["missing"]
        return missing

    def commit(self, manifest: wire.Manifest, key: Ed25519PrivateKey | None = None) -> Any:
        signed = signing.sign_manifest(key or self.bedside.key, manifest)
        return self.send(as_bytes(signed))

    def send(self, body: bytes) -> Any:
        where = f"/v1/sessions/{self.session_id}/manifests"
        return self.http.post(where, content=body, headers=self.bedside.headers)

    def hand_over(self) -> wire.SignedReceipt:
        """All of it; the receipt, verified."""
        assert self.open().status_code in (200, 201)
        self.put_all()
        manifest = self.manifest()
        reply = self.commit(manifest)
        assert reply.status_code in (200, 201), reply.text
        return self.verified(reply.json(), manifest)

    def verified(self, told: Any, manifest: wire.Manifest) -> wire.SignedReceipt:
        receipt = wire.SignedReceipt.from_json(told)
        hello = signing.verify_hello(self.http.get("/v1/hello").json())
        signing.verify_receipt(hello.signing_public_key, hello.server_id, receipt, manifest)
        return receipt
