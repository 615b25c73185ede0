"""A small real WebSocket server that takes what a bedside tells, and can be told to answer otherwise. Tests only."""

from __future__ import annotations

import json
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from hemoview.cloud.identity import tls
from recorder.sync.uplink.websocket import PATH, WebSocketTransport
from recorder.sync.uplink.wire import LIMIT_BYTES

WAIT_S = 30.0


class Service:
    """Takes what is sent; can be told to answer otherwise."""

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.got: queue.Queue[dict[str, Any]] = queue.Queue()
        self.tokens: list[str] = []
        self.close_with: int | None = None
        self.sockets: list[ServerConnection] = []
        self._server: Server = serve(
            self._take, "127.0.0.1", port, compression=None, ssl=context, max_size=LIMIT_BYTES
        )
        self.port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _take(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.sockets.append(connection)
        self.tokens.append(connection.request.headers["Authorization"])
        assert connection.request.path == PATH
        if self.close_with is not None:
            code, self.close_with = self.close_with, None
            connection.close(code, "go away")
            return
        try:
            while True:
                self.got.put(json.loads(connection.recv()))
        except ConnectionClosed:
            pass

    def next(self) -> dict[str, Any]:
        return self.got.get(timeout=WAIT_S)

    def close(self) -> None:
        """As the system does it for a process that dies. Not by closing sockets that another thread reads: OpenSSL goes
        on with their numbers, and takes the first bytes of whoever is given these next."""
        self._server.shutdown()
        for connection in self.sockets:
            with suppress(OSError):  # it has ended
                connection.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)


def wait_for(what: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


class Listening:
    """:class:`Service` over TLS, as the contract of transports wants it."""

    def __init__(self, folder: Path) -> None:
        made = tls.init(folder / "tls", ())
        self._ca_pem = made.ca.read_text()
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(made.cert, made.key)
        self._context.num_tickets = 2  # as proxies send them; the service itself sends none
        self._got: queue.Queue[dict[str, Any]] = queue.Queue()
        self._before = 0
        self._service = Service(context=self._context)
        self._service.got = self._got

    def transport(self, ca_pem: str | None = None) -> WebSocketTransport:
        url = f"https://127.0.0.1:{self._service.port}"
        return WebSocketTransport(url, ca_pem or self._ca_pem, lambda: "t0ken")

    def next(self) -> dict[str, Any]:
        return self._got.get(timeout=WAIT_S)

    def links(self) -> int:
        return self._before + len(self._service.tokens)

    def refuse(self, code: int, why: str) -> None:
        self._service.sockets[-1].close(code, why)

    def kill(self) -> None:
        self._service.close()

    def start(self) -> None:
        self._before = self.links()
        self._service = Service(self._service.port, self._context)
        self._service.got = self._got


@contextmanager
def listening(folder: Path) -> Iterator[Listening]:
    found = Listening(folder)
    try:
        yield found
    finally:
        found.kill()
