"""What lets a bedside in at the site's broker: a certificate for its own key, and whom to trust there.

Both come from the service, signed by the key that was pinned. The certificate is kept in memory alone: after a restart
it is asked for anew. It is renewed when half of its life is over, by a clock of ours that nobody sets.
"""

from __future__ import annotations

import secrets
import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from recorder.errors import RecorderError, ServiceUnreachable, WireError
from recorder.sync.answers import Refused
from recorder.sync.client import ServiceClient
from recorder.sync.identity import Identity
from recorder.sync.live_offer import LiveCertificate
from recorder.sync.signing import key_from_hex
from recorder.sync.tls_socket import TidySocket
from recorder.sync.uplink import topics as uplink_topics
from recorder.sync.uplink.transport import LinkEnded

PORT: Final = 8883
GREET_S: Final = 600.0
"""So often the service is asked whether it has a broker, and where, when a connection is made anyway."""

AGAIN_S: Final = 300.0
"""A renewal that the service did not answer is tried again so much later: the certificate is still good for half its
life."""


def name_of(me: Identity) -> str:
    """Who we are at the broker."""
    return uplink_topics.name_of(me.device_id, key_from_hex(me.private_key).public_key().public_bytes_raw())


@dataclass(frozen=True, slots=True)
class Pass:
    """Good for one broker.

    Args:
        told: by the service.
        renew_s: monotonic; from then on a new one is asked for.
    """

    told: LiveCertificate
    context: ssl.SSLContext
    renew_s: float

    @property
    def host(self) -> str:
        """Of the broker."""
        return str(urlsplit(self.told.mqtt).hostname)

    @property
    def port(self) -> int:
        """Of the broker."""
        return urlsplit(self.told.mqtt).port or PORT


class Passes:
    """The pass of one bedside at one service. One thread.

    Args:
        client: of the service.
    """

    def __init__(self, client: ServiceClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._key = key_from_hex(client.identity.private_key)
        self._pass: Pass | None = None
        self._greeted_s = -GREET_S
        self._offered = ""

    def offered(self) -> str:
        """The broker the service tells of now, or told of last where it does not answer; empty where there is none."""
        if self._clock() - self._greeted_s >= GREET_S:
            try:
                live = self._client.greet().live
            except RecorderError:
                return self._offered  # whoever connects next says why
            self._greeted_s = self._clock()
            self._offered = live.mqtt if live else ""
        return self._offered

    def now(self) -> Pass:
        """The pass, renewed where that is due; the one from before as long as the service cannot be reached.

        Raises:
            LinkEnded: the service gives none.
        """
        kept = self._pass
        if kept is not None and kept.told.mqtt == self._offered and self._clock() < kept.renew_s:
            return kept
        try:
            told = self._client.live_certificate()
            self._pass = Pass(told, context_of(told, self._key), self._clock() + self._life_s(told) / 2)
        except ServiceUnreachable as error:
            if kept is not None and kept.told.mqtt == self._offered:
                self._pass = replace(kept, renew_s=self._clock() + AGAIN_S)
                return self._pass
            raise LinkEnded(str(error), trouble="broker-certificate") from error
        except (RecorderError, ssl.SSLError, ValueError, OSError) as error:
            why = f"{self._client.identity.host}: {error}" if not isinstance(error, Refused) else str(error)
            raise LinkEnded(f"no certificate for the broker: {why}", trouble="broker-certificate") from error
        return self._pass

    def forget(self) -> None:
        """The broker does not take it: the next one is new."""
        self._pass = None

    def _life_s(self, told: LiveCertificate) -> float:
        return max(0.0, (told.ends_us - self._client.server_now_us()) / 1e6)


def context_of(told: LiveCertificate, key: Ed25519PrivateKey) -> ssl.SSLContext:
    """TLS 1.3 with our certificate; ``ssl`` reads it from files alone, so the key is locked on its way there.

    Raises:
        WireError: the certificate is for another key.
    """
    cert = x509.load_pem_x509_certificate(told.certificate_pem.encode())
    if cert.public_key() != key.public_key():
        raise WireError("the certificate is for another key")
    context = ssl.create_default_context(cadata=told.ca_pem or None)
    context.sslsocket_class = TidySocket
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    secret = secrets.token_hex(32)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(secret.encode()))
    with tempfile.TemporaryDirectory(prefix="hemoview-") as folder:
        path = Path(folder) / "pass.pem"
        path.write_bytes(told.certificate_pem.encode() + locked)
        context.load_cert_chain(path, password=secret)
    return context
