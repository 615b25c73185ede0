"""The live path, bedside side: the newest messages to one service, over and over again, waiting for nobody.

What cannot be sent is dropped, oldest first, and counted; the service sees the hole by ``seq``. The record path is
:mod:`recorder.sync.run`; nothing here is ever needed by it.
"""

from __future__ import annotations

import json
import logging
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from recorder.errors import RecorderError
from recorder.sync.identity import LOOPBACK
from recorder.sync.signing import TOKEN_S
from recorder.sync.uplink_wire import HEAD_EVERY, LIMIT_BYTES, REPLACED_CODE, UNKNOWN_CODE

HELD: Final = 5
"""Messages that may wait: a stall of five seconds is caught up with, a longer one is a gap."""
FIRST_S, LONGEST_S = 1.0, 30.0
STEADY_S: Final = 20.0
"""A connection that held for so long was a good one: the next try comes soon."""
RENEW_S: Final = TOKEN_S - 120.0
"""A connection is made anew before its token ends."""
OPEN_S: Final = 10.0
PING_S: Final = 10.0
PATH: Final = "/v1/live/ingest"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """Of one service, since the process began."""

    sent: int = 0
    dropped: int = 0
    connects: int = 0


def backoff_s(failures: int, luck: float) -> float:
    """Wait before try number ``failures`` + 1: doubled each time, and never all bedsides at once.

    Args:
        luck: 0 to 1, drawn anew each time.
    """
    longest = min(LONGEST_S, FIRST_S * 2.0 ** min(failures, 10))
    return float(longest * (0.5 + 0.5 * luck))


class Uplink:
    """Sends what :meth:`put` is given, in a thread of its own.

    Args:
        url: of the service.
        ca_pem: the authority that signed its certificate; empty = the system's.
        token: a bearer token of now; asks the service who it is, so it may fail.
        luck: for the back-off.
    """

    def __init__(
        self, url: str, ca_pem: str, token: Callable[[], str], *, luck: Callable[[], float] = random.random
    ) -> None:
        self.counts = Counts()
        self.trouble = ""
        """Why there is no connection, in words; empty while there is one."""
        parts = urlsplit(url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._uri = urlunsplit((scheme, parts.netloc, PATH, "", ""))
        self._host = parts.netloc
        self._proxy: Literal[True] | None = None if parts.hostname in LOOPBACK else True
        self._ssl = None
        if scheme == "wss":
            self._ssl = ssl.create_default_context(cadata=ca_pem or None)
        self._token, self._luck = token, luck
        self._waiting: deque[dict[str, Any]] = deque()
        self._wake = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"uplink-{parts.netloc}", daemon=True)
        self._thread.start()

    def put(self, message: dict[str, Any]) -> None:
        """Hand over the newest message; never waits."""
        with self._wake:
            if len(self._waiting) >= HELD:
                self._waiting.popleft()
                self.counts.dropped += 1
            self._waiting.append(message)
            self._wake.notify()

    def close(self) -> None:
        """End within a few seconds; what waits is dropped."""
        with self._wake:
            self._closing.set()
            self._wake.notify()
        self._thread.join(timeout=5)

    # ---- the thread

    def _run(self) -> None:
        failures = 0
        while not self._closing.is_set():
            begun_s = time.monotonic()
            why, patient = self._once()
            if self._closing.is_set():
                return
            held = time.monotonic() - begun_s > STEADY_S
            if not why:  # only the token was old
                failures = 0
                continue
            failures = 0 if held else failures + 1
            if why != self.trouble:
                log.warning("live path to %s: %s; it is tried again", self._host, why)
            self.trouble = why
            wait_s = LONGEST_S if patient else backoff_s(failures, self._luck())
            self._pause(wait_s)

    def _pause(self, seconds: float) -> None:
        """Wait; what is given meanwhile does not end it."""
        until_s = time.monotonic() + seconds
        with self._wake:
            while not self._closing.is_set() and (left_s := until_s - time.monotonic()) > 0:
                self._wake.wait(left_s)

    def _once(self) -> tuple[str, bool]:
        """One connection, from its opening to its end; why it ended, and whether it is of use to come back soon."""
        try:
            headers = {"Authorization": f"Bearer {self._token()}"}
            with connect(
                self._uri,
                ssl=self._ssl,
                proxy=self._proxy,
                additional_headers=headers,
                compression=None,
                open_timeout=OPEN_S,
                close_timeout=1.0,
                ping_interval=PING_S,
                ping_timeout=PING_S,
                max_size=LIMIT_BYTES,
            ) as socket:
                self.counts.connects += 1
                if self.trouble:
                    log.info("live path to %s: connected again", self._host)
                self.trouble = ""
                self._send_all(socket)
                return "", False
        except InvalidStatus as error:
            status = error.response.status_code
            return f"the service refuses with {status}", status in (401, 403, 404)
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd else 1006
            said = error.rcvd.reason if error.rcvd else "the link broke"
            return said or f"closed with {code}", code in (UNKNOWN_CODE, REPLACED_CODE)
        except RecorderError as error:
            return str(error), False
        except (OSError, WebSocketException) as error:  # no answer, no certificate, not a WebSocket
            return str(error) or type(error).__name__, False

    def _send_all(self, socket: ClientConnection) -> None:
        """Until the token is old or somebody ends it.

        Raises:
            ConnectionClosed: the other side has left.
        """
        until_s = time.monotonic() + RENEW_S
        head: Any = None
        for n in range(1 << 62):
            message = self._next(until_s)
            if message is None:
                return
            whole = n % HEAD_EVERY == 0 or message["head"] != head
            head = message["head"]
            told = message if whole else {k: v for k, v in message.items() if k not in ("head", "footer")}
            socket.send(json.dumps(told, separators=(",", ":"), ensure_ascii=False, allow_nan=False))
            self.counts.sent += 1

    def _next(self, until_s: float) -> dict[str, Any] | None:
        with self._wake:
            while not self._waiting:
                left_s = until_s - time.monotonic()
                if self._closing.is_set() or left_s <= 0:
                    return None
                self._wake.wait(left_s)
            over = self._closing.is_set() or time.monotonic() >= until_s
            return None if over else self._waiting.popleft()
