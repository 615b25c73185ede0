"""What the reference monitor's own clock shows, told by an operator (safety rule 19).

A monitor writes its files by its own clock, which nobody sets; the difference from this computer's is what finds a
file's place in a session. Stored as a clock point of the monitor: an event ``monitor-clock`` with the time shown and
the difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from recorder.acquire.commands import Verb
from recorder.acquire.station import Station
from recorder.acquire.wire import Request
from recorder.errors import ConfigError

Answer = dict[str, Any]
DAY_S: Final = 86_400
_TIME: Final = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)(?:[:.]([0-5]\d))?\Z")


def second_of_day(shown: str) -> int | None:
    """``14:05`` or ``14:05:30`` as a clock shows it → seconds since midnight; None for anything else."""
    found = _TIME.match(shown.strip())
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


def ahead_s(shown_s: int, local_s: float) -> float:
    """How far the monitor's clock is ahead of ours, −12 h to 12 h: midnight may lie between the two."""
    return (shown_s - local_s + DAY_S / 2) % DAY_S - DAY_S / 2


def local_second_of_day(wall_ns: int, zone: str) -> float:
    """Seconds since midnight at the session's place."""
    at = datetime.fromtimestamp(wall_ns / 1e9, UTC).astimezone(ZoneInfo(zone))
    return at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6


def table(station: Station) -> dict[str, Verb]:
    """Verbs of this room."""

    def of(run: Callable[[Station, Request], Answer]) -> Callable[[Request], Answer]:
        return lambda request: run(station, request)

    return {"monitor_clock": Verb(of(_monitor_clock))}


def _monitor_clock(station: Station, request: Request) -> Answer:
    header = station.sessions.need_open()
    shown, at_wall_ns = str(request.args["shown"]), int(request.args["at_wall_ns"])
    shown_s = second_of_day(shown)
    if shown_s is None:
        raise ConfigError(f"clock of the monitor: {shown!r} is no time; enter it as it shows, 14:05:30")
    era = station.hub.era
    payload = {
        "shown": shown.strip(),
        "ahead_s": round(ahead_s(shown_s, local_second_of_day(at_wall_ns, header.zone)), 3),
        "operator": str(request.args.get("operator") or ""),
    }
    t_host_ns = era.monotonic_ns + (at_wall_ns - era.wall_ns)
    event = station.hub.event("monitor-clock", payload, t_host_ns, request.request_id)
    return {"event_id": event.event_id, "ahead_s": payload["ahead_s"]}
