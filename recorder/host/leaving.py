"""The last window of a station goes: what nobody needs any longer ends with it (decision 0008)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from recorder.acquire import settings
from recorder.errors import RecorderError
from recorder.host import lock, places, platform, presence, processes
from recorder.host.client import StationClient
from recorder.schema import StationStatus

SEALING_PATIENCE_S: Final = 60.0
"""A session that was just stopped is being sealed; the recorder ends afterwards."""


def leave(station: str, home: Path | None = None, *, name: str) -> None:
    """What a window does once it has closed and given back its :class:`~recorder.host.presence.Presence`.

    Nothing ends while another window is open, a session is open, or a client other than ``name`` is in control.
    Otherwise the estimates end, and with them a recorder that runs detached, whoever started it. One that somebody
    started by hand, or a service manager, stays.

    Args:
        station, home: as everywhere.
        name: of the window as a client; control may still be in its name.
    """
    if presence.count(station, home) or _is_needed(station, home, name):
        return
    try:
        if lock.is_held(station, home) and not processes.runs_detached(station, home):
            processes.stop_edge(station, home)
        else:
            processes.shut_down(station, home)
    except RecorderError:  # a session was started meanwhile, or it does not answer: then it is left alone
        return


def client_is_gone(name: str) -> bool:
    """Whether ``name`` ends in the number of a process that no longer runs, e.g. ``window-4711``; else nobody knows."""
    pid = name.rpartition("-")[2]
    return pid.isdigit() and not platform.alive(int(pid))


def _is_needed(station: str, home: Path | None, name: str) -> bool:
    """By a session, or by a client in control; also where that cannot be found out."""
    try:
        if not lock.is_held(station, home):  # it may have been killed: the next one goes on with the session
            return bool(settings.read(places.station_dir(station, home) / "settings.json").open_session)
        status = _sealed_status(station, home)
    except RecorderError:
        return True
    in_control = status.controller
    return status.session.state in ("open", "sealing") or not (
        in_control in ("", name) or client_is_gone(in_control)
    )


def _sealed_status(station: str, home: Path | None) -> StationStatus:
    deadline = time.monotonic() + SEALING_PATIENCE_S
    with StationClient(station, home, name="processes") as client:
        while True:
            status = StationStatus.from_json(client.call("status")["status"])
            if status.session.state != "sealing" or time.monotonic() > deadline:
                return status
            time.sleep(0.1)
