"""How the broker is reached: what the settings say of it."""

from __future__ import annotations

import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from recorder.errors import ConfigError
from recorder.sync.tls_socket import TidySocket
from recorder.transports.tcp import is_loopback

_PORTS: Final = {"mqtts": 8884, "mqtt": 1883}
_FORM: Final = "mqtts://HOST or mqtts://HOST:PORT is wanted, such as mqtts://broker.example:8884"


@dataclass(frozen=True, slots=True)
class BusAccess:
    """To an MQTT 5 broker.

    Args:
        url: ``mqtts://HOST[:PORT]``; ``mqtt://`` on this machine alone. Empty = there is none.
        ca: authority of the broker's certificate (PEM); None = those of the system.
        cert, key: what this service shows (PEM).
    """

    url: str = ""
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @property
    def is_tls(self) -> bool:
        """Else everything goes in the clear."""
        return urlsplit(self.url).scheme == "mqtts"

    @property
    def host(self) -> str:
        """Of the broker."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Of the broker's listener for services."""
        parts = urlsplit(self.url)
        return parts.port or _PORTS[parts.scheme]

    def check(self) -> None:
        """Refuse what is unsafe.

        Raises:
            ConfigError: says which setting and what to do. What was given is not repeated: it may hold a password.
        """
        for name, path in (("bus_cert", self.cert), ("bus_key", self.key)):
            if path and not path.is_file():
                raise ConfigError(f"{name} {path}: no such file; check the settings")
        if not self.url:
            if self.cert or self.key:
                raise ConfigError(f"bus_cert and bus_key are for a broker: bus_url is missing; {_FORM}")
            return
        if sys.platform == "win32":
            raise ConfigError("bus_url needs Linux or macOS; on this system a service works by itself")
        _check_form(self.url)
        if not self.is_tls:
            if not is_loopback(self.host):
                raise ConfigError(
                    f"bus_url: {self.host} is another machine, and mqtt:// carries people's data in the clear; give "
                    "mqtts:// with bus_cert and bus_key"
                )
            if self.cert or self.key:
                raise ConfigError("bus_cert and bus_key need TLS: give bus_url as mqtts://HOST")
        elif not (self.cert and self.key):
            raise ConfigError(
                "bus_url mqtts:// needs bus_cert and bus_key: the broker lets nobody in without a certificate; the "
                "deployment guide shows how they are made"
            )

    def context(self) -> ssl.SSLContext | None:
        """For a connection now: files that were renewed count from the next one on; None without TLS.

        Raises:
            OSError: a file cannot be read, or is none.
        """
        if not self.is_tls:
            return None
        context = ssl.create_default_context(cafile=self.ca)
        context.sslsocket_class = TidySocket
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        assert self.cert is not None
        context.load_cert_chain(self.cert, self.key)
        return context


def _check_form(url: str) -> None:
    parts = urlsplit(url)
    try:
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        has_port = False
    if "@" in parts.netloc:
        raise ConfigError(f"bus_url holds a name or password; certificates say who this is, and {_FORM}")
    if (
        parts.scheme not in _PORTS
        or not parts.hostname
        or not has_port
        or parts.path.strip("/")
        or parts.query
    ):
        raise ConfigError(f"bus_url: {_FORM}")
