"""The sync process of a station: started and restarted by its recorder while the station is enrolled with a service.

It ends by itself soon after the recorder has ended: without one there is no station.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from recorder.acquire.sync_board import LIVE_FILE, SYNC_FILE
from recorder.errors import StationLocked
from recorder.host import lock, places, platform, processes
from recorder.host.keeper import Keeper
from recorder.private_folder import make_private
from recorder.sync.identity import SERVICES_FOLDER

STATUS_FILE: Final = SYNC_FILE
ASK_FILE: Final = "sync.ask"
"""Of a station: touched by who wants to know now how the service is."""
PATIENCE_S: Final = 1.5
STOP_TIMEOUT_S: Final = 5.0


def is_wanted(station: str, home: Path | None = None) -> bool:
    """The station is enrolled with a service."""
    return any((places.station_dir(station, home) / SERVICES_FOLDER).glob("*.json"))


def holder(station: str, home: Path | None = None) -> int | None:
    """Process id of the station's sync process this moment; None if none."""
    return lock.holder_of(_lock_file(station, home))


def hold(station: str, home: Path | None = None) -> int:
    """Take the station's sync lock for the life of this process; two would send everything twice.

    Raises:
        StationLocked: another one has it.
    """
    path = _lock_file(station, home)
    make_private(path.parent)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + PATIENCE_S
    while not platform.try_lock(fd):
        if time.monotonic() > deadline:
            os.close(fd)
            raise StationLocked(f"sync of station {station}: another process does it already; leave that one")
        time.sleep(0.05)
    os.ftruncate(fd, 0)
    os.write(fd, json.dumps({"pid": os.getpid(), "station": station}).encode())
    return fd


def keep(station: str, home: Path | None = None) -> Keeper:
    """Start it when the station is enrolled, and restart it whenever it dies. The recorder does this."""
    return Keeper(
        f"sync-{station}",
        lambda: is_wanted(station, home),
        lambda: holder(station, home) is not None,
        lambda: start(station, home),
    )


def start(station: str, home: Path | None = None) -> int:
    """Start it, detached; returns its process id."""
    home = home or places.home()
    words = ["-m", "recorder.cli", "sync", "--watch", "--station", station, "--home", str(home)]
    return processes.start_detached(words, f"sync-{station}", home, {}).pid


def ask(station: str, home: Path | None = None) -> None:
    """Have it ask the service at once, instead of when it is time."""
    with suppress(OSError):  # then it does so when it is time
        (places.station_dir(station, home) / ASK_FILE).touch(mode=0o600)


class Nudges:
    """Whether somebody has asked since the last call, or the live path has seen the service go or come back."""

    def __init__(self, station_folder: Path) -> None:
        self._paths = tuple(station_folder / name for name in (ASK_FILE, LIVE_FILE))
        self._seen = self._look()

    def __call__(self) -> bool:
        """Whether."""
        before, self._seen = self._seen, self._look()
        return self._seen != before

    def _look(self) -> tuple[tuple[int, int], ...]:
        return tuple(_stamp(path) for path in self._paths)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_ino


def stop(station: str, home: Path | None = None) -> None:
    """Ask it to end, and wait a moment; what it has not sent goes another time."""
    pid = holder(station, home)
    if not pid or pid == os.getpid():
        return
    platform.terminate(pid)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while platform.alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)


def _lock_file(station: str, home: Path | None) -> Path:
    return places.station_dir(station, home) / "sync.lock"
