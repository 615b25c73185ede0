"""``recorder serve``: lock, station, connection file, edge keeper – until told to end."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recorder.acquire import verbs
from recorder.acquire.machine import Machine
from recorder.acquire.station import Station
from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig
from recorder.host import (
    connection,
    lock,
    logs,
    places,
    platform,
    processes,
    sync_notes,
    sync_process,
    uplink_process,
)
from recorder.host.connection import Connection

log = logging.getLogger(__name__)


def machine(more_warnings: Callable[[], list[tuple[str, str]]] = list) -> Machine:
    """The machine this process runs on; ``more_warnings`` go before Start with its own."""
    return Machine(
        boottime_ns=platform.boottime_ns,
        file_system=platform.file_system,
        network_file_systems=platform.NETWORK_FILE_SYSTEMS,
        inhibit_sleep=platform.inhibit_sleep,
        warnings=lambda: [*platform.warnings(), *more_warnings()],
        zone=platform.local_zone,
        encrypted=platform.encrypted,
    )


def serve(
    station: str,
    home: Path | None = None,
    *,
    clock: Clock | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Be the recorder of ``station`` until a signal or ``shutdown``; ``ready`` is called once it answers.

    A session that is open when a signal ends the process stays open: the next recorder goes on with it.

    Raises:
        ConfigError: the name cannot be a station's.
        StationLocked: the station has a recorder.
        RecorderError: it cannot begin.
    """
    connection.check_station(station)
    home = (home or places.home()).absolute()
    with lock.StationLock(station, home):
        processes.note_detached(station, home)
        logs.begin(f"recorder-{station}", home)
        ours = Station(
            station,
            places.station_dir(station, home),
            places.sessions_dir(home),
            clock=clock or Clock.from_environment(),
            machine=machine(lambda: sync_notes.notes(station, home)),
            verbs=verbs.table,
            who_holds=lambda config: who_holds(config, station, home),
        )
        _end_on_signals(ours)
        try:
            ours.start()
            _connection_of(ours, station).write(home)
            log.info("recorder of station %s is ready", station)
            ready()
            keepers = (
                processes.keep_edge(station, home),
                sync_process.keep(station, home),
                uplink_process.keep(station, home),
            )
            ours.wait()
            for keeper in keepers:
                keeper.close()
            sync_process.stop(station, home)
            uplink_process.stop(station, home)
        finally:
            ours.close()
            connection.file_of(station, home).unlink(missing_ok=True)
            log.info("recorder of station %s has ended", station)


def _connection_of(ours: Station, station: str) -> Connection:
    keys = ours.bus.keys
    return Connection(
        station,
        os.getpid(),
        ours.bus.pub_port,
        ours.bus.router_port,
        keys.server_public,
        keys.client_public,
        keys.client_secret,
    )


def _end_on_signals(ours: Station) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ours.ask_to_end())


def who_holds(config: DeviceConfig, station: str, home: Path) -> str:
    """Another station whose live recorder is set up for the same port or radio address, or empty."""
    for path in sorted((home / "stations").glob("*/settings.json")):
        other = path.parent.name
        if other != station and _uses(path, _place(config.options)) and lock.is_held(other, home):
            return other
    return ""


def _uses(path: Path, place: str) -> bool:
    try:
        devices = json.loads(path.read_text())["devices"]
        return place != "" and any(_place(d.get("options", {})) == place for d in devices)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _place(options: Mapping[str, Any]) -> str:
    """What only one station can use: a serial port, or the radio address of a band."""
    address = str(options.get("address") or "")
    return address.lower() or str(options.get("port") or "")
