"""What every certificate made here has in common: who signs, for how long, for what."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from recorder.errors import ConfigError

AUTHORITY_LIVES: Final = timedelta(days=3650)
SERVER_LIVES: Final = timedelta(days=397)
"""Browsers take no longer one."""
EARLIER: Final = timedelta(hours=1)
"""Another machine's clock may be behind."""
CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH


def name_of(common: str) -> x509.Name:
    """A name that says nothing else."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


Authority = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
"""Its certificate and its key."""


def new_authority(common: str, now: datetime) -> Authority:
    """Signs certificates of ends, and no authority below it."""
    key, begins = ec.generate_private_key(ec.SECP256R1()), now - EARLIER
    name = name_of(common)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        _begun(name, name, key.public_key(), begins, begins + AUTHORITY_LIVES)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return made, key


def read_authority(ca_file: Path, key_file: Path, else_do: str) -> Authority:
    """One that was kept in two files.

    Args:
        else_do: where no backup of them can be put back.

    Raises:
        ConfigError: one is missing or damaged, or they do not go together.
    """
    both = f"{ca_file.name} and {key_file.name}"
    try:
        ca = x509.load_pem_x509_certificate(ca_file.read_bytes())
        key = load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{ca_file}: the authority is damaged; put the backup of {both} back, or {else_do}"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or ca.public_key() != key.public_key():
        raise ConfigError(f"{key_file}: is not the key of {ca_file}; put the backup of both back")
    return ca, key


def end(
    by: Authority,
    common: str,
    public_key: ec.EllipticCurvePublicKey | Ed25519PublicKey,
    use: ObjectIdentifier,
    times: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    """What an authority is about to sign for somebody.

    Args:
        by: the authority and its key.
        use: :data:`CLIENT` or :data:`SERVER`, that alone.
        times: from and until; it never outlives the authority.
    """
    ca, ca_key = by
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _begun(name_of(common), ca.subject, public_key, times[0], min(times[1], ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(signed_by, critical=False)
    )


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """For a file only its owner may read."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey | Ed25519PublicKey,
    begins: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
