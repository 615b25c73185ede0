"""What clients may ask about the person in the bed: known before, the same one still, corrected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recorder.acquire.commands import Verb
from recorder.acquire.station import Station
from recorder.acquire.wire import Request
from recorder.errors import SessionError

Answer = dict[str, Any]


def table(station: Station) -> dict[str, Verb]:
    """Verbs of this room."""

    def of(run: Callable[[Station, Request], Answer]) -> Callable[[Request], Answer]:
        return lambda request: run(station, request)

    return {
        "known_subject": Verb(of(_known_subject), slow=True, once=False),
        "amend": Verb(of(_amend)),
        "confirm_subject": Verb(of(_confirm_subject)),
    }


def _known_subject(station: Station, request: Request) -> Answer:
    found = station.sessions.known.sessions_of(str(request.args["pseudonym"]))
    return {"sessions": len(found), "last": found[-1].to_json() if found else None}


def _amend(station: Station, request: Request) -> Answer:
    """Correct what was written about the open session: ``field`` and ``new``, or several as ``changes``."""
    args = request.args
    changes = dict(args["changes"]) if "changes" in args else {str(args["field"]): args["new"]}
    found = station.sessions.amend(
        changes, who=str(args.get("who") or ""), why=str(args.get("why") or ""), event_id=request.request_id
    )
    return {"amended": [amendment.field for amendment in found]}


def _confirm_subject(station: Station, request: Request) -> Answer:
    """After an absence: the same person? (safety rule 3). Until answered, samples lie in an unconfirmed span."""
    header = station.sessions.need_open()
    expected = header.subject.pseudonym if header.subject else ""
    same = str(request.args["pseudonym"]) == expected
    event = station.sessions.confirmation.answered(
        {"operator": str(request.args.get("operator") or "")},
        same=same,
        event_id=request.request_id,
        now_ns=station.clock.monotonic_ns(),
    )
    if not same:
        raise SessionError("subject: another pseudonym than this session's; stop and start a new session")
    return {"event_id": event.event_id}
