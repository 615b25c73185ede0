"""TLS sockets of our clients: one that is closed where its handshake fails, one that two threads may use."""

from __future__ import annotations

import errno
import os
import selectors
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

LOOK_S: Final = 0.5
"""Who waits looks so often whether the socket was closed meanwhile, which wakes nobody."""

T = TypeVar("T")


class TidySocket(ssl.SSLSocket):
    """Closed where the handshake fails, for ``paho``, which leaves it to the garbage collector.

    For ``SSLContext.sslsocket_class``.
    """

    def do_handshake(self, block: bool = False) -> None:
        """As every SSL socket, but closed when it raises."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


class TurnsSocket(ssl.SSLSocket):
    """One that a thread may read while another sends, for ``websockets``, which does both.

    OpenSSL takes no two calls at once, and Python before 3.13 does not keep them apart: who read the tickets that TLS
    1.3 brings right after the handshake, while the request went out, could stop the connection or garble what was
    sent. Here calls take turns and none of them waits within OpenSSL; its callers see a socket that blocks.

    For ``SSLContext.sslsocket_class``.
    """

    _turn: threading.Lock | None = None
    _patience_s: float | None = None

    def do_handshake(self, block: bool = False) -> None:
        """As every SSL socket; nobody else knows it yet."""
        super().do_handshake(block)
        self._turn = threading.Lock()
        super().settimeout(0.0)

    def settimeout(self, value: float | None) -> None:
        """How long a call may wait."""
        self._patience_s = value
        super().settimeout(value if self._turn is None else 0.0)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As every SSL socket that blocks."""
        return self._in_turn(lambda: super(TurnsSocket, self).recv(buflen, flags))

    def send(self, data: Any, flags: int = 0) -> int:
        """As every SSL socket that blocks; ``sendall`` comes here too."""
        return self._in_turn(lambda: super(TurnsSocket, self).send(data, flags))

    def _in_turn(self, act: Callable[[], T]) -> T:
        if self._turn is None:
            return act()
        until_s = None if self._patience_s is None else time.monotonic() + self._patience_s
        while True:
            with self._turn:
                try:
                    return act()
                except ssl.SSLWantReadError:
                    event = selectors.EVENT_READ
                except ssl.SSLWantWriteError:
                    event = selectors.EVENT_WRITE
            self._wait(event, until_s)

    def _wait(self, event: int, until_s: float | None) -> None:
        with selectors.DefaultSelector() as selector:
            try:
                selector.register(self, event)
            except ValueError:  # closed
                raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None
            while not selector.select(
                LOOK_S if until_s is None else min(LOOK_S, max(0.0, until_s - time.monotonic()))
            ):
                if self.fileno() < 0:
                    raise OSError(errno.EBADF, os.strerror(errno.EBADF))
                if until_s is not None and time.monotonic() >= until_s:
                    raise TimeoutError("timed out")
