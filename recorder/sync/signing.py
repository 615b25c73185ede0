"""Who says so: Ed25519 over canonical JSON, and device tokens (JWT). Pure; times are told, never read.

Every signature is bound to what it is for, so that one of a manifest is no receipt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jwt
from joserfc.jwk import OKPKey

from recorder.errors import SignatureWrong, WireError
from recorder.sync import wire
from recorder.sync.canonical import as_bytes, canonical
from recorder.sync.fields import Body
from recorder.sync.live_offer import LiveCertificate

HELLO: Final = "hello"
ENROLMENT: Final = "enrolment"
MANIFEST: Final = "manifest"
RECEIPT: Final = "receipt"
ORDER: Final = "order"
CERTIFICATE: Final = "certificate"

TOKEN_S: Final = 15 * 60
"""A device token lives no longer."""
_ALGORITHM: Final = "Ed25519"
"""RFC 9864 gives EdDSA with this curve its own name, and deprecates the other."""


# ---- keys


def new_key() -> Ed25519PrivateKey:
    """A signing key."""
    return Ed25519PrivateKey.generate()


def private_hex(key: Ed25519PrivateKey) -> str:
    """For a file only its owner may read."""
    return key.private_bytes_raw().hex()


def key_from_hex(text: str) -> Ed25519PrivateKey:
    """Inverse of :func:`private_hex`.

    Raises:
        WireError: it is none.
    """
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))
    except ValueError as error:
        raise WireError("not an Ed25519 private key") from error


def public_hex(key: Ed25519PrivateKey) -> str:
    """Its public half, as it travels."""
    return key.public_key().public_bytes_raw().hex()


# ---- signatures


def sign(key: Ed25519PrivateKey, purpose: str, value: Mapping[str, Any]) -> str:
    """Signature of a JSON object for one purpose, hexadecimal."""
    return key.sign(_signed(purpose, value)).hex()


def verify(public_key: str, purpose: str, value: Mapping[str, Any], signature: str) -> None:
    """Check a signature of :func:`sign`.

    Raises:
        SignatureWrong: another key, another purpose, or a changed value.
    """
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(
            bytes.fromhex(signature), _signed(purpose, value)
        )
    except (InvalidSignature, ValueError) as error:
        raise SignatureWrong(f"{purpose}: its signature is not of the key it should be of") from error


def fingerprint(body: Body) -> str:
    """SHA-256 of the canonical JSON of a body, e.g. ``manifest_sha256``."""
    return hashlib.sha256(as_bytes(body)).hexdigest()


def sign_manifest(key: Ed25519PrivateKey, manifest: wire.Manifest) -> wire.SignedManifest:
    """By the device."""
    return wire.SignedManifest(manifest, sign(key, MANIFEST, manifest.to_json()))


def verify_manifest(public_key: str, signed: wire.SignedManifest) -> None:
    """By the service.

    Raises:
        SignatureWrong: not signed by that device, or changed.
    """
    verify(public_key, MANIFEST, signed.manifest.to_json(), signed.signature)


def sign_receipt(key: Ed25519PrivateKey, receipt: wire.Receipt) -> wire.SignedReceipt:
    """By the service."""
    return wire.SignedReceipt(receipt, sign(key, RECEIPT, receipt.to_json()))


def verify_receipt(
    public_key: str, server_id: str, signed: wire.SignedReceipt, manifest: wire.Manifest
) -> None:
    """By the device: this service holds all of this very manifest.

    Raises:
        SignatureWrong: not signed by that service.
        WireError: of another service, session, revision or content.
    """
    verify(public_key, RECEIPT, signed.receipt.to_json(), signed.signature)
    receipt = signed.receipt
    expected = {
        "server_id": server_id,
        "session_id": manifest.session_id,
        "rev": manifest.rev,
        "manifest_sha256": fingerprint(manifest),
        "files": len(manifest.files),
        "bytes": sum(f.blob_bytes for f in manifest.files),
    }
    for name, wanted in expected.items():
        if getattr(receipt, name) != wanted:
            raise WireError(f"Receipt.{name}: {getattr(receipt, name)}, but {wanted} was sent")


def sign_order(key: Ed25519PrivateKey, server_id: str, device_id: str, order: wire.Order) -> wire.Order:
    """By the service, when it gives an order to a device; nobody else can be shown it."""
    return replace(order, signature=sign(key, ORDER, _ordered(server_id, device_id, order)))


def verify_order(public_key: str, server_id: str, device_id: str, order: wire.Order) -> None:
    """By the bedside: that service wants just this of just us.

    Raises:
        SignatureWrong: not signed, or by or for somebody else.
    """
    if not order.signature:
        raise SignatureWrong("the order is not signed; the service is older than this station: update it")
    verify(public_key, ORDER, _ordered(server_id, device_id, order), order.signature)


def _ordered(server_id: str, device_id: str, order: wire.Order) -> dict[str, Any]:
    """Named one by one: what a newer service says beside them is not acted upon here, and so not signed."""
    return {
        "server_id": server_id,
        "device_id": device_id,
        "order_id": order.order_id,
        "kind": order.kind,
        "session_id": order.session_id,
        "text": order.text,
        "author": order.author,
        "at_us": order.at_us,
        "marker_us": order.marker_us,
    }


def sign_hello(key: Ed25519PrivateKey, facts: Mapping[str, Any]) -> dict[str, Any]:
    """By the service: the fields of :class:`wire.Hello` (and any more) with their signature."""
    return {**facts, "signature": sign(key, HELLO, facts)}


def verify_hello(value: Mapping[str, Any]) -> wire.Hello:
    """By the bedside: whoever answers holds the key it names. Whether that is the pinned one is the caller's affair.

    Raises:
        SignatureWrong: it does not.
        WireError: not a hello.
    """
    hello = wire.Hello.from_json(value)
    facts = {name: said for name, said in value.items() if name != "signature"}
    verify(hello.signing_public_key, HELLO, facts, hello.signature)
    return hello


def sign_certificate(key: Ed25519PrivateKey, facts: Mapping[str, Any]) -> dict[str, Any]:
    """By the service: the fields of :class:`LiveCertificate` (and any more) with their signature."""
    return {**facts, "signature": sign(key, CERTIFICATE, facts)}


def verify_certificate(
    public_key: str, server_id: str, device_id: str, value: Mapping[str, Any]
) -> LiveCertificate:
    """By the bedside: the pinned service says so, to this very device.

    Raises:
        SignatureWrong: another one says so.
        WireError: not a certificate, or for somebody else.
    """
    told = LiveCertificate.from_json(value)
    facts = {name: said for name, said in value.items() if name != "signature"}
    verify(public_key, CERTIFICATE, facts, told.signature)
    if (told.server_id, told.device_id) != (server_id, device_id):
        raise WireError("the certificate is for another device or service")
    return told


def sign_enrolment(key: Ed25519PrivateKey, code: str, name: str, station: str) -> wire.Enrolment:
    """By the bedside."""
    facts = {"code": code, "public_key": public_hex(key), "name": name, "station": station}
    return wire.Enrolment(**facts, proof=sign(key, ENROLMENT, facts))


def verify_enrolment(enrolment: wire.Enrolment) -> None:
    """By the service: who asks holds the key.

    Raises:
        SignatureWrong: it does not.
    """
    facts = {name: said for name, said in enrolment.to_json().items() if name != "proof"}
    verify(enrolment.public_key, ENROLMENT, facts, enrolment.proof)


# ---- device tokens


def device_token(
    key: Ed25519PrivateKey,
    device_id: str,
    server_id: str,
    *,
    now_s: int,
    token_id: str,
    lives_s: int = TOKEN_S,
) -> str:
    """A bearer token for one service, dated by its clock and not by ours, which may be wrong by days.

    Args:
        key: of the device.
        device_id: who it was enrolled as.
        server_id: for whom.
        now_s: UTC s since 1970 **of the service's clock**.
        token_id: unique.
        lives_s: at most :data:`TOKEN_S`.
    """
    header = {"alg": _ALGORITHM, "kid": device_id}
    claims = {"iss": device_id, "aud": server_id, "iat": now_s, "exp": now_s + lives_s, "jti": token_id}
    return jwt.encode(header, claims, OKPKey.import_key(key), algorithms=[_ALGORITHM])


def _signed(purpose: str, value: Mapping[str, Any]) -> bytes:
    return f"hemoview-{purpose}-1\0".encode() + canonical(dict(value))
