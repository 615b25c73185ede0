"""A link to a server that breaks off, that changes a byte, or that speaks TLS before it."""

from __future__ import annotations

import math
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from hemoview.cloud.settings import Settings


@dataclass(frozen=True)
class Link:
    """What is done to each connection.

    Args:
        most: bytes of answers, then it breaks off.
        flips: this byte of what is asked is changed.
        tls: spoken with whoever asks.
    """

    most: float = math.inf
    flips: float = math.inf
    tls: ssl.SSLContext | None = None

    def carry(self, near: socket.socket, server: tuple[str, int]) -> None:
        with near, suppress(OSError):
            secure = self.tls.wrap_socket(near, server_side=True) if self.tls else near
            with secure, socket.create_connection(server) as far:
                asking = threading.Thread(target=_pass_on, args=(secure, far, math.inf, self.flips))
                asking.start()
                _pass_on(far, secure, self.most, math.inf)
                asking.join()


def _pass_on(source: socket.socket, target: socket.socket, most: float, flips: float) -> None:
    done = 0
    with suppress(OSError):
        while most > done and (content := bytearray(source.recv(int(min(most - done, 65_536))))):
            if done <= flips < done + len(content):
                content[int(flips) - done] ^= 1
            target.sendall(content)
            done += len(content)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def through(settings: Settings, link: Link) -> Iterator[Settings]:
    """The same store at the other end of such a link."""
    told = urlsplit(settings.blobs_endpoint)
    server = (str(told.hostname), told.port or 80)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                threading.Thread(target=link.carry, args=(near, server)).start()

    threading.Thread(target=serve, daemon=True).start()
    scheme, port = "https" if link.tls else "http", listener.getsockname()[1]
    try:
        yield replace(settings, blobs_endpoint=f"{scheme}://127.0.0.1:{port}")
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # closing alone would not wake who waits for the next link
        listener.close()
