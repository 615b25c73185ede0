"""The live path over real sockets: a service in its own process, browsers and bedsides as WebSocket clients."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.sync.client import ClientConnection, connect

from hemoview.cloud.asking import COOKIE
from hemoview.cloud.settings import Settings
from tests.cloud.cloud_rig import Bedside, Clock, running
from tests.cloud.serve_rig import Served

WAIT_S = 30.0


@dataclass
class Ward(Served):
    """A service with a ward, a nurse who has signed in there, and devices at its beds."""

    ward_id: str = ""
    cookie: str = ""
    bedsides: list[Bedside] = field(default_factory=list)

    def furnish(self, beds: int, enrolled: int = 0) -> Ward:
        """``enrolled`` of the beds have a device; there is a code for the others."""
        with running(Settings(folder=self.folder, production=self.production), Clock()) as rig:
            self.ward_id = rig.ward("A", beds)
            self.bedsides = [rig.bedside(f"A-{place}") for place in range(1, enrolled + 1)]
            nurse = rig.person("nurse", ("operator", self.ward_id))
            self.cookie = nurse.cookies[COOKIE]
            for place in range(enrolled + 1, beds + 1):
                reply = nurse.post(f"/v1/beds/{rig.beds[f'A-{place}']}/enrolment")
                self.codes.append(reply.json()["code"])
        return self

    @property
    def _socket_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    @contextmanager
    def browser(self, **options: Any) -> Iterator[ClientConnection]:
        headers = {"Cookie": f"{COOKIE}={self.cookie}"}
        uri = f"{self._socket_url}/v1/live?ward={self.ward_id}"
        with connect(
            uri, origin=self.url, additional_headers=headers, proxy=None, compression=None, **options
        ) as socket:
            yield socket

    @contextmanager
    def bedside(self, bedside: Bedside) -> Iterator[ClientConnection]:
        uri = f"{self._socket_url}/v1/live/ingest"
        with connect(uri, additional_headers=bedside.headers, proxy=None, compression=None) as socket:
            yield socket


def heard(
    socket: ClientConnection, wanted: Callable[[dict[str, Any]], Any], wait_s: float = WAIT_S
) -> dict[str, Any]:
    """The first message that is wanted."""
    deadline = time.monotonic() + wait_s
    while (left_s := deadline - time.monotonic()) > 0:
        told: dict[str, Any] = json.loads(socket.recv(timeout=left_s))
        if wanted(told):
            return told
    raise AssertionError("it never came")
