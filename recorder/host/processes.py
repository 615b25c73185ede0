"""Starts, finds, restarts and stops the processes of a station. Started ones are detached: they outlive the starter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from recorder.clock import Clock
from recorder.errors import RecorderError, SessionError, StationError, StationUnreachable
from recorder.host import lock, logs, places, platform, presence
from recorder.host.client import StationClient
from recorder.host.connection import Connection, check_station
from recorder.host.keeper import Keeper
from recorder.private_folder import make_private

START_TIMEOUT_S: Final = 20.0
STOP_TIMEOUT_S: Final = 60.0
ANSWER_TIMEOUT_S: Final = 5.0
"""A recorder that holds its station and says nothing for so long is still starting, or hangs."""
EDGE_STOP_TIMEOUT_S: Final = 12.0
"""An edge process takes 0.3 s to end, and up to 10 s in the midst of a call to a recorder that goes on."""
DETACHED_ENV: Final = "RECORDER_DETACHED"
"""Set for a recorder that is started here and not by somebody's own ``recorder serve``; it is not handed on."""


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
    environment = {DETACHED_ENV: "1", **(clock.to_environment() if clock else {})}
    process = start_detached(words, f"recorder-{station}", home, environment)
    try:
        return _await_recorder(station, home, process)
    except (KeyboardInterrupt, SystemExit):  # nobody has its process id yet: it must not be left alone
        process.terminate()
        raise


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


def note_detached(station: str, home: Path | None = None) -> None:
    """A recorder leaves word whether it runs detached or somebody started it by hand; it holds the lock."""
    note = {"pid": os.getpid(), "detached": os.environ.pop(DETACHED_ENV, "") == "1"}
    platform.write_owner_only(_recorder_file(station, home), json.dumps(note).encode())


def runs_detached(station: str, home: Path | None = None) -> bool:
    """Whether the recorder that holds the station was started by :func:`ensure_recorder`: nobody else will end it."""
    try:
        note = json.loads(_recorder_file(station, home).read_text())
        return bool(note["detached"]) and note["pid"] == lock.holder(station, home)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _recorder_file(station: str, home: Path | None) -> Path:
    return places.station_dir(station, home) / "recorder.json"


def keep_recorder(
    station: str,
    home: Path | None = None,
    *,
    clock: Clock | None = None,
    then: Callable[[], object] = lambda: None,
) -> Keeper:
    """Restart the recorder whenever it dies, until closed; ``then`` follows each restart. The window does this."""

    def restart() -> None:
        ensure_recorder(station, home, clock=clock)
        then()

    return Keeper(f"recorder-{station}", lambda: True, lambda: _recorder_lives(station, home), restart)


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
        make_private(path.parent)
        platform.write_owner_only(path, json.dumps(asdict(self)).encode())


def _edge_file(station: str, home: Path | None) -> Path:
    return places.station_dir(station, home) / "edge.json"


def ensure_edge(
    station: str, home: Path | None = None, *, clock: Clock | None = None, extra: Sequence[str] = ()
) -> int:
    """Start the station's edge process unless it runs; returns its process id. It needs a second to be of use.

    One that a service manager or a person started is used as it is, and is not this side's to end or to restart.

    Args:
        station, home, clock: as everywhere.
        extra: further words of its command line.
    """
    note = EdgeNote.read(station, home)
    if note.wanted and platform.alive(note.pid):
        return note.pid
    holder = lock.edge_holder(station, home)
    if holder is not None:
        return holder
    return _start_edge(station, home, tuple(extra), clock.to_environment() if clock else {})


def keep_edge(station: str, home: Path | None = None) -> Keeper:
    """Restart the edge process whenever it dies, as long as somebody wants it. The recorder does this."""

    def restart() -> None:
        note = EdgeNote.read(station, home)
        _start_edge(station, home, note.extra, note.environment)

    return Keeper(
        f"edge-{station}",
        lambda: EdgeNote.read(station, home).wanted,
        lambda: _edge_lives(station, home),
        restart,
    )


def _edge_lives(station: str, home: Path | None) -> bool:
    """The one started here, or another that took the station meanwhile: a second one would only be refused."""
    return platform.alive(EdgeNote.read(station, home).pid) or lock.edge_holder(station, home) is not None


def _start_edge(station: str, home: Path | None, extra: tuple[str, ...], environment: dict[str, str]) -> int:
    words = ["-m", "hemoview", "edge", "--station", station, *extra]
    process = start_detached(words, f"edge-{station}", home or places.home(), environment)
    EdgeNote(process.pid, wanted=True, extra=extra, environment=environment).write(station, home)
    return process.pid


def stop_edge(station: str, home: Path | None = None) -> None:
    """End the edge process; its estimates can be computed again from the session.

    Raises:
        StationError: it does not end.
    """
    _await_edge_death(station, _ask_edge_to_end(station, home))


def _ask_edge_to_end(station: str, home: Path | None) -> int:
    """Nobody restarts it any longer; returns its process id, 0 where none was wanted."""
    note = EdgeNote.read(station, home)
    if not note.wanted:
        return 0
    replace(note, wanted=False).write(station, home)
    platform.terminate(note.pid)
    return note.pid


def _await_edge_death(station: str, pid: int) -> None:
    if not _await_death(pid, EDGE_STOP_TIMEOUT_S):
        raise StationError(f"station {station}: its edge process {pid} does not end; end it by hand")


# ---- both


def stop_station(station: str, home: Path | None = None, *, force: bool = False) -> bool:
    """Stop recorder and edge, by whoever is done with them.

    With a session or a window open nothing is stopped unless ``force``, which stops a session in order.

    Returns:
        Whether both are gone.
    """
    if not force and presence.count(station, home):
        return False
    try:
        shut_down(station, home, force=force)
    except RecorderError:
        return False
    return True


def shut_down(station: str, home: Path | None = None, *, force: bool = False) -> bool:
    """:func:`stop_station` that asks no window and says why it did not; returns whether anything was there to stop.

    Once the recorder has agreed both end at the same time.

    Raises:
        SessionError: a session is open, and not ``force``.
        StationError: the recorder does not answer, or one of them does not end.
    """
    held, pid = lock.is_held(station, home), 0
    if held:
        answers = _await_answer(station, home)
        pid = lock.holder(station, home) or 0
        if answers:
            _ask_to_end(station, home, force=force)
        else:
            _end_silent(station, pid, force=force)
    edge_pid = _ask_edge_to_end(station, home)
    if not _await_death(pid, STOP_TIMEOUT_S):
        raise StationError(f"station {station}: its recorder, process {pid}, does not end; end it by hand")
    _await_edge_death(station, edge_pid)
    return held or edge_pid > 0


def _end_silent(station: str, pid: int, *, force: bool) -> None:
    """A recorder that does not answer; ``pid`` 0: it ended by itself meanwhile. Its session stays open."""
    if not pid:
        return
    if not force or pid == os.getpid():
        raise StationError(
            f"station {station}: its recorder, process {pid}, does not answer; wait, or end it with --force"
        )
    platform.terminate(pid)


def _ask_to_end(station: str, home: Path | None, *, force: bool) -> None:
    try:
        with StationClient(station, home, name="processes") as client:
            client.call("shutdown", timeout_s=STOP_TIMEOUT_S, force=force)
    except StationUnreachable:
        if lock.is_held(station, home):
            raise
    except SessionError as error:
        if force:
            raise
        raise SessionError(
            f"station {station}: a session is open on it; stop it in its window, or add --force, which ends it in order"
        ) from error


def _await_answer(station: str, home: Path | None) -> bool:
    """A recorder that has just been started takes a moment; False where it is silent, or gone meanwhile."""
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while lock.is_held(station, home):
        if find_recorder(station, home) is not None:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return False


def start_detached(
    words: Sequence[str], role: str, home: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a process of ours that outlives this one; what it prints goes to ``<role>.out``."""
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
