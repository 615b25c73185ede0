"""What every certificate made here has in common: who signs, for how long, for what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

EARLIER: Final = timedelta(hours=1)
"""Another machine's clock may be behind."""
CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH


def name_of(common: str) -> x509.Name:
    """A name that says nothing else."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def authority(
    key: ec.EllipticCurvePrivateKey, common: str, begins: datetime, lives: timedelta
) -> x509.Certificate:
    """Signs certificates of ends, and no authority below it."""
    name = name_of(common)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        _begun(name, name, key.public_key(), begins, begins + lives)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )


def end(
    by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
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
