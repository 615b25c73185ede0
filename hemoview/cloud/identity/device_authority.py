"""The authority for devices: signs the certificates with which bedsides meet the site's broker.

It lies with the service's keys, apart from the authority that tablets trust. Made by ``hemoview serve --init-tls``. Its
certificates are for clients alone, name nothing but a device, and live a day: without the service nobody takes what the
broker carries anyway, and a device that was revoked is a guest of the broker no longer than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from hemoview.cloud.identity import certificate
from recorder.host import platform

FILES: Final = ("devices-ca.pem", "devices-ca.key")
DEVICE_LIVES: Final = timedelta(days=1)
HOW: Final = "hemoview serve --init-tls NAME[,NAME…] makes one; then start the service again"


@dataclass(frozen=True, slots=True)
class DeviceAuthority:
    """Read when the service starts.

    Args:
        ca: what the broker trusts of its clients.
        key: its own; never leaves the service.
    """

    ca: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def read(cls, keys: Path) -> Self | None:
        """The one in the folder of keys; None where none was made.

        Raises:
            ConfigError: it is damaged, or half of it is missing.
        """
        ca_file, key_file = (keys / name for name in FILES)
        if not ca_file.exists() and not key_file.exists():
            return None
        return cls(*certificate.read_authority(ca_file, key_file, f"move both away: {HOW}"))

    def has_run_out(self, now: datetime) -> bool:
        """It signs nothing any more."""
        return now >= self.ca.not_valid_after_utc

    def certify(self, name: str, public_key: bytes, now: datetime) -> x509.Certificate:
        """A certificate for a device's own key, for a client alone.

        Args:
            name: of the device (``uplink_topics.name_of``) becomes the common name; by it the broker's list knows it.
            public_key: Ed25519, 32 bytes, as it was enrolled.
            now: UTC, the service's clock.
        """
        times = (now - certificate.EARLIER, now + DEVICE_LIVES)
        key = Ed25519PublicKey.from_public_bytes(public_key)
        builder = certificate.end((self.ca, self.key), name, key, certificate.CLIENT, times)
        return builder.sign(self.key, hashes.SHA256())


def make(keys: Path, now: datetime | None = None) -> Path:
    """Make it in the folder of keys, owner-only, where there is none; the file a broker is to trust.

    Raises:
        ConfigError: the one that is there is damaged.
    """
    now = now or datetime.now(UTC)
    ca_file, key_file = (keys / name for name in FILES)
    if DeviceAuthority.read(keys) is None:
        keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        ca, key = certificate.new_authority(f"HemoView devices {now:%Y-%m-%d}", now)
        platform.write_owner_only(key_file, certificate.private_pem(key))
        platform.write_owner_only(ca_file, ca.public_bytes(Encoding.PEM))
    return ca_file


def in_words(ca_file: Path) -> str:
    """What it is for."""
    return f"""
For a broker (MQTT), if you have one: let it trust {ca_file} of its clients.
{ca_file.with_name(FILES[1])} never leaves the service."""
