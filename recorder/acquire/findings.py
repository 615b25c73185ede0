"""What a process that only listens found out about the streams, stored as an event: never a sample, never a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from recorder.acquire.commands import Verb
from recorder.acquire.station import Station
from recorder.acquire.wire import Request

FINDINGS: Final = frozenset({"heartbeat", "arm-moved"})
"""Kinds of events that may be found: ``heartbeat`` (safety rule 1), ``arm-moved`` (rule 10)."""


def table(station: Station) -> Mapping[str, Verb]:
    """The verb ``finding {kind, payload, t_host_ns}``."""
    return {"finding": Verb(lambda request: _finding(station, request))}


def _finding(station: Station, request: Request) -> dict[str, Any]:
    kind, payload = str(request.args["kind"]), request.args["payload"]
    if kind not in FINDINGS or not isinstance(payload, dict):
        raise ValueError(f"kind {kind!r} is no finding; it is one of {', '.join(sorted(FINDINGS))}")
    t_host_ns = request.args.get("t_host_ns")
    found = station.hub.event(
        kind, payload, None if t_host_ns is None else int(t_host_ns), request.request_id
    )
    return {"event_id": found.event_id}
