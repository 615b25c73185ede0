"""The live path, bedside side: the newest messages to one service, over and over again, waiting for nobody.

What cannot be sent is dropped, oldest first, and counted; the service sees the hole by ``seq``. Which way it goes is
:mod:`recorder.sync.uplink.ways`. The record path is :mod:`recorder.sync.run`; nothing here is ever needed by it.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from recorder.schema.sync_status import LiveTrouble, LiveWay
from recorder.sync.uplink.transport import Link, LinkEnded, Transport
from recorder.sync.uplink.ways import Ways
from recorder.sync.uplink.wire import HEAD_EVERY

HELD: Final = 5
"""Messages that may wait: a stall of five seconds is caught up with, a longer one is a gap."""
FIRST_S, LONGEST_S = 1.0, 30.0
STEADY_S: Final = 20.0
"""A connection that held for so long was a good one: the next try comes soon."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """Of one service, since the process began."""

    sent: int = 0
    dropped: int = 0
    connects: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How the live path to a service stands.

    Args:
        way: it goes now; empty: none.
        trouble: with it, or with the better way that is not gone.
        why: the same in words.
    """

    way: LiveWay = ""
    trouble: LiveTrouble = ""
    why: str = ""


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
        host: of the service, as people say it.
        ways: there.
        luck: for the back-off.
    """

    def __init__(self, host: str, ways: Ways, *, luck: Callable[[], float] = random.random) -> None:
        self.counts = Counts()
        self.trouble = ""
        """Why there is no connection, in words; empty while there is one."""
        self.standing = Standing()
        self._host, self._ways, self._luck = host, ways, luck
        self._waiting: deque[dict[str, Any]] = deque()
        self._wake = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"uplink-{host}", daemon=True)
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
            transport = self._ways.choose()
            ended = self._once(transport)
            if self._closing.is_set():
                return
            held = time.monotonic() - begun_s > STEADY_S
            falls_back = self._ways.ended(transport, ended, held=held)
            if ended is None:  # only to be made anew
                failures = 0
                continue
            if falls_back:
                log.warning("live path to %s: %s; it goes to the service itself", self._host, ended.why)
                continue
            failures = 0 if held else failures + 1
            if ended.why != self.trouble:
                log.warning("live path to %s: %s; it is tried again", self._host, ended.why)
            self.trouble = ended.why
            self.standing = Standing("", ended.trouble, ended.why)
            self._pause(LONGEST_S if ended.patient else backoff_s(failures, self._luck()))

    def _pause(self, seconds: float) -> None:
        """Wait; what is given meanwhile does not end it."""
        until_s = time.monotonic() + seconds
        with self._wake:
            while not self._closing.is_set() and (left_s := until_s - time.monotonic()) > 0:
                self._wake.wait(left_s)

    def _once(self, transport: Transport) -> LinkEnded | None:
        """One connection, from its opening to its end; why it ended, None where it is only to be made anew."""
        link = None
        try:
            link = transport.open(self._stir)
            self._ways.opened(transport)
            self.counts.connects += 1
            if self.trouble:
                log.info("live path to %s: connected again", self._host)
            self.trouble = ""
            self.standing = Standing(transport.way, self._ways.trouble, self._ways.why)
            self._send_all(link, time.monotonic() + min(link.holds_s, self._ways.holds_s(transport)))
        except LinkEnded as ended:
            return ended
        finally:
            if link is not None:
                link.close()
        return None

    def _stir(self) -> None:
        with self._wake:
            self._wake.notify()

    def _send_all(self, link: Link, until_s: float) -> None:
        """Until it is to be made anew, or somebody ends it.

        Raises:
            LinkEnded: the other side has left.
        """
        head: Any = None
        for n in range(1 << 62):
            message = self._next(link, until_s)
            if message is None:
                return
            whole = n % HEAD_EVERY == 0 or message["head"] != head
            head = message["head"]
            told = message if whole else {k: v for k, v in message.items() if k not in ("head", "footer")}
            text = json.dumps(told, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
            try:
                link.send(text)
            except LinkEnded as ended:
                if not ended.told:
                    self._give_back(message)
                raise
            self.counts.sent += 1

    def _give_back(self, message: dict[str, Any]) -> None:
        """It may have gone: the service passes over what it has heard."""
        with self._wake:
            if len(self._waiting) < HELD:
                self._waiting.appendleft(message)

    def _next(self, link: Link, until_s: float) -> dict[str, Any] | None:
        with self._wake:
            while not self._waiting:
                left_s = until_s - time.monotonic()
                if self._closing.is_set() or left_s <= 0:
                    return None
                self._wake.wait(left_s)
                link.check()
            over = self._closing.is_set() or time.monotonic() >= until_s
            return None if over else self._waiting.popleft()
