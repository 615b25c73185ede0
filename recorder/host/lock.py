"""The station's file lock: it, not a port, refuses a second recorder. The system frees it when the process dies."""

from __future__ import annotations

import json
import os
import shlex
import time
from pathlib import Path
from typing import Final, Self

from recorder.errors import StationLocked
from recorder.host import places, platform
from recorder.private_folder import make_private

PATIENCE_S: Final = 1.5
"""A recorder that is just ending, or somebody looking whether there is one, may hold it for a moment."""


class StationLock:
    """Held for the life of a recorder.

    Args:
        station: its name.
        home: where stations are.
        patience_s: how long to wait for it, real seconds.

    Raises:
        StationLocked: on entering; names the station and the process that holds it.
    """

    def __init__(self, station: str, home: Path | None = None, *, patience_s: float = PATIENCE_S) -> None:
        self.path = places.station_dir(station, home) / "station.lock"
        self._station, self._home, self._patience_s = station, home, patience_s
        self._fd: int | None = None

    def __enter__(self) -> Self:
        make_private(self.path.parent)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + self._patience_s
        while not platform.try_lock(fd):
            if time.monotonic() >= deadline:
                holder = _read_pid(fd)
                os.close(fd)
                raise StationLocked(
                    f"station {self._station}: process {holder or 'unknown'} records on it already; "
                    "use that one, give this recorder another --station, or stop it with: "
                    f"{stop_command(self._station, self._home)}"
                )
            time.sleep(0.05)
        os.ftruncate(fd, 0)
        os.lseek(fd, 0, os.SEEK_SET)
        os.write(fd, json.dumps({"pid": os.getpid(), "station": self._station}).encode())
        self._fd = fd
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def is_held(station: str, home: Path | None = None) -> bool:
    """Whether a recorder holds the station, alive this moment."""
    return holder(station, home) is not None


def holder(station: str, home: Path | None = None) -> int | None:
    """Process id of the recorder that holds the station this moment; 0 where it has not said so yet, None if none."""
    return holder_of(places.station_dir(station, home) / "station.lock")


def edge_holder(station: str, home: Path | None = None) -> int | None:
    """As :func:`holder`, of the edge process that follows the station, whoever started it."""
    return holder_of(_edge_file(station, home))


def hold_edge(station: str, home: Path | None = None, *, patience_s: float) -> None:
    """Take the station's edge lock for the life of this process; two would write every estimate twice.

    Raises:
        StationLocked: another edge process follows the station.
    """
    told = f"edge of station {station}: another edge process"
    _hold(_edge_file(station, home), station, patience_s, told)


def uplink_holder(station: str, home: Path | None = None) -> int | None:
    """As :func:`holder`, of the process that tells services how the station stands."""
    return holder_of(_uplink_file(station, home))


def hold_uplink(station: str, home: Path | None = None, *, patience_s: float) -> None:
    """Take the lock of the station's live path for the life of this process; two would push each other out.

    Raises:
        StationLocked: another one does it.
    """
    told = f"live path of station {station}: another process"
    _hold(_uplink_file(station, home), station, patience_s, told)


def _hold(path: Path, station: str, patience_s: float, other: str) -> None:
    make_private(path.parent)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + patience_s
    while not platform.try_lock(fd):
        if time.monotonic() > deadline:
            pid = _read_pid(fd)
            os.close(fd)
            raise StationLocked(
                f"{other}{f' ({pid})' if pid else ''} follows it already; leave that one, or end it first"
            )
        time.sleep(0.1)
    os.ftruncate(fd, 0)
    os.write(fd, json.dumps({"pid": os.getpid(), "station": station}).encode())


def _uplink_file(station: str, home: Path | None) -> Path:
    return places.station_dir(station, home) / "uplink.lock"


def _edge_file(station: str, home: Path | None) -> Path:
    return places.station_dir(station, home) / "edge.lock"


def holder_of(path: Path) -> int | None:
    """Process id that holds a lock file; 0 where it has not said so yet, None if none does."""
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        return None if platform.try_lock(fd) else _read_pid(fd) or 0
    finally:
        os.close(fd)


def stop_command(station: str, home: Path | None = None) -> str:
    """What ends the station's recorder, to be copied out of a message."""
    return shlex.join(["recorder", "stop", "--station", station, "--home", str(home or places.home())])


def _read_pid(fd: int) -> int | None:
    os.lseek(fd, 0, os.SEEK_SET)
    try:
        return int(json.loads(os.read(fd, 4096))["pid"])
    except (ValueError, KeyError, TypeError):
        return None
