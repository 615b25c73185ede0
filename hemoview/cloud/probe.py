"""``python -m hemoview.cloud.probe FILE [PATH]``: whether the service on a unix socket answers; for health checks.

The exit status says it. What it answered is printed, as of ``/metrics``, which nobody else is told.
"""

from __future__ import annotations

import http.client
import socket
import sys
from typing import Final

TIMEOUT_S: Final = 5.0


class _Through(http.client.HTTPConnection):
    """Over a unix socket."""

    def __init__(self, file: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._file = file

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(self._file)


def probe(file: str, path: str = "/healthz") -> tuple[bool, str]:
    """Whether it answered well, and what, or why not."""
    connection = _Through(file)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return 200 <= reply.status < 300, reply.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return False, f"{file}: {error}"
    finally:
        connection.close()


if __name__ == "__main__":
    is_well, _said = probe(*sys.argv[1:3])
    sys.stdout.write(_said.rstrip("\n") + "\n")
    sys.exit(not is_well)
