"""Ending a session early: aborted and kept, or discarded into quarantine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recorder import session as store
from recorder.acquire.commands import Verb
from recorder.acquire.station import Station
from recorder.acquire.wire import Request
from recorder.errors import ConfigError

Answer = dict[str, Any]


def table(station: Station) -> dict[str, Verb]:
    """Verbs of this room."""

    def of(run: Callable[[Station, Request], Answer]) -> Callable[[Request], Answer]:
        return lambda request: run(station, request)

    return {
        "abort": Verb(of(_abort), control=True, slow=True),
        "discard": Verb(of(_discard), control=True, slow=True),
    }


def _abort(station: Station, request: Request) -> Answer:
    """Stop before the protocol is through; what there is is kept, marked incomplete, with the reason."""
    why, operator = _signed(request, "abort")
    station.guide.stopping()
    folder = station.sessions.stop("aborted", aborted=why, operator=operator)
    return {"folder": str(folder)}


def _discard(station: Station, request: Request) -> Answer:
    """Stop, then quarantine. Where the stop itself fails the session stays where it is."""
    why, operator = _signed(request, "discard")
    station.guide.stopping()
    folder = station.sessions.stop("discarded", aborted=why, operator=operator)
    found = store.discard(folder, why=why, who=operator, wall_ns=station.clock.wall_ns())
    station.sessions.path = found.path
    return {"folder": str(found.path), "quarantined": found.to_json()}


def _signed(request: Request, what: str) -> tuple[str, str]:
    why = str(request.args.get("why") or "").strip()
    operator = str(request.args.get("operator") or "").strip()
    if not why:
        raise ConfigError(f"{what}: no reason; say why, the recording goes on")
    if not operator:
        raise ConfigError(f"{what}: no operator code; say who, the recording goes on")
    return why, operator
