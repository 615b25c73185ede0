"""Every route of the service and who passes it. A new route needs a line here, or its test fails.

A line says who may: anybody (``OPEN``), any signed-in person (``PEOPLE``), bedsides (``DEVICES``), or whose role allows
an :class:`Action`. ``foreign`` is what becomes of somebody who may, but elsewhere: ``REFUSED`` where the
address names a thing of another ward, ``OWN`` where the answer is about the caller's own.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from hemoview.cloud import tables
from hemoview.cloud.identity import codes
from hemoview.cloud.live.room import Live
from hemoview.cloud.principals import Action
from recorder.sync import signing
from tests.cloud.cloud_rig import Bedside, Rig
from tests.cloud.handover import SMALL, Sender
from tests.cloud.live_rig import ORIGIN, head, hear, ingest, say

OPEN, PEOPLE, DEVICES = "open", "people", "devices"
REFUSED, OWN = "refused", "own"
MARK: Final = "Mark"
"""In every word that only the ward may read."""
ROLES: Final = ("operator", "researcher", "annotator", "clinician", "auditor", "admin", "kiosk")

UNSIGNED: Final = 404
"""The house's report is not signed; a slow test has one that is."""

Told = Callable[["House", Bedside], Any]


@dataclass(frozen=True)
class Line:
    """``body``: valid JSON, so that a refusal is for who asks, not for what is said; ``told``: one that is made of the
    house; ``content``: raw bytes instead; ``everywhere``: only who may in all; ``but``: roles that are refused for
    another reason; ``found``: what who may gets of a GET.
    """

    doors: tuple[str | Action, ...]
    foreign: str = OWN
    body: Any = None
    told: Told | None = None
    content: bytes | None = None
    query: str = ""
    everywhere: bool = False
    but: tuple[str, ...] = ()
    found: int = 200


def _line(*doors: str | Action, **more: Any) -> Line:
    return Line(doors, **more)


@dataclass
class House:
    """Two wards. What is in ``Mark`` is told to nobody of ``Other``, of whom some are there to sign out."""

    rig: Rig
    ids: dict[str, str] = field(default_factory=dict)
    here: dict[str, Any] = field(default_factory=dict)
    there: dict[str, Any] = field(default_factory=dict)
    leaving: dict[str, Any] = field(default_factory=dict)
    everywhere: dict[str, Any] = field(default_factory=dict)
    bedside: Bedside = field(init=False)
    stranger: Bedside = field(init=False)
    sender: Sender = field(init=False)

    def __post_init__(self) -> None:
        rig = self.rig
        ours, theirs = rig.ward(MARK), rig.ward("Other")
        self.bedside, self.stranger = rig.bedside(f"{MARK}-1"), rig.bedside("Other-1")
        for role in ROLES:
            self.here[role] = rig.person(f"{role}-here", (role, ours))
            self.there[role] = rig.person(f"{role}-there", (role, theirs))
            self.leaving[role] = rig.person(f"{role}-leaving", (role, theirs))
            self.everywhere[role] = rig.person(f"{role}-everywhere", (role, None))
        rig.person(f"{MARK.lower()}-nurse", ("operator", ours))
        self.sender = Sender(rig.http, self.bedside, dict(SMALL), pseudonym=f"{MARK}-07")
        self.sender.hand_over()
        watching = self.here["kiosk"].websocket_connect(f"/v1/live?ward={ours}", headers=ORIGIN)
        with watching as watcher, ingest(rig, self.bedside) as socket:
            say(socket, session_id=self.sender.session_id, head=head(pseudonym=f"{MARK}-07"))
            hear(watcher, "bed")
        rig.call(rig.service.part(Live).store.flush)
        people = self.everywhere["admin"].get("/v1/users").json()["users"]
        nurse = next(p for p in people if p["name"] == f"{MARK.lower()}-nurse")
        place = self.everywhere["admin"].get("/v1/sites").json()
        report_id = str(uuid.uuid4())
        made = {
            "manifest_rev": 1,
            "version": 1,
            "state": "making",
            "language": "en",
            "created_us": rig.clock(),
        }
        about = {"id": report_id, "session_id": self.sender.session_id, "created_by": f"user:{MARK}"}
        rig.put(tables.report, **about, **made)
        self.ids = {
            "report_id": report_id,
            "observation_id": f"{report_id}.SBP",
            "kind": "html",
            "ward_id": ours,
            "ward": ours,
            "bed_id": rig.beds[f"{MARK}-1"],
            "bed": rig.beds[f"{MARK}-1"],
            "session_id": self.sender.session_id,
            "session": self.sender.session_id,
            "device_id": self.bedside.id,
            "user_id": nurse["id"],
            "grant_id": nurse["grants"][0]["id"],
            "sha256": self.sender.blob("session.json").blob_sha256,
            "version": "0",
            "path": "js/main.js",
            "/v1/sites/": place["sites"][0]["id"],
            "/v1/studies/": "none",
            "/v1/wards/": ours,
            "/v1/beds/": rig.beds[f"{MARK}-1"],
        }

    def address(self, path: str) -> str:
        """Path and query with the things of the ward in it."""
        place = next((self.ids[p] for p in self.ids if p.startswith("/") and path.startswith(p)), "")
        return path.replace("{path:path}", "{path}").format(**{"place_id": place} | self.ids)


def _enrolment(_: House, bedside: Bedside) -> Any:
    return signing.sign_enrolment(bedside.key, codes.new_code(), "pc", "bed-1").to_json()


def _opening(house: House, _: Bedside) -> Any:
    return house.sender.opening.to_json()


def _manifest(house: House, bedside: Bedside) -> Any:
    manifest = house.sender.manifest(device_id=bedside.id)
    return signing.sign_manifest(bedside.key, manifest).to_json()


def _of_the_session(house: House, _: Bedside) -> Any:
    return {"session_id": house.ids["session_id"]}


_REASON: Final = {"reason": "asked for"}
_BEAT: Final = {"t_us": 1, "monotonic_ns": 1, "software": "0"}
_A_MOMENT: Final = "?parameter=SBP&from_us=1&to_us=9000000000000000"
_MANAGE, _KEEP = Action.MANAGE, Action.KEEP_DEVICES

LINES: Final[dict[str, Line]] = {
    # the service itself
    "GET /healthz": _line(OPEN),
    "GET /readyz": _line(OPEN),
    "GET /metrics": _line(OPEN),  # of this machine only; a test of the live room looks at that
    "GET /v1/hello": _line(OPEN),
    "GET /api/openapi.json": _line(OPEN),
    "HEAD /api/openapi.json": _line(OPEN),
    "GET /api/docs": _line(OPEN),
    "GET /api/docs.css": _line(OPEN),
    # the page: it holds nothing, all it shows it asks for
    **{
        f"GET {path}": _line(OPEN)
        for path in (
            *("/", "/ward/{ward}", "/ward/{ward}/bed/{bed}", "/sessions", "/session/{session}"),
            *("/people", "/devices", "/audit", "/withdrawals", "/password", "/assets/{version}/{path:path}"),
        )
    },
    # people
    "POST /v1/login": _line(OPEN, body={"name": "nobody", "password": "nothing"}),
    "GET /v1/oidc": _line(OPEN),
    "GET /v1/oidc/start": _line(OPEN),
    "GET /v1/oidc/callback": _line(OPEN),
    "POST /v1/logout": _line(PEOPLE),
    "GET /v1/me": _line(PEOPLE),
    "POST /v1/password": _line(PEOPLE, body={"old": "x", "new": "y"}),
    "GET /v1/users": _line(_MANAGE),
    "POST /v1/users": _line(_MANAGE, body={"name": "new", "display": "New"}, everywhere=True),
    "PATCH /v1/users/{user_id}": _line(_MANAGE, foreign=REFUSED, body={"disabled": True}, everywhere=True),
    "POST /v1/users/{user_id}/password": _line(_MANAGE, foreign=REFUSED, everywhere=True),
    "POST /v1/users/{user_id}/link-code": _line(_MANAGE, foreign=REFUSED, everywhere=True),
    "POST /v1/grants": _line(
        _MANAGE,
        foreign=REFUSED,
        told=lambda house, _: {"name": "auditor-there", "role": "admin", "ward_id": house.ids["ward_id"]},
    ),
    "DELETE /v1/grants/{grant_id}": _line(_MANAGE, foreign=REFUSED),
    "POST /v1/kiosk": _line(
        _MANAGE, foreign=REFUSED, told=lambda house, _: {"ward_id": house.ids["ward_id"], "display": "x"}
    ),
    # places and devices
    "GET /v1/places": _line(PEOPLE),
    "GET /v1/sites": _line(_MANAGE, everywhere=True),
    "GET /v1/studies": _line(_MANAGE, everywhere=True),
    "POST /v1/sites": _line(_MANAGE, body={"name": "x"}, everywhere=True),
    "POST /v1/studies": _line(_MANAGE, body={"name": "x"}, everywhere=True),
    "POST /v1/wards": _line(_MANAGE, body={"site_id": "x", "name": "x"}, everywhere=True),
    "POST /v1/beds": _line(_MANAGE, body={"ward_id": "x", "label": "x", "place": 9}, everywhere=True),
    **{
        f"PATCH /v1/{kind}/{{place_id}}": _line(_MANAGE, foreign=REFUSED, body={name: "x"}, everywhere=True)
        for kind, name in (("sites", "name"), ("studies", "name"), ("wards", "name"), ("beds", "label"))
    },
    "GET /v1/devices": _line(_KEEP),
    "POST /v1/beds/{bed_id}/enrolment": _line(_KEEP, foreign=REFUSED),
    "POST /v1/devices/{device_id}/enrolment": _line(_KEEP, foreign=REFUSED),
    "POST /v1/devices/{device_id}/revoke": _line(_KEEP, foreign=REFUSED),
    "PATCH /v1/devices/{device_id}": _line(_KEEP, foreign=REFUSED, body={"name": "x"}),
    "POST /v1/enrol": _line(OPEN, told=_enrolment),
    # the audit log
    "GET /v1/audit": _line(Action.READ_AUDIT, everywhere=True),
    "GET /v1/audit/verify": _line(Action.READ_AUDIT, everywhere=True),
    # the record path
    "POST /v1/blobs/missing": _line(DEVICES, body={"ids": []}),
    "PUT /v1/blobs/{sha256}": _line(DEVICES, content=b"other content"),
    "HEAD /v1/blobs/{sha256}": _line(DEVICES, Action.READ_SAMPLES, foreign=REFUSED),
    "GET /v1/blobs/{sha256}": _line(DEVICES, Action.READ_SAMPLES, foreign=REFUSED),
    "PUT /v1/sessions/{session_id}": _line(DEVICES, foreign=REFUSED, told=_opening),
    "POST /v1/sessions/{session_id}/manifests": _line(DEVICES, foreign=REFUSED, told=_manifest),
    "GET /v1/sessions/{session_id}/receipt": _line(DEVICES, foreign=REFUSED),
    "GET /v1/sessions": _line(PEOPLE, DEVICES),
    "GET /v1/sessions/{session_id}": _line(DEVICES, Action.SEE_SESSION, foreign=REFUSED),
    "GET /v1/sessions/{session_id}/download": _line(
        Action.READ_SAMPLES,
        foreign=REFUSED,
        but=("annotator",),  # estimates are in it
    ),
    "POST /v1/devices/me/heartbeat": _line(DEVICES, body=_BEAT),
    "POST /v1/devices/me/certificate": _line(DEVICES),
    "POST /v1/sessions/{session_id}/erase": _line(Action.ERASE_SESSION, foreign=REFUSED, body=_REASON),
    "POST /v1/subjects/withdraw": _line(
        Action.ERASE_SESSION,
        foreign=REFUSED,
        told=lambda house, _: {"pseudonym": house.sender.pseudonym, **_REASON},
    ),
    "PUT /v1/sessions/{session_id}/hold": _line(Action.ERASE_SESSION, foreign=REFUSED, body=_REASON),
    "DELETE /v1/sessions/{session_id}/hold": _line(Action.ERASE_SESSION, foreign=REFUSED),
    "GET /v1/erasures": _line(_MANAGE, everywhere=True),
    "GET /v1/custody": _line(_MANAGE, everywhere=True),
    "POST /v1/custody/scrub": _line(_MANAGE, body={"share": 0.01}, everywhere=True),
    # reports, feedback, FHIR
    "GET /v1/reports": _line(Action.READ_REPORT),
    "POST /v1/reports": _line(Action.MAKE_REPORT, foreign=REFUSED, told=_of_the_session),
    "GET /v1/reports/{report_id}": _line(Action.READ_REPORT, foreign=REFUSED),
    "GET /v1/reports/{report_id}.{kind}": _line(Action.READ_REPORT, foreign=REFUSED, found=409),
    "POST /v1/reports/{report_id}/sign": _line(
        Action.SIGN_REPORT,
        foreign=REFUSED,
        body={"facts_sha256": "0" * 64, "assessment": "a", "recommendations": "r"},
    ),
    "POST /v1/reports/{report_id}/amend": _line(Action.SIGN_REPORT, foreign=REFUSED),
    "POST /v1/reports/{report_id}/withdraw": _line(Action.SIGN_REPORT, foreign=REFUSED, body=_REASON),
    "GET /v1/feedback": _line(Action.READ_REPORT, foreign=REFUSED, query="?session_id={session_id}"),
    "POST /v1/feedback": _line(
        Action.SEND_FEEDBACK, foreign=REFUSED, told=lambda h, b: _of_the_session(h, b) | {"text": "t"}
    ),
    "GET /fhir/R4/metadata": _line(OPEN),
    "GET /fhir/R4/DiagnosticReport": _line(Action.READ_REPORT),
    "GET /fhir/R4/DiagnosticReport/{report_id}": _line(Action.READ_REPORT, foreign=REFUSED, found=UNSIGNED),
    "GET /fhir/R4/Observation": _line(Action.READ_REPORT),
    "GET /fhir/R4/Observation/{observation_id}": _line(Action.READ_REPORT, foreign=REFUSED, found=UNSIGNED),
    "GET /fhir/R4/Device": _line(Action.READ_REPORT),
    "GET /fhir/R4/Device/{device_id}": _line(Action.READ_REPORT, foreign=REFUSED),
    # the live path
    "WS /v1/live/ingest": _line(DEVICES),
    "WS /v1/live": _line(Action.SEE_WARD, foreign=REFUSED),
    "GET /v1/wards": _line(Action.SEE_WARD),
    "GET /v1/wards/{ward_id}": _line(Action.SEE_WARD, foreign=REFUSED),
    "GET /v1/wards/{ward_id}/state": _line(Action.SEE_WARD, foreign=REFUSED),
    "POST /v1/beds/{bed_id}/confirm": _line(
        Action.CONFIRM_BED, foreign=REFUSED, body={"session_id": uuid.uuid4().hex}
    ),
    "GET /v1/sessions/{session_id}/trend": _line(
        Action.SEE_WARD, Action.SEE_SESSION, foreign=REFUSED, query=_A_MOMENT
    ),
}
