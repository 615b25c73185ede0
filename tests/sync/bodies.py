"""Wire bodies to test with: fixed keys, one of each kind. Not secret: they exist nowhere else."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from recorder.sync import custody, signing, wire

DEVICE_KEY = signing.key_from_hex("11" * 32)
SERVER_KEY = signing.key_from_hex("22" * 32)
WRAPPING_KEY = X25519PrivateKey.from_private_bytes(bytes.fromhex("33" * 32))
WRAPPING_PUBLIC = WRAPPING_KEY.public_key().public_bytes_raw().hex()
DATA_KEY = bytes.fromhex("44" * 32)
SERVER_ID = "9b2c4c0e-58b1-4f57-9d2e-0e9a35c1b001"
SESSION_ID = "1a2b3c4d5e6f708192a3b4c5d6e7f809"
NOW_US = 1_795_000_000_000_000


def travelling(name: str, plain: bytes = b"rows") -> wire.TravellingFile:
    blob = custody.encrypt(DATA_KEY, SESSION_ID, name, plain)
    kind = wire.kind_of(name)
    assert kind is not None
    return wire.TravellingFile(
        name,
        kind,
        blob.plain_sha256,
        blob.plain_bytes,
        blob.blob_sha256,
        len(blob.content),
        blob.nonce,
    )


def manifest(rev: int = 1, **changes: object) -> wire.Manifest:
    values: dict[str, object] = {
        "session_id": SESSION_ID,
        "device_id": "bed-3",
        "rev": rev,
        "prev_sha256": "" if rev == 1 else hashlib.sha256(b"before").hexdigest(),
        "created_us": NOW_US,
        "state": "sealed",
        "files": (travelling("segments/e4.bvp-0.parquet"), travelling("session.json", b"{}")),
        "about": wire.About("S-07", hidden=False, scopes=("record", "upload")),
        "software": {"recorder": "0.1.0"},
        "calibrations": ("cal-1",),
    }
    return wire.Manifest.from_json({**wire.Manifest(**{**values, **changes}).to_json()})  # type: ignore[arg-type]


def receipt_of(sent: wire.Manifest, **changes: object) -> wire.Receipt:
    values: dict[str, object] = {
        "server_id": SERVER_ID,
        "session_id": sent.session_id,
        "rev": sent.rev,
        "manifest_sha256": signing.fingerprint(sent),
        "files": len(sent.files),
        "bytes": sum(f.blob_bytes for f in sent.files),
        "received_us": NOW_US + 1,
    }
    return wire.Receipt(**{**values, **changes})  # type: ignore[arg-type]


def opening(**changes: object) -> wire.SessionOpening:
    values: dict[str, object] = {
        "session_id": SESSION_ID,
        "created_us": NOW_US,
        "pseudonym": "S-07",
        "template": "Rest 10 min",
        "station": "bed3",
        "simulated": False,
        "training": False,
        "hidden": False,
        "scopes": ("record", "upload"),
        "devices": (wire.TravellingDevice("e4", "Empatica E4", "A01234", simulated=False),),
        "wrapped_key": custody.wrap(DATA_KEY, SESSION_ID, WRAPPING_PUBLIC),
        "wrapping_key_id": "wrap-1",
    }
    return wire.SessionOpening(**{**values, **changes})  # type: ignore[arg-type]
