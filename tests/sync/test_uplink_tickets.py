"""A service sends no TLS tickets: a bedside's reader would read them while its request goes out (decision 0067)."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI

from hemoview.cloud.command import Served, config_of
from hemoview.cloud.identity import tls
from hemoview.cloud.settings import Settings


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, Path]]:
    made = tls.init(folder / "tls", ())
    settings = Settings(folder, port=0, tls_cert=made.cert, tls_key=made.key)
    listener = socket.create_server(("127.0.0.1", 0))
    server = Served(config_of(settings, FastAPI()), None)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], made.ca
    finally:
        server.should_exit = True
        thread.join(10)


def test_nothing_comes_after_the_handshake_before_something_is_asked(tmp_path: Path) -> None:
    with served(tmp_path) as (port, ca):
        context = ssl.create_default_context(cafile=str(ca))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            sock = context.wrap_socket(plain, server_hostname="127.0.0.1")
            assert sock.version() == "TLSv1.3"
            time.sleep(0.3)
            with socket.socket(fileno=sock.detach()) as below:
                below.setblocking(False)
                try:
                    came = below.recv(1 << 16)
                except BlockingIOError:
                    came = b""
            assert came == b""
