"""A socket that one thread reads while another sends: never two calls in OpenSSL at once, and nobody waits there."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hemoview.cloud.identity import tls
from recorder.sync.tls_socket import TurnsSocket
from recorder.sync.uplink.websocket import WebSocketTransport

PAYLOAD = bytes(range(256)) * 4096
"""1 MiB: more than a socket takes at once."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tls.init(tmp_path_factory.mktemp("tls") / "tls", ())


@contextmanager
def connected(made: Any, answer: Callable[[ssl.SSLSocket], object]) -> Iterator[ssl.SSLSocket]:
    """To a service that sends two tickets after the handshake and then does ``answer``."""
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(made.cert, made.key)
    ours.num_tickets = 2
    context = ssl.create_default_context(cafile=str(made.ca))
    context.sslsocket_class = TurnsSocket
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            with ours.wrap_socket(plain, server_side=True) as there:
                answer(there)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        plain = socket.create_connection(listener.getsockname(), timeout=10)
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as here:
            assert here.version() == "TLSv1.3"
            here.settimeout(None)
            yield here
        thread.join(10)


def received(sock: ssl.SSLSocket, n: int) -> bytes:
    found = bytearray()
    while len(found) < n and (part := sock.recv(65536)):
        found += part
    return bytes(found)


def echo(there: ssl.SSLSocket) -> None:
    there.sendall(received(there, len(PAYLOAD)))


def test_who_waits_for_an_answer_after_the_tickets_keeps_nobody_from_sending(made: Any) -> None:
    with connected(made, echo) as sock:
        found: list[bytes] = []
        reader = threading.Thread(target=lambda: found.append(received(sock, len(PAYLOAD))), daemon=True)
        reader.start()
        time.sleep(0.2)  # it has read the tickets, and waits
        sock.sendall(PAYLOAD)
        reader.join(20)
        assert found == [PAYLOAD]


class Watched:
    """What is between a socket and OpenSSL; counts calls that came while another was in it."""

    def __init__(self, inner: Any) -> None:
        self._inner, self._busy = inner, threading.Lock()
        self.calls = self.together = 0

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._inner, name)
        if name not in ("read", "write"):
            return act

        def call(*args: Any) -> Any:
            alone = self._busy.acquire(blocking=False)
            self.calls += 1
            self.together += not alone
            try:
                time.sleep(0.001)  # OpenSSL lets go of the interpreter, too
                return act(*args)
            finally:
                if alone:
                    self._busy.release()

        return call


def test_no_two_calls_are_in_openssl_at_once(made: Any) -> None:
    """With Python's own socket most of them are; some in a thousand connections stop by it, or break."""

    def talk(there: ssl.SSLSocket) -> None:
        for _ in range(40):
            there.sendall(received(there, 100))

    with connected(made, talk) as sock:
        watched = Watched(sock._sslobj)  # type: ignore[attr-defined]
        sock._sslobj = watched  # type: ignore[attr-defined]
        found: list[bytes] = []
        reader = threading.Thread(target=lambda: found.append(received(sock, 4000)), daemon=True)
        reader.start()
        for n in range(40):
            sock.sendall(bytes([n]) * 100)
        reader.join(20)
    assert found == [b"".join(bytes([n]) * 100 for n in range(40))]
    assert watched.calls > 40 and watched.together == 0


def test_a_time_limit_is_kept_and_a_socket_closed_meanwhile_lets_go(made: Any) -> None:
    over = threading.Event()
    with connected(made, lambda _: over.wait(20)) as sock:
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(100)
        with pytest.raises(TimeoutError):
            sock.sendall(PAYLOAD * 32)  # nobody reads it
        sock.settimeout(None)
        ended: list[type[Exception]] = []

        def read() -> None:
            try:
                sock.recv(100)
            except OSError as error:
                ended.append(type(error))

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        time.sleep(0.2)
        sock.close()
        reader.join(10)
        assert ended == [OSError]
        over.set()


def test_the_live_path_uses_it(made: Any) -> None:
    transport = WebSocketTransport("https://127.0.0.1:1", Path(made.ca).read_text(), lambda: "")
    assert transport._ssl is not None and transport._ssl.sslsocket_class is TurnsSocket
