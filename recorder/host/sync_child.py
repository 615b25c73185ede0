"""``recorder sync --watch``: the sync process of a station, one thread a service."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from pathlib import Path
from typing import Any, Final

from recorder import __version__
from recorder.clock import Clock
from recorder.errors import RecorderError, SessionError
from recorder.host import connection, lock, logs, places, platform, sync_process
from recorder.host.client import StationClient
from recorder.host.sync_gear import gear_of
from recorder.schema.sync_status import SyncStatus
from recorder.sync import identity as identities
from recorder.sync import wire
from recorder.sync.identity import Identity
from recorder.sync.orders import Desk, finder
from recorder.sync.watch import StationSessions, Watch

LOOK_S: Final = 2.0
ALONE_LOOKS: Final = 5
"""After so many looks without a recorder it ends."""

log = logging.getLogger(__name__)


def run(station: str, home: Path | None = None) -> None:
    """Sync until told to end, until the recorder has ended, or until nobody is enrolled any longer.

    Raises:
        ConfigError: the name cannot be a station's, or an enrolment cannot be read.
        StationLocked: another process does it.
    """
    connection.check_station(station)
    home = (home or places.home()).absolute()
    sync_process.hold(station, home)
    logs.begin(f"sync-{station}", home)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    board = Board(places.station_dir(station, home) / sync_process.STATUS_FILE)
    threads: dict[str, tuple[threading.Thread, threading.Event]] = {}
    known: dict[str, Identity] = {}
    alone = 0
    while not stop.is_set() and alone < ALONE_LOOKS:
        enrolled = {one.server_id: one for one in identities.identities(places.station_dir(station, home))}
        for server_id in [i for i in threads if enrolled.get(i) != known[i]]:  # signed out, or enrolled anew
            _end(*threads.pop(server_id))
            board.forget(server_id)
        for server_id, me in enrolled.items():
            if server_id not in threads or not threads[server_id][0].is_alive():
                threads[server_id], known[server_id] = _begin(me, home, board), me
        if not enrolled:
            break
        alone = 0 if lock.is_held(station, home) else alone + 1
        stop.wait(LOOK_S)
    for thread, its_stop in threads.values():
        _end(thread, its_stop)


def _begin(me: Identity, home: Path, board: Board) -> tuple[threading.Thread, threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=_serve, args=(me, home, board, stop), name=f"sync-{me.server_id[:8]}")
    thread.start()
    return thread, stop


def _end(thread: threading.Thread, stop: threading.Event) -> None:
    stop.set()
    thread.join(timeout=40)


def _serve(me: Identity, home: Path, board: Board, stop: threading.Event) -> None:
    sessions, station_folder = places.sessions_dir(home), places.station_dir(me.station, home)
    try:
        with gear_of(me, home, stop=stop) as gear:
            desk = Desk(
                gear.outbox,
                gear.vault,
                me,
                station_folder,
                finder(lambda: [p for p in sorted(sessions.glob("*")) if p.is_dir()]),
                lambda order: mark_live(me.station, home, order),
                gear.now_us,
            )
            Watch(
                gear,
                StationSessions(sessions, me.station),
                desk,
                board.show,
                f"recorder {__version__}",
                nudged=sync_process.Nudges(station_folder),
            ).run()
    except Exception:
        log.exception("sync with %s has failed inside", me.host)
        stop.wait(10)


def mark_live(station: str, home: Path | None, order: wire.Order) -> bool:
    """Put a message into the session that is being recorded, as a marker; False where it is not that one.

    Raises:
        RecorderError: the recorder does not answer.
    """
    try:
        with StationClient(station, home, name="sync", clock=Clock.from_environment()) as client:
            status = client.call("status")["status"]
            session = status["session"]
            if session["session_id"] != order.session_id or session["state"] != "open":
                return False
            events = client.call("events")["events"]
            if any(e["kind"] == "marker" and e["payload"].get("note") == note_of(order) for e in events):
                return True  # the service did not hear that it was done
            client.call(
                "marker",
                label="feedback",
                source="service",
                operator=order.author[:40],
                note=note_of(order),
                t_host_ns=moment_of(order, status),
            )
    except SessionError:  # closed at this moment
        return False
    except RecorderError:
        if lock.is_held(station, home):
            raise
        return False
    return True


def moment_of(order: wire.Order, status: dict[str, Any]) -> int | None:
    """When the moment a message is about was, host clock; None where it names none, or none of this recording."""
    if order.marker_us is None:
        return None
    t_host_ns = status["t_host_ns"] - (status["wall_ns"] - order.marker_us * 1000)
    begun_ns = status["session"].get("started_host_ns")
    within = begun_ns is not None and begun_ns <= t_host_ns <= status["t_host_ns"]
    return int(t_host_ns) if within else None


def note_of(order: wire.Order) -> str:
    """The message as it stands in the marker, with what tells it from another of the same words."""
    return f"{order.text[:400]} ({order.order_id[:8]})"


class Board:
    """``sync.json`` of the station: what the recorder reads and tells every screen."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: dict[str, SyncStatus] = {}
        self._lock = threading.Lock()

    def show(self, status: SyncStatus) -> None:
        """Write it down, whole."""
        with self._lock:
            self._told[status.server_id] = status
            self._write()

    def forget(self, server_id: str) -> None:
        """No longer enrolled there."""
        with self._lock:
            self._told.pop(server_id, None)
            self._write()

    def _write(self) -> None:
        told = {"pid": os.getpid(), "services": [s.to_json() for s in self._told.values()]}
        try:
            platform.write_owner_only(self._path, json.dumps(told).encode())
        except OSError as error:  # the recorder says so louder
            log.warning("the state of sync cannot be written: %s", error.strerror)
