"""``recorder record``: one session by a template, as a client of serve; starts one if there is none."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from recorder import session as store
from recorder.acquire import template as templates
from recorder.acquire.template import Template
from recorder.clock import Clock
from recorder.errors import ConfigError, RecorderError, SessionError, StationUnreachable
from recorder.host import processes
from recorder.host.arguments import STATION
from recorder.host.client import StationClient
from recorder.host.console import Tell, progress
from recorder.schema import Calibration, StationStatus

DELIVER_TIMEOUT_S: Final = 20.0
SEAL_TIMEOUT_S: Final = 130.0


@dataclass(frozen=True, slots=True)
class RecordOrder:
    """What the command line asks for."""

    template: Path
    subject: str
    out: Path
    seconds: float | None = None
    station: str = STATION
    home: Path | None = None


def run(order: RecordOrder, say: Callable[[str], None]) -> dict[str, Any]:
    """Record and return ``{session, streams}``.

    Raises:
        RecorderError: the template is wrong, Start was refused, the disk failed, or the session went elsewhere.
    """
    template = templates.load(order.template)
    if not template.devices:
        raise ConfigError(f"template {order.template} names no device; add a [[devices]] table for each")
    clock = Clock.from_environment()
    started_it = processes.find_recorder(order.station, order.home) is None
    processes.ensure_recorder(order.station, order.home, clock=clock)
    try:
        with StationClient(order.station, order.home, name="recorder record", clock=clock) as client:
            folder = _record(client, order, template, clock, say)
    finally:
        if started_it:
            processes.stop_station(order.station, order.home)
    return {"ok": True, "session": str(folder), "streams": _summary(folder)}


def _record(
    client: StationClient, order: RecordOrder, template: Template, clock: Clock, say: Callable[[str], None]
) -> Path:
    client.call("configure", timeout_s=15, devices=[asdict(d) for d in template.devices])
    try:
        _await_delivery(client, template)
        _calibrate(client, template, say)
        reply = client.call("start", timeout_s=30, **_start_args(order, template))
        say(f"Recording {order.subject} in {reply['folder']}" + ("" if order.seconds else "; Ctrl-C stops"))
        reason = "ended by the keyboard"
        try:
            _watch(client, clock, order.seconds, say)
            reason = "time is up"
        except KeyboardInterrupt:
            say("Stopping.")
        return Path(client.call("stop", timeout_s=SEAL_TIMEOUT_S, reason=reason)["folder"])
    finally:
        client.call("release_control")


def _start_args(order: RecordOrder, template: Template) -> dict[str, Any]:
    return {
        "subject": {"pseudonym": order.subject},
        "consent": asdict(template.consent) if template.consent else None,
        "sites": asdict(template.sites) if template.sites else None,
        "operator": template.operator,
        "template": template.to_json(),
        "overrides": template.overrides,
        "notes": template.notes,
        "out": str(order.out.absolute()),
    }


def _await_delivery(client: StationClient, template: Template) -> None:
    """Until every device delivers; one that does not is named by Start itself."""
    needed = {d.device_id for d in template.devices if d.required and d.device_id not in template.overrides}
    deadline = time.monotonic() + DELIVER_TIMEOUT_S
    while time.monotonic() < deadline:
        status = _status(client)
        links = {link.device_id for link in status.links if link.state == "streaming" or not link.required}
        starved = [s for s in status.streams if s.nominal_rate_hz and s.state != "streaming"]
        if needed <= links and not any(s.stream_id.partition(".")[0] in needed for s in starved):
            return
        time.sleep(0.1)


def _calibrate(client: StationClient, template: Template, say: Callable[[str], None]) -> None:
    """The template's volt → mmHg, unless the station has it already, or a newer one."""
    told = client.call("describe")
    present = {stream["device_id"] for stream in told["streams"]}
    known = {
        (c.stream_id, c.channel): c for c in map(Calibration.from_json, told["calibrations"]) if c.accepted
    }
    for new in template.calibrations:
        held = known.get((new.stream_id, new.channel))
        if held is not None and held.calibration_id == new.calibration_id:
            continue
        if new.stream_id.partition(".")[0] not in present:
            say(f"{new.stream_id}: is not there, its calibration is not used")
        elif held is not None and held.wall_ns > new.wall_ns:
            say(f"{new.stream_id} {new.channel}: the station's own calibration is newer and stays in use")
        else:
            client.call("calibrate", **new.to_json())


def _watch(client: StationClient, clock: Clock, seconds: float | None, say: Callable[[str], None]) -> None:
    """Until the time is up; tells every stream that falls silent, and when it is back.

    Raises:
        SessionError: the session ended on its own.
    """
    with progress("recording", seconds) as tell:
        _follow(client, clock, seconds, say, tell)


def _follow(
    client: StationClient, clock: Clock, seconds: float | None, say: Callable[[str], None], tell: Tell
) -> None:
    begin_ns, end_s = clock.monotonic_ns(), math.inf if seconds is None else seconds
    silent: set[str] = set()
    while (elapsed_s := (clock.monotonic_ns() - begin_ns) / 1e9) < end_s:
        time.sleep(min(0.5, clock.real_timeout(seconds or 1.0)))
        try:
            status = _status(client)
        except StationUnreachable as error:  # the recorder is being restarted; the session goes on
            say(str(error))
            processes.ensure_recorder(client.station, client.home, clock=clock)
            continue
        if status.session.state != "open":
            raise SessionError("; ".join(status.warnings) or "the session was stopped from elsewhere")
        tell(elapsed_s, so_far(elapsed_s, seconds, status))
        now = {s.stream_id: s for s in status.streams if s.state in ("silent", "lost")}
        for name in sorted(now.keys() - silent):
            say(f"{name}: {now[name].state} ({now[name].cause})")
        for name in sorted(silent - now.keys()):
            say(f"{name}: is back")
        silent = set(now)


def so_far(elapsed_s: float, seconds: float | None, status: StationStatus) -> str:
    """``12 of 60 s, 34,567 samples on disk``."""
    of = "" if seconds is None else f" of {seconds:g}"
    on_disk = sum(stream.on_disk for stream in status.streams)
    return f"{elapsed_s:.0f}{of} s, {on_disk:,} samples on disk"


def _status(client: StationClient) -> StationStatus:
    return StationStatus.from_json(client.call("status")["status"])


def _summary(folder: Path) -> dict[str, Any]:
    try:
        with store.open(folder) as session:
            return {
                name: {
                    "rows": session.rows(name),
                    "gaps": len(session.gaps(name)),
                    "nominal_rate_hz": info.nominal_rate_hz,
                }
                for name, info in session.streams.items()
            }
    except RecorderError as error:
        raise SessionError(f"{folder}: recorded, but cannot be read back: {error}") from error
