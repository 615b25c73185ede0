"""Starts, finds, restarts and stops the processes of a station. Started ones are detached: they outlive the starter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from recorder.clock import Clock
from recorder.errors import RecorderError, StationError, StationUnreachable
from recorder.host import lock, logs, places, platform
from recorder.host.client import StationClient
from recorder.host.connection import Connection, check_station
from recorder.host.keeper import Keeper

START_TIMEOUT_S: Final = 20.0
STOP_TIMEOUT_S: Final = 60.0


# ---- the recorder


def find_recorder(station: str, home: Path | None = None) -> int | None:
    """Process id of the station's recorder if it answers, else None."""
    try:
        connection = Connection.read(station, home)
        if not platform.alive(connection.pid):
            return None
        with StationClient(station, home, name="processes") as client:
            client.connect(timeout_s=1.0)
    except StationUnreachable:
        return None
    return connection.pid


def ensure_recorder(station: str, home: Path | None = None, *, clock: Clock | None = None) -> int:
    """Start the station's recorder unless it runs; returns its process id once it answers.

    Raises:
        ConfigError: the name cannot be a station's.
        StationError: it does not come up; with what it said.
    """
    check_station(station)
    home = home or places.home()
    pid = find_recorder(station, home)
    if pid is not None:
        return pid
    if lock.is_held(station, home):  # just starting, or busy going on with a session
        return _await_recorder(station, home, None)
    words = ["-m", "recorder.cli", "serve", "--station", station, "--home", str(home)]
    process = _start(words, f"recorder-{station}", home, clock.to_environment() if clock else {})
    return _await_recorder(station, home, process)


def _await_recorder(station: str, home: Path, process: subprocess.Popen[bytes] | None) -> int:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        pid = find_recorder(station, home)
        if pid is not None:
            return pid
        if process is not None and process.poll() is not None:
            if process.returncode == 0 or not lock.is_held(station, home):
                break
            process = None  # somebody else's recorder was quicker: wait for that one
        time.sleep(0.05)
    said = _last_line(logs.logs_dir(home) / f"recorder-{station}.out")
    raise StationError(
        f"station {station}: its recorder did not start: {said or 'no answer'}; see {home / 'logs'}"
    )


def keep_recorder(station: str, home: Path | None = None, *, clock: Clock | None = None) -> Keeper:
    """Restart the recorder whenever it dies, until closed. The window does this."""
    return Keeper(
        f"recorder-{station}",
        lambda: True,
        lambda: _recorder_lives(station, home),
        lambda: ensure_recorder(station, home, clock=clock),
    )


def _recorder_lives(station: str, home: Path | None) -> bool:
    try:
        return platform.alive(Connection.read(station, home).pid)
    except StationUnreachable:
        return False


# ---- the edge process


@dataclass(frozen=True, slots=True)
class EdgeNote:
    """What is remembered about a station's edge process, so that the recorder can restart it as it was started."""

    pid: int
    wanted: bool
    extra: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, station: str, home: Path | None) -> EdgeNote:
        """The note of ``station``; one that wants nothing where there is none."""
        try:
            value = json.loads(_edge_file(station, home).read_text())
            extra = tuple(str(word) for word in value["extra"])
            return cls(int(value["pid"]), bool(value["wanted"]), extra, dict(value["environment"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls(0, wanted=False)

    def write(self, station: str, home: Path | None) -> None:
        """Leave it for the recorder and other windows."""
        path = _edge_file(station, home)
        path.parent.mkdir(parents=True, exist_ok=True)
        platform.write_owner_only(path, json.dumps(asdict(self)).encode())


def _edge_file(station: str, home: Path | None) -> Path:
    return places.station_dir(station, home) / "edge.json"


def ensure_edge(
    station: str, home: Path | None = None, *, clock: Clock | None = None, extra: Sequence[str] = ()
) -> int:
    """Start the station's edge process unless it runs; returns its process id. It needs a second to be of use.

    Args:
        station, home, clock: as everywhere.
        extra: further words of its command line.
    """
    note = EdgeNote.read(station, home)
    if note.wanted and platform.alive(note.pid):
        return note.pid
    return _start_edge(station, home, tuple(extra), clock.to_environment() if clock else {})


def keep_edge(station: str, home: Path | None = None) -> Keeper:
    """Restart the edge process whenever it dies, as long as somebody wants it. The recorder does this."""

    def restart() -> None:
        note = EdgeNote.read(station, home)
        _start_edge(station, home, note.extra, note.environment)

    return Keeper(
        f"edge-{station}",
        lambda: EdgeNote.read(station, home).wanted,
        lambda: platform.alive(EdgeNote.read(station, home).pid),
        restart,
    )


def _start_edge(station: str, home: Path | None, extra: tuple[str, ...], environment: dict[str, str]) -> int:
    words = ["-m", "hemoview", "edge", "--station", station, *extra]
    process = _start(words, f"edge-{station}", home or places.home(), environment)
    EdgeNote(process.pid, wanted=True, extra=extra, environment=environment).write(station, home)
    return process.pid


def stop_edge(station: str, home: Path | None = None) -> None:
    """End the edge process; its estimates can be computed again from the session."""
    note = EdgeNote.read(station, home)
    if note.wanted:
        replace(note, wanted=False).write(station, home)
        platform.terminate(note.pid)
        _await_death(note.pid, 5.0)


# ---- both


def stop_station(station: str, home: Path | None = None, *, force: bool = False) -> bool:
    """Stop recorder and edge. With a session open nothing is stopped unless ``force``, which stops it in order.

    Returns:
        Whether both are gone.
    """
    try:
        pid = Connection.read(station, home).pid
        with StationClient(station, home, name="processes") as client:
            client.call("shutdown", timeout_s=STOP_TIMEOUT_S if platform.alive(pid) else 0.1, force=force)
        _await_death(pid, STOP_TIMEOUT_S)
    except StationUnreachable:
        pass  # it is gone already
    except RecorderError:
        return False
    stop_edge(station, home)
    return find_recorder(station, home) is None


def _start(
    words: Sequence[str], role: str, home: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with (logs.logs_dir(home) / f"{role}.out").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, places.HOME_ENV: str(home), **environment},
            **platform.detach_options(),
        )
    # collected as soon as it ends: to other processes a child nobody has waited for looks alive
    threading.Thread(target=process.wait, name=f"wait-{role}", daemon=True).start()
    return process


def _await_death(pid: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while platform.alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
