"""Real services for the tests that need them, from Debian's packages: started, named to a command, taken down again.

``python .ci/services.py COMMAND …`` starts all of them in a folder of its own, free ports, loopback only, and runs the
command with their addresses in ``HEMOVIEW_TEST_…``. What cannot start is a failure, never a skip.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from servers.ceph import ceph
from servers.mosquitto import mosquitto
from servers.postgres import postgres


def main(command: list[str]) -> int:
    """Start, run, stop; the command's exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is taken down then too
    with ExitStack() as stack:
        told = dict(os.environ)
        for name, start in SERVICES.items():
            place = _memory() if name in IN_MEMORY else None
            own = tempfile.TemporaryDirectory(prefix="hemoview-services-", dir=place)
            folder = Path(stack.enter_context(own))
            folder.chmod(0o755)  # servers that give up root look into it
            began = time.monotonic()
            told[f"HEMOVIEW_TEST_{name.upper()}"] = stack.enter_context(start(folder / name))
            print(f"{name}: there after {time.monotonic() - began:.1f} s", flush=True)
        return subprocess.run(command, env=told, check=False).returncode


def _memory() -> Path | None:
    """A file system in memory with room for a cluster and its log; None: the disk must do."""
    place = Path("/dev/shm")
    return place if place.is_dir() and shutil.disk_usage(place).free >= ROOM_BYTES else None


IN_MEMORY = frozenset({"postgres"})
"""Every test makes and drops a database of its own: on a disk most of its time is the wait for that."""

ROOM_BYTES = 4 << 30
SERVICES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "postgres": postgres,
    "ceph": ceph,
    "mosquitto": mosquitto,
}
"""One a line: what it is called, and a context manager that starts it in a folder and gives its address."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
