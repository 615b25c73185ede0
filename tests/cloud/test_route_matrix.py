"""Every route with no token, an expired one, from another ward, by each role: 401, 403 or 404, never content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.testclient import WebSocketDenialResponse

from hemoview.cloud import tables
from hemoview.cloud.app import build
from hemoview.cloud.asking import COOKIE, CSRF_HEADER
from hemoview.cloud.principals import ALLOWED, Action, Role
from hemoview.cloud.settings import Settings
from tests.cloud.cloud_rig import Bedside, Clock, running
from tests.cloud.live_rig import ORIGIN
from tests.cloud.report_rig import handed_over, made, signed
from tests.cloud.route_matrix import DEVICES, LINES, MARK, OPEN, PEOPLE, REFUSED, ROLES, House, Line

PROBLEM = "application/problem+json"


def routes() -> list[str]:
    """``METHOD /path`` of all there are, as often as they are."""
    app = build(Settings(folder=Path("never")))
    return [
        f"{method} {context.path}"
        for context in iter_route_contexts(app.routes)
        for method in sorted(getattr(context, "methods", None) or ("WS",))
    ]


def test_every_route_is_in_the_matrix_once() -> None:
    found = routes()
    assert sorted(found) == sorted(LINES), "give each route a line in tests/cloud/route_matrix.py"


HTTP = [name for name in LINES if not name.startswith("WS ")]
GUARDED = [name for name in HTTP if OPEN not in LINES[name].doors]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(Settings(folder=tmp_path_factory.mktemp("service")), Clock()) as rig:
        yield House(rig)


def ask(house: House, name: str, client: TestClient, bedside: Bedside | None = None, **headers: str) -> Any:
    """The reply to a route, asked about the things of the marked ward."""
    line, (method, path) = LINES[name], name.split(" ")
    body: dict[str, Any] = {}
    if line.content is not None:
        body["content"] = line.content
    elif line.told is not None:
        body["json"] = line.told(house, bedside or house.stranger)
    elif line.body is not None:
        body["json"] = line.body
    return client.request(method, house.address(path + line.query), headers=headers, **body)


def refused(reply: Any, *statuses: int) -> None:
    assert reply.status_code in statuses, reply.text[:300]
    assert MARK not in reply.text
    if reply.request.method != "HEAD":
        assert reply.headers["content-type"] == PROBLEM


def passes(line: Line, role: str) -> bool:
    """Whether a role is among those a route lets in."""
    allowed = any(Role(role) in ALLOWED[door] for door in line.doors if isinstance(door, Action))
    return (PEOPLE in line.doors or allowed) and role not in line.but


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def done(house: House) -> int:
    """How much was done, by the audit log."""

    async def count(conn: AsyncConnection) -> int:
        log = tables.audit.c
        looks = log.action.endswith(".look")  # somebody saw what is theirs
        return len((await conn.execute(select(log.no).where(log.outcome == "ok", ~looks))).all())

    return house.rig.do(count)


@pytest.mark.parametrize("name", GUARDED)
def test_nobody_and_what_has_run_out_is_told_to_sign_in(house: House, name: str) -> None:
    before = done(house)
    stranger = TestClient(house.rig.app)
    stranger.portal = house.rig.http.portal
    refused(ask(house, name, stranger), 401)
    refused(ask(house, name, stranger, **bearer(house.bedside.token(seconds=-600))), 401)
    refused(ask(house, name, stranger, **bearer(house.bedside.token(audience="another"))), 401)
    stranger.cookies.set(COOKIE, "of-nobody")
    refused(ask(house, name, stranger), 401)
    assert done(house) == before


@pytest.mark.parametrize("name", GUARDED)
def test_a_bedside_of_another_ward_gets_nothing(house: House, name: str) -> None:
    line = LINES[name]
    reply = ask(house, name, house.rig.http, house.stranger, **house.stranger.headers)
    if DEVICES in line.doors and line.foreign != REFUSED:
        assert reply.status_code < 500
        assert MARK not in reply.text
    else:
        refused(reply, 403, 404)


@pytest.mark.parametrize("name", GUARDED)
def test_people_of_another_ward_get_nothing(house: House, name: str) -> None:
    line, before = LINES[name], done(house)
    people = house.leaving if "logout" in name else house.there
    for role in ROLES:
        reply = ask(house, name, people[role])
        if passes(line, role) and line.foreign != REFUSED and not line.everywhere:
            assert reply.status_code < 500
            assert MARK not in reply.text
        else:
            refused(reply, 403, 404)
    assert done(house) == before or "logout" in name


@pytest.mark.parametrize("name", GUARDED)
def test_a_role_that_may_not_is_refused_in_its_own_ward(house: House, name: str) -> None:
    line, before = LINES[name], done(house)
    for role in ROLES:
        if not passes(line, role) or line.everywhere:
            refused(ask(house, name, house.here[role]), 403, 404)
    assert done(house) == before


@pytest.mark.parametrize("name", [n for n in GUARDED if not n.startswith(("GET", "HEAD"))])
def test_without_the_token_of_the_log_in_nothing_is_changed(house: House, name: str) -> None:
    before = done(house)
    refused(ask(house, name, house.everywhere["admin"], **{CSRF_HEADER: "another"}), 403)
    assert done(house) == before


@pytest.mark.parametrize("name", [n for n in GUARDED if n.startswith("GET")])
def test_who_may_is_let_in(house: House, name: str) -> None:
    line = LINES[name]
    for role in ROLES:
        if passes(line, role):
            who = house.everywhere[role] if line.everywhere else house.here[role]
            assert ask(house, name, who).status_code == line.found, role
    if DEVICES in line.doors:
        assert ask(house, name, house.rig.http, **house.bedside.headers).status_code == 200


@pytest.mark.slow
def test_a_signed_report_stays_in_its_ward(tmp_path: Path) -> None:
    with running(Settings(folder=tmp_path / "service"), Clock()) as rig:
        house = House(rig)
        sender = handed_over(rig, tmp_path / "told1", bed=f"{MARK}-2")
        draft = made(rig, house.here["clinician"], sender.session_id)
        assert signed(house.here["clinician"], draft).status_code == 200
        report_id = house.ids["report_id"] = draft["report_id"]
        house.ids["observation_id"] = f"{report_id}.sbp.est"
        house.ids["session_id"] = sender.session_id
        for name in (n for n in HTTP if "report" in n.lower() or "/fhir/" in n or "feedback" in n):
            line = LINES[name]
            for role in ROLES:
                if OPEN not in line.doors and line.foreign == REFUSED:
                    refused(ask(house, name, house.there[role]), 403, 404)
                if OPEN not in line.doors and not passes(line, role):
                    refused(ask(house, name, house.here[role]), 403, 404)
                if passes(line, role) and name.startswith("GET"):
                    assert ask(house, name, house.here[role]).status_code == 200, name
                    elsewhere = ask(house, name, house.there[role])
                    assert report_id not in elsewhere.text or elsewhere.status_code >= 400


# ---- WebSockets


def closed(house: House, path: str, client: TestClient, **headers: str) -> int:
    """The status with which a connection is refused, before it is one."""
    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        client.websocket_connect(path, headers=ORIGIN | headers),
    ):
        pass
    assert MARK not in denied.value.text
    return int(denied.value.status_code)


def test_the_wards_connection_is_for_who_may_watch_it(house: House) -> None:
    path = f"/v1/live?ward={house.ids['ward_id']}"
    nobody = house.rig.http
    assert closed(house, path, nobody) == 401
    assert closed(house, path, nobody, **bearer(house.bedside.token(seconds=-600))) == 401
    assert closed(house, path, nobody, **house.bedside.headers) == 403
    for role in ROLES:
        assert closed(house, path, house.there[role]) in {401, 403, 404}
        if Role(role) not in ALLOWED[Action.SEE_WARD]:
            assert closed(house, path, house.here[role]) == 403
    watcher = house.here["kiosk"]
    assert closed(house, path, watcher, Origin="https://evil.example") == 403
    with watcher.websocket_connect(path, headers=ORIGIN) as socket:
        assert MARK in socket.receive_text()


def test_the_bedsides_connection_is_for_bedsides(house: House) -> None:
    path = "/v1/live/ingest"
    assert closed(house, path, house.rig.http) == 401
    assert closed(house, path, house.rig.http, **bearer(house.bedside.token(audience="another"))) == 401
    assert closed(house, path, house.here["operator"]) == 403
