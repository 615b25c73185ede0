"""The application of a rig behind a real server: for what a client in the same process cannot do wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from hemoview.cloud.command import listen
from tests.cloud.cloud_rig import Rig


@contextmanager
def real_socket(rig: Rig) -> Iterator[tuple[str, int]]:
    """The rig's application behind a real server, in the same loop of events."""
    listener = listen(rig.service.settings.at(0))
    config = uvicorn.Config(rig.app, lifespan="off", access_log=False, log_config=None)
    server = uvicorn.Server(config)
    assert rig.http.portal is not None
    task = rig.http.portal.start_task_soon(server.serve, [listener])
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        task.result(timeout=20)
