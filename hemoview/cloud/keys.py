"""The service's own keys, in a folder of their own: one signs receipts, one opens the data keys of sessions.

A :class:`KeyStore` is a port; this file holds the adapter for a folder. A system keyring is none on a machine without
a desktop, so there is no silent fallback to one. Whoever has the wrapping key and the blobs can read every session:
back the folder up apart from the database.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from recorder.errors import ConfigError
from recorder.host import platform

FILES: Final = ("signing.pem", "wrapping.pem")


class KeyStore(Protocol):
    """Where the keys come from."""

    @property
    def signing(self) -> Ed25519PrivateKey:
        """Signs receipts."""
        ...

    @property
    def wrapping(self) -> X25519PrivateKey:
        """Opens the data keys that bedsides wrapped for this service."""
        ...

    @property
    def wrapping_id(self) -> str:
        """Name of the wrapping key: the start of its public half's SHA-256."""
        ...


class FileKeys:
    """Two PEM files, owner-only, made on first use.

    Args:
        folder: made where it is missing.
        may_make: a missing key is made; False where a service has sessions under the one that is missing.

    Raises:
        ConfigError: a file is missing, or not a key of the kind wanted.
    """

    def __init__(self, folder: Path, *, may_make: bool = True) -> None:
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing and not may_make:
            raise ConfigError(
                f"{folder}: {' and '.join(missing)} of this service is missing, and with another key no session opens "
                "and no bedside answers; put the backup of the keys back"
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        signing = _read_or_make(folder / "signing.pem", Ed25519PrivateKey)
        wrapping = _read_or_make(folder / "wrapping.pem", X25519PrivateKey)
        assert isinstance(signing, Ed25519PrivateKey)
        assert isinstance(wrapping, X25519PrivateKey)
        self.signing, self.wrapping = signing, wrapping
        self.wrapping_id = hashlib.sha256(public_bytes(wrapping)).hexdigest()[:16]


def public_bytes(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    """The 32 raw bytes of the public half."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _read_or_make(
    path: Path, kind: type[Ed25519PrivateKey] | type[X25519PrivateKey]
) -> Ed25519PrivateKey | X25519PrivateKey:
    if not path.exists():
        pem = kind.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        platform.write_owner_only(path, pem)
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise ConfigError(f"{path}: is no key; put the backup of the keys back") from error
    if not isinstance(key, kind):
        raise ConfigError(f"{path}: is a key of another kind; put the backup of the keys back")
    return key
