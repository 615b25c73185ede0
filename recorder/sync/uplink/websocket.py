"""The live path straight to the service: a WebSocket, opened with a token."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from recorder.errors import RecorderError, ServiceUnreachable
from recorder.schema.sync_status import LiveTrouble, LiveWay
from recorder.sync import protocol
from recorder.sync.answers import CERTIFICATE, VERSION
from recorder.sync.signing import TOKEN_S
from recorder.sync.tls_socket import TurnsSocket
from recorder.sync.uplink.transport import BEAT_S, OPEN_S, LinkEnded, told
from recorder.sync.uplink.wire import LIMIT_BYTES
from recorder.transports.tcp import is_loopback

RENEW_S: Final = TOKEN_S - 120.0
"""A connection is made anew before its token ends."""
OURS: Final = 4000
"""Codes of WebSocket itself are below."""
LATER: Final = 500
"""Statuses from here on are the service's own trouble, and pass."""
PATH: Final = "/v1/live/ingest"


class WebSocketTransport:
    """To one service.

    Args:
        url: of the service.
        ca_pem: the authority that signed its certificate; empty = the system's.
        token: a bearer token of now; asks the service who it is, so it may fail.
    """

    way: LiveWay = "service"

    def __init__(self, url: str, ca_pem: str, token: Callable[[], str]) -> None:
        parts = urlsplit(url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._uri = urlunsplit((scheme, parts.netloc, PATH, "", ""))
        self._proxy: Literal[True] | None = None if is_loopback(parts.hostname or "") else True
        self._ssl = ssl.create_default_context(cadata=ca_pem or None) if scheme == "wss" else None
        if self._ssl is not None:
            self._ssl.sslsocket_class = TurnsSocket
        self._token = token

    def open(self, wake: Callable[[], None]) -> WebSocketLink:  # noqa: ARG002 – of the port
        """A new connection, with a token of now; it is found to have ended when something is sent.

        Raises:
            LinkEnded: none came about.
        """
        held = ExitStack()
        try:
            socket = held.enter_context(
                connect(
                    self._uri,
                    ssl=self._ssl,
                    proxy=self._proxy,
                    additional_headers={
                        "Authorization": f"Bearer {self._token()}",
                        protocol.HEADER: str(protocol.OURS),
                    },
                    compression=None,
                    open_timeout=OPEN_S,
                    close_timeout=1.0,
                    ping_interval=BEAT_S,
                    ping_timeout=BEAT_S,
                    max_size=LIMIT_BYTES,
                )
            )
            return WebSocketLink(socket, held)
        except InvalidStatus as error:
            status = error.response.status_code
            raise LinkEnded(
                f"the service refuses with {status}",
                patient=status in (401, 403, 404),
                trouble="later" if status >= LATER else "refused",
            ) from error
        except RecorderError as error:
            raise LinkEnded(str(error), trouble=_trouble_of(error)) from error
        except ssl.SSLCertVerificationError as error:
            raise LinkEnded(str(error), trouble="certificate") from error
        except (OSError, WebSocketException) as error:  # no answer, no certificate, not a WebSocket
            raise LinkEnded(str(error) or type(error).__name__) from error


class WebSocketLink:
    """One that is open."""

    def __init__(self, socket: ClientConnection, held: ExitStack) -> None:
        self.holds_s = RENEW_S
        self._socket, self._held = socket, held

    def check(self) -> None:
        """It tells when something is sent."""

    def send(self, text: str) -> None:
        """Hand a message over.

        Raises:
            LinkEnded: the other side has left.
        """
        try:
            self._socket.send(text)
        except ConnectionClosed as error:
            if error.rcvd is None:
                raise LinkEnded("the link broke", trouble="broke") from error
            if error.rcvd.code < OURS:
                why = error.rcvd.reason or f"closed with {error.rcvd.code}"
                raise LinkEnded(why, trouble="later") from error
            raise told(error.rcvd.code, error.rcvd.reason) from error

    def close(self) -> None:
        """Let go of it."""
        self._held.close()


def _trouble_of(error: RecorderError) -> LiveTrouble:
    """Of one that keeps us from a token: the service is away, or is not the one it should be."""
    if isinstance(error, ServiceUnreachable):
        return "away"
    if error.advice == VERSION:
        return "garbled"
    return "certificate" if error.advice == CERTIFICATE else "refused"
