"""``hemoview serve --init-tls``: an authority of this service's own and a certificate for its names.

For a ward without a certificate authority: tablets and bedsides trust ``ca.pem`` once, the server's certificate is
made anew under it as often as wanted. P-256, since browsers take no Ed25519; 397 days, since Apple's devices take no
certificate of more than 398.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from hemoview.cloud.identity import certificate
from recorder.counted import counted
from recorder.errors import ConfigError
from recorder.host import platform

RENEW_DAYS: Final = 30
_ALWAYS: Final = ("localhost", "127.0.0.1", "::1")
_DNS: Final = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*\Z")


@dataclass(frozen=True, slots=True)
class Made:
    """Files: ``ca`` to be trusted by tablets and bedsides; ``is_new_ca``: it was made just now."""

    ca: Path
    cert: Path
    key: Path
    names: tuple[str, ...]
    ends: datetime
    fingerprint: str
    is_new_ca: bool


def init(folder: Path, names: tuple[str, ...], now: datetime | None = None) -> Made:
    """Make or renew the server's certificate; the authority is kept where there is one.

    Args:
        folder: of the files; made owner-only.
        names: host names and addresses under which browsers and bedsides reach the service.
        now: UTC.

    Raises:
        ConfigError: a name that is none, or a damaged authority.
    """
    now = now or datetime.now(UTC)
    names_told = alternatives(names)
    ca_file = folder / "ca.pem"
    is_new = not (ca_file.exists() and (folder / "ca.key").exists())
    ca, ca_key = own_authority(folder, f"HemoView service {now:%Y-%m-%d}", now)
    key = ec.generate_private_key(ec.SECP256R1())
    cert = _server(ca, ca_key, key, names_told, now)
    pair = cert.public_bytes(Encoding.PEM) + ca.public_bytes(Encoding.PEM)
    platform.write_owner_only(folder / "server.key", certificate.private_pem(key))
    write_open(folder / "server.pem", pair)
    return Made(
        ca_file,
        folder / "server.pem",
        folder / "server.key",
        names_of(cert),
        cert.not_valid_after_utc,
        ca.fingerprint(hashes.SHA256()).hex(":").upper(),
        is_new,
    )


def own_authority(folder: Path, common: str, now: datetime) -> certificate.Authority:
    """``ca.pem`` and ``ca.key`` of a folder; both are made, owner-only, where one is missing.

    Raises:
        ConfigError: they are damaged, do not go together, or have run out.
    """
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # the service's own: parents take no mode
    folder.mkdir(exist_ok=True, mode=0o700)
    ca_file, ca_key_file = folder / "ca.pem", folder / "ca.key"
    if not (ca_file.exists() and ca_key_file.exists()):
        ca, ca_key = certificate.new_authority(common, now)
        platform.write_owner_only(ca_key_file, certificate.private_pem(ca_key))
        write_open(ca_file, ca.public_bytes(Encoding.PEM))
    ca, ca_key = certificate.read_authority(
        ca_file, ca_key_file, f"move the folder {folder} away and run this again"
    )
    if now >= ca.not_valid_after_utc:
        raise ConfigError(f"{ca_file}: has run out; move the folder {folder} away and run this again")
    return ca, ca_key


def names_of(cert: x509.Certificate) -> tuple[str, ...]:
    """Names and addresses a certificate is for."""
    found = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(str(name.value) for name in found)


@dataclass(frozen=True, slots=True)
class Served:
    """The certificate a service showed when it started: a renewed file is served after the next start."""

    file: Path
    names: tuple[str, ...]
    ends: datetime

    def days(self, now_us: int) -> int:
        """Left; negative once it has run out."""
        return (self.ends - datetime.fromtimestamp(now_us / 1e6, UTC)).days

    def is_due(self, now_us: int) -> bool:
        """Whether it is time to renew it."""
        return self.days(now_us) < RENEW_DAYS

    def words(self, now_us: int) -> str:
        """For the log of the service."""
        days = self.days(now_us)
        what = (
            f"runs out in {counted(days, 'day')}"
            if days >= 0
            else "has run out: browsers and bedsides refuse it"
        )
        return (
            f"the certificate {self.file} {what}; renew it by hemoview serve --init-tls {','.join(self.asked)}, then "
            "start the service again"
        )

    @property
    def asked(self) -> tuple[str, ...]:
        """The names it was made for, without those that are always in it."""
        return _without_always(self.names) or ("localhost",)


def served(cert_file: Path) -> Served | None:
    """What a service that starts now shows; None where it cannot be read (the server says so itself)."""
    try:
        cert = x509.load_pem_x509_certificate(cert_file.read_bytes())
        return Served(cert_file, names_of(cert), cert.not_valid_after_utc)
    except x509.ExtensionNotFound:
        return Served(cert_file, (), cert.not_valid_after_utc)
    except (OSError, ValueError):
        return None


def warning(cert_file: Path, now: datetime | None = None) -> str | None:
    """What is to be said of the certificate at start: it has run out, or does soon. None: nothing."""
    shown, now_us = served(cert_file), round((now or datetime.now(UTC)).timestamp() * 1e6)
    if shown is None:
        return f"{cert_file} is no certificate that can be read"
    return shown.words(now_us) if shown.is_due(now_us) else None


def main_name(cert_file: Path) -> str | None:
    """The name to tell people who are to reach a service that listens on every address."""
    shown = served(cert_file)
    return None if shown is None or not shown.names else shown.asked[0]


def in_words(made: Made, port: int) -> str:
    """What was made and what to do with it."""
    name = next(n for n in (*_without_always(made.names), "localhost"))
    host = f"[{name}]" if ":" in name else name
    kept = "An authority was made" if made.is_new_ca else "The authority is the one from before"
    return f"""{kept}: {made.ca}
  SHA-256 {made.fingerprint}
The certificate is good until {made.ends:%Y-%m-%d} for {", ".join(made.names)}.

Now (re)start the service for the network:  hemoview serve --host 0.0.0.0
Its address:                                https://{host}:{port}

Trust it, once for each machine:
  bedside   recorder enrol --server https://{host}:{port} --ca ca.pem …   (copy {made.ca} there)
  iPad      send ca.pem to it, install it; Settings, General, About, Certificate Trust Settings: on
  Android   Settings, Security, Encryption & credentials, Install a certificate, CA certificate: ca.pem
  Windows   certutil -addstore Root ca.pem   (as administrator)
  Linux     copy it to /usr/local/share/ca-certificates/hemoview.crt and run update-ca-certificates
Compare the SHA-256 above on the machine that is to trust it. {made.ca.with_name("ca.key")} never leaves this machine.
Renew by the same command within a year; nothing has to be trusted again."""


def _without_always(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in _ALWAYS)


def alternatives(names: tuple[str, ...]) -> list[x509.GeneralName]:
    """Names and addresses for a certificate; those of this machine itself too.

    Raises:
        ConfigError: one is neither.
    """
    told = [name.strip().rstrip(".").lower() for name in names]
    found: list[x509.GeneralName] = []
    for name in dict.fromkeys((*told, *_ALWAYS)):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            if not _DNS.match(name):
                raise ConfigError(
                    f"{name!r} is neither a host name nor an address; give such as ward.example,192.168.1.20"
                ) from None
            found.append(x509.DNSName(name))
    return found


def _server(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
    names: list[x509.GeneralName],
    now: datetime,
) -> x509.Certificate:
    begins = now - certificate.EARLIER
    times = (begins, begins + certificate.SERVER_LIVES)
    common = str(names[0].value)[:64]
    builder = certificate.end((ca, ca_key), common, key.public_key(), certificate.SERVER, times)
    return builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(
        ca_key, hashes.SHA256()
    )


def write_open(path: Path, content: bytes) -> None:
    """As a whole, readable by others: certificates are no secrets."""
    platform.write_owner_only(path, content)
    path.chmod(0o644)
