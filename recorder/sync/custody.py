"""A file on its way into custody: encrypted once, named by what it became, its key wrapped for the service. Pure.

The nonce is made from what is encrypted, so that the same file always becomes the same bytes: a retry sends what was
sent before, ``missing`` works across restarts, and no encrypted copy waits on the disk. Under one key a nonce comes
twice only where session, name and content are the same, and then the ciphertext is the same too (decision 0040).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recorder.errors import WireError
from recorder.sync.canonical import canonical

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
WRAPPED_BYTES: Final = 32 + KEY_BYTES + TAG_BYTES
"""HPKE with X25519 puts the sender's ephemeral public key before the ciphertext (RFC 9180, sections 4.1 and 6.1)."""

_NONCE: Final = b"hemoview-nonce-1"
_WRAP: Final = b"hemoview-key-1"


@dataclass(frozen=True, slots=True)
class Blob:
    """An encrypted file.

    Args:
        name: of the file in its session, with ``/``.
        plain_sha256, plain_bytes: of the file.
        blob_sha256: the blob's id, SHA-256 of ``content``.
        nonce: hexadecimal.
        content: ciphertext and tag.
    """

    name: str
    plain_sha256: str
    plain_bytes: int
    blob_sha256: str
    nonce: str
    content: bytes


def new_data_key() -> bytes:
    """A key for one session."""
    return secrets.token_bytes(KEY_BYTES)


def nonce_of(session_id: str, name: str, plain_sha256: str) -> bytes:
    """Nonce of a file: told by what it is, and by nothing else."""
    return hashlib.sha256(_NONCE + _bound(session_id, name, plain_sha256)).digest()[:NONCE_BYTES]


def encrypt(data_key: bytes, session_id: str, name: str, plain: bytes) -> Blob:
    """Encrypt a file; the same file always becomes the same blob.

    Args:
        data_key: of the session, 32 bytes.
        session_id: whose file it is.
        name: of the file in its session, with ``/``.
        plain: what is in it.
    """
    plain_sha256 = hashlib.sha256(plain).hexdigest()
    nonce = nonce_of(session_id, name, plain_sha256)
    content = AESGCM(data_key).encrypt(nonce, plain, _bound(session_id, name, plain_sha256))
    blob_sha256 = hashlib.sha256(content).hexdigest()
    return Blob(name, plain_sha256, len(plain), blob_sha256, nonce.hex(), content)


def decrypt(data_key: bytes, session_id: str, name: str, plain_sha256: str, content: bytes) -> bytes:
    """Inverse of :func:`encrypt`.

    Raises:
        WireError: another key, another name or session, or a changed byte.
    """
    nonce = nonce_of(session_id, name, plain_sha256)
    try:
        plain = AESGCM(data_key).decrypt(nonce, content, _bound(session_id, name, plain_sha256))
    except (InvalidTag, ValueError) as error:
        raise WireError(f"{session_id}/{name}: cannot be decrypted; changed, or of another key") from error
    if hashlib.sha256(plain).hexdigest() != plain_sha256:
        raise WireError(f"{session_id}/{name}: decrypts to something else than its manifest says")
    return plain


def wrap(data_key: bytes, session_id: str, wrapping_public_key: str) -> str:
    """The data key so that only the service can read it: HPKE base mode (RFC 9180), bound to the session.

    Another text each time: keep it, since an opening is sent again as it was.

    Raises:
        WireError: the public key is none.
    """
    try:
        recipient = X25519PublicKey.from_public_bytes(bytes.fromhex(wrapping_public_key))
        return _suite().encrypt(data_key, recipient, _WRAP + session_id.encode()).hex()
    except ValueError as error:
        raise WireError("wrapping_public_key: is no X25519 key") from error


def unwrap(wrapped: str, session_id: str, key: X25519PrivateKey) -> bytes:
    """Inverse of :func:`wrap`.

    Raises:
        WireError: wrapped for another service or another session, or changed.
    """
    try:
        data_key = _suite().decrypt(bytes.fromhex(wrapped), key, _WRAP + session_id.encode())
    except (InvalidTag, ValueError) as error:
        raise WireError(f"{session_id}: its key was wrapped for another service, or changed") from error
    if len(data_key) != KEY_BYTES:
        raise WireError(f"{session_id}: its key has {len(data_key)} bytes; {KEY_BYTES} are wanted")
    return data_key


def _suite() -> hpke.Suite:
    return hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def _bound(session_id: str, name: str, plain_sha256: str) -> bytes:
    return canonical({"session_id": session_id, "name": name, "plain_sha256": plain_sha256})
