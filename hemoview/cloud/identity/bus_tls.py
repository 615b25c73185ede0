"""Certificates of the live bus: an authority for broker and replicas alone, and what each of them shows.

Apart from the authority that tablets trust (:mod:`tls`) and from the one that signs for devices
(:mod:`device_authority`): a device's certificate opens no listener of the replicas, and neither passes for the service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from hemoview.cloud.identity import certificate, tls
from recorder.host import platform

SERVICE: Final = "hemoview-service"
"""Common name of what a replica shows; the broker's access list knows it."""


@dataclass(frozen=True, slots=True)
class BusFiles:
    """In one folder, PEM. ``broker_*`` go to the broker, ``service_*`` to every replica, ``ca`` to both."""

    ca: Path
    broker_cert: Path
    broker_key: Path
    service_cert: Path
    service_key: Path


def init(folder: Path, names: tuple[str, ...], now: datetime | None = None) -> BusFiles:
    """Make or renew both certificates; the authority is kept where there is one.

    Args:
        folder: made owner-only.
        names: host names and addresses under which replicas and bedsides reach the broker.

    Raises:
        ConfigError: a name that is none, or a damaged authority.
    """
    now = now or datetime.now(UTC)
    alternatives = tls.alternatives(names)
    begins = now - certificate.EARLIER
    ca, ca_key = tls.own_authority(folder, f"HemoView bus {now:%Y-%m-%d}", now)
    told = BusFiles(
        *(folder / n for n in ("ca.pem", "broker.pem", "broker.key", "service.pem", "service.key"))
    )
    ends = (
        (told.broker_cert, told.broker_key, str(alternatives[0].value)[:64], certificate.SERVER),
        (told.service_cert, told.service_key, SERVICE, certificate.CLIENT),
    )
    for cert_file, key_file, common, use in ends:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = certificate.end(
            (ca, ca_key), common, key.public_key(), use, (begins, begins + certificate.SERVER_LIVES)
        )
        if use is certificate.SERVER:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        cert = builder.sign(ca_key, hashes.SHA256())
        platform.write_owner_only(key_file, certificate.private_pem(key))
        tls.write_open(cert_file, cert.public_bytes(Encoding.PEM))
    return told


def in_words(files: BusFiles, devices_ca: Path) -> str:
    """What goes where."""
    broker = ", ".join(str(path) for path in (files.ca, files.broker_cert, files.broker_key, devices_ca))
    replica = ", ".join(str(path) for path in (files.ca, files.service_cert, files.service_key))
    return f"""
For the broker (resources/deploy/mosquitto says where it looks for them; its account alone reads the key):
  {broker}
For every replica, as bus_ca, bus_cert and bus_key:
  {replica}
Renew by the same command within a year, then start the broker again, and the replicas one after the other."""
