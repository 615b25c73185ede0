"""What clients may ask of a station: every verb, one row of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from recorder.acquire import (
    discards,
    findings,
    guide,
    monitor_clock,
    radio_verbs,
    required,
    rules,
    subject_verbs,
    wire,
)
from recorder.acquire.commands import Verb
from recorder.acquire.device_changes import check_change, recorded_devices
from recorder.acquire.orders import StartOrder
from recorder.acquire.settings import device_from
from recorder.acquire.station import Station
from recorder.acquire.wire import Request
from recorder.errors import ConfigError, SessionError
from recorder.schema import Calibration, CuffReading, Marker, StreamInfo

Answer = dict[str, Any]


def table(station: Station) -> dict[str, Verb]:
    """Every verb of ``station``."""

    def of(run: Callable[[Station, Request], Answer]) -> Callable[[Request], Answer]:
        return lambda request: run(station, request)

    return {
        "status": Verb(of(_status), once=False),
        "describe": Verb(of(_describe), once=False),
        "events": Verb(of(_events), once=False),
        "ports": Verb(of(_ports), slow=True, once=False),
        "preflight": Verb(of(_preflight), slow=True, once=False),
        "configure": Verb(of(_configure), control=True, slow=True),
        "start": Verb(of(_start), control=True, slow=True),
        "stop": Verb(of(_stop), control=True, slow=True),
        "calibrate": Verb(of(_calibrate), control=True),
        "marker": Verb(of(_marker)),
        "undo_marker": Verb(of(_undo_marker)),
        "cuff": Verb(of(_cuff)),
        "withdraw_cuff": Verb(of(_withdraw_cuff)),
        "declare": Verb(of(_declare)),
        "derived": Verb(of(_derived)),
        "take_control": Verb(of(_take_control)),
        "release_control": Verb(of(_release_control)),
        "shutdown": Verb(of(_shutdown), slow=True),
        **subject_verbs.table(station),
        **monitor_clock.table(station),
        **discards.table(station),
        **findings.table(station),
        **guide.table(station.guide),
        **radio_verbs.table(station),
        **rules.table(station),
    }


# ---- looking


def _status(station: Station, _: Request) -> Answer:
    return {"status": station.status().to_json()}


def _describe(station: Station, _: Request) -> Answer:
    header = station.sessions.header
    return {
        "streams": [s.to_json() for s in station.hub.streams.values()],
        "devices": [d.to_json() for d in station.hub.devices.values()],
        "configured": [asdict(d) for d in station.settings.devices],
        "calibrations": [c.to_json() for c in station.calibrations],
        "header": header.to_json() if header else None,
        "eras": [era.to_json() for era in station.sessions.eras],
    }


def _events(station: Station, request: Request) -> Answer:
    events = station.hub.events_since(int(request.args.get("since", 0)))
    return {"events": [e.to_json() for e in events], "event_no": station.hub.event_no}


def _ports(station: Station, _: Request) -> Answer:
    return {"ports": [asdict(port) for port in station.ports()]}


def _preflight(station: Station, request: Request) -> Answer:
    order = StartOrder.from_args(request.args)
    found = station.sessions.preflight(order, required.links(station, order.template))
    return {"checks": [check.to_json() for check in found]}


# ---- control


def _configure(station: Station, request: Request) -> Answer:
    wanted = [device_from(value) for value in request.args["devices"]]
    if station.sessions.state == "open":
        recorded = recorded_devices(station.hub.statuses({}, None), station.hub.streams)
        check_change(station.settings.devices, wanted, recorded)
    return {"failed": station.configure(wanted)}


def _start(station: Station, request: Request) -> Answer:
    order = StartOrder.from_args(request.args)
    session_id, folder = station.sessions.start(
        order, lambda: required.links(station, order.template), station.calibrations
    )
    return {"session_id": session_id, "folder": str(folder)}


def _stop(station: Station, request: Request) -> Answer:
    station.guide.stopping()
    reason, operator = str(request.args.get("reason", "")), str(request.args.get("operator") or "")
    return {"folder": str(station.sessions.stop(reason, operator=operator))}


def _calibrate(station: Station, request: Request) -> Answer:
    calibration = Calibration.from_json(request.args)
    info = station.hub.streams.get(calibration.stream_id)
    if info is None or calibration.channel not in {c.name for c in info.channels}:
        raise ConfigError(
            f"calibration: {calibration.stream_id} has no channel {calibration.channel}; choose one of this station"
        )
    station.keep_calibration(calibration)
    event = station.hub.event("calibration", calibration.to_json(), event_id=request.request_id)
    return {"event_id": event.event_id}


def _take_control(station: Station, request: Request) -> Answer:
    station.desk.control.take(str(request.args.get("name") or request.client))
    return {"controller": station.desk.control.holder}


def _release_control(station: Station, request: Request) -> Answer:
    station.desk.control.release(request.client)
    return {"controller": station.desk.control.holder}


def _shutdown(station: Station, request: Request) -> Answer:
    if station.sessions.state in ("open", "sealing"):
        if not request.args.get("force"):
            raise SessionError("recorder: a session is open; stop it first, or shut down with force")
        station.guide.stopping()
        station.sessions.stop("shutdown")
    station.ask_to_end()
    return {"ending": True}


# ---- facts about the open session


def _marker(station: Station, request: Request) -> Answer:
    station.sessions.need_open()
    args = request.args
    marker = Marker(
        str(args["label"]),
        str(args.get("source", "command")),
        str(args.get("operator") or ""),
        args.get("key"),
        str(args.get("note") or ""),
    )
    event = station.hub.event("marker", asdict(marker), args.get("t_host_ns"), request.request_id)
    station.guide.marked(event, args.get("arm"))
    return {"event_id": event.event_id}


def _undo_marker(station: Station, request: Request) -> Answer:
    station.sessions.need_open()
    wanted = request.args.get("event_id") or station.last_marker_id()
    found = station.hub.find_event(str(wanted)) if wanted else None
    if found is None or found.kind != "marker":
        raise SessionError("marker: there is none to undo; nothing was changed")
    payload = {"event_id": wanted, "operator": str(request.args.get("operator") or "")}
    event = station.hub.event("marker-undone", payload, event_id=request.request_id)
    station.guide.undone(str(wanted))
    return {"event_id": event.event_id, "undone": wanted}


def _cuff(station: Station, request: Request) -> Answer:
    station.sessions.need_open()
    reading = CuffReading(**request.args)
    era = station.hub.era
    measured = era.monotonic_ns + (reading.measured_at_ns - era.wall_ns)
    event = station.hub.event("cuff", asdict(reading), measured, request.request_id)
    station.guide.end_inflation("reading")
    return {"event_id": event.event_id}


def _withdraw_cuff(station: Station, request: Request) -> Answer:
    station.sessions.need_open()
    found = station.hub.find_event(str(request.args["event_id"]))
    if found is None or found.kind != "cuff":
        raise SessionError("cuff reading: there is none with that id; nothing was withdrawn")
    earlier = [e for e in station.hub.events_since(0) if e.kind == "cuff-withdrawn"]
    if any(e.payload["event_id"] == found.event_id for e in earlier):
        raise SessionError("cuff reading: it was withdrawn already; nothing was changed")
    why = str(request.args["why"]).strip()
    if not why:
        raise SessionError("cuff reading: give a reason to withdraw it; nothing was withdrawn")
    operator = str(request.args.get("operator") or "")
    payload = {"event_id": found.event_id, "why": why, "operator": operator}
    event = station.hub.event("cuff-withdrawn", payload, event_id=request.request_id)
    return {"event_id": event.event_id}


# ---- derived streams


def _declare(station: Station, request: Request) -> Answer:
    station.hub.add_streams([StreamInfo.from_json(value) for value in request.args["streams"]])
    return {"describe_no": station.hub.describe_no}


def _derived(station: Station, request: Request) -> Answer:
    blocks = wire.unpack_blocks(request.args["blocks"], request.frames)
    now = station.clock.monotonic_ns()
    for block in blocks:
        station.hub.derived(block, now)
    return {"rows": sum(block.n_samples for block in blocks)}
