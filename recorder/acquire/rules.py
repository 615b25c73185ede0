"""Commands that change a rule of the open session: what personalises, and estimates that are shown after all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from recorder.acquire.commands import Verb
from recorder.acquire.station import Station
from recorder.acquire.wire import Request
from recorder.errors import SessionError
from recorder.schema.rules import ANCHOR_FROM, ANCHORS, ESTIMATES_HIDDEN, RULE, EstimateRules

LONGEST_REASON: Final = 500


def table(station: Station) -> dict[str, Verb]:
    """Both need control: they change what everybody at the bedside sees."""

    def of(run: Callable[[Station, Request], dict[str, Any]]) -> Callable[[Request], dict[str, Any]]:
        return lambda request: run(station, request)

    return {
        "choose_anchor": Verb(of(_choose_anchor), control=True),
        "unhide_estimates": Verb(of(_unhide_estimates), control=True),
    }


def rules_now(station: Station) -> EstimateRules:
    """The rules of the open session as they are now.

    Raises:
        SessionError: none is open.
    """
    header = station.sessions.need_open()
    return EstimateRules.of_template(header.template).after(station.hub.events_since(0))


def _choose_anchor(station: Station, request: Request) -> dict[str, Any]:
    """What personalises from now on; ``event_id`` None: it was so before."""
    chosen, former = request.args["anchor_from"], rules_now(station).anchor_from
    if chosen not in ANCHORS:
        raise ValueError(f"anchor_from {chosen!r} is unknown; give {', '.join(ANCHORS)}")
    operator = _needed(request, "operator")
    if chosen == former:
        return {"event_id": None}
    payload = {"rule": ANCHOR_FROM, "value": chosen, "former": former, "operator": operator}
    return _stored(station, request, payload)


def _unhide_estimates(station: Station, request: Request) -> dict[str, Any]:
    """Show what the template hides, until this session ends."""
    if not rules_now(station).estimates_hidden:
        raise SessionError("estimates: they are not hidden in this session; nothing was changed")
    operator, why = _needed(request, "operator"), _needed(request, "why")
    if len(why) > LONGEST_REASON:
        raise ValueError(f"the reason has {len(why)} characters; {LONGEST_REASON} are kept at most")
    payload = {"rule": ESTIMATES_HIDDEN, "value": False, "former": True, "operator": operator, "why": why}
    return _stored(station, request, payload)


def _stored(station: Station, request: Request, payload: dict[str, Any]) -> dict[str, Any]:
    return {"event_id": station.hub.event(RULE, payload, event_id=request.request_id).event_id}


def _needed(request: Request, name: str) -> str:
    value = str(request.args.get(name) or "").strip()
    if not value:
        words = {"operator": "the operator code is missing", "why": "the reason is missing"}
        raise ValueError(words[name])
    return value
