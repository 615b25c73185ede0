"""The application of a rig behind a real server: for what a client in the same process cannot do wrong."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from hemoview.cloud.command import config_of
from hemoview.cloud.listening import listening
from tests.cloud.cloud_rig import Rig


@contextmanager
def real_socket(rig: Rig) -> Iterator[Any]:
    """The rig's application behind a real server, in the same loop of events: (host, port), or a unix socket's path."""
    with listening(rig.service.settings.at(0)) as listener:
        yield from _served(rig, listener)


def _served(rig: Rig, listener: socket.socket) -> Iterator[Any]:
    config = config_of(rig.service.settings, rig.app)
    config.lifespan = "off"  # it lives already
    server = uvicorn.Server(config)
    task = rig.http.portal.start_task_soon(server.serve, [listener])
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        task.result(timeout=20)
