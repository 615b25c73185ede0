"""What the audit log holds: every refusal with its object, every look at somebody's data, nobody hidden by a crowd."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.testclient import WebSocketDenialResponse

from hemoview.cloud import audit, tables
from hemoview.cloud.identity import throttle
from tests.cloud.cloud_rig import Rig
from tests.cloud.handover import SMALL, Sender
from tests.cloud.live_rig import ORIGIN
from tests.cloud.people import account, browser, sign_in
from tests.cloud.trends_rig import START_US, put_session

SESSION = "1a2b3c4d5e6f708192a3b4c5d6e7f809"


def lines(rig: Rig, outcome: str = "refused", actor: str = "") -> list[tuple[str, str, dict[str, Any]]]:
    """(action, object, detail) in their order."""

    async def read(conn: AsyncConnection) -> list[Any]:
        log = tables.audit
        found = (await conn.execute(select(log).where(log.c.outcome == outcome).order_by(log.c.no))).all()
        return [e for e in found if actor in e.actor]

    return [(e.action, e.object, json.loads(e.detail)) for e in rig.do(read)]


@pytest.fixture
def house(rig: Rig) -> Sender:
    rig.ward("A")
    rig.ward("B")
    sender = Sender(rig.http, rig.bedside("A-1"), dict(SMALL), session_id=SESSION)
    sender.hand_over()
    return sender


# ---- refusals


def test_what_a_role_may_not_is_written_down_with_what_it_was_tried_on(rig: Rig, house: Sender) -> None:
    auditor = rig.person("eve", ("auditor", rig.wards["A"]))
    assert auditor.get(f"/v1/reports/{'0' * 8}-0000-0000-0000-{'0' * 12}").status_code == 403
    assert auditor.get(f"/v1/sessions/{SESSION}/download").status_code == 403
    assert auditor.post(f"/v1/beds/{rig.beds['A-1']}/confirm", json={"session_id": "x"}).status_code == 403
    found = lines(rig, actor="eve")
    assert [thing for _, thing, _ in found] == [
        f"{'0' * 8}-0000-0000-0000-{'0' * 12}",
        SESSION,
        rig.beds["A-1"],
    ]
    assert found[1][2]["asked"] == "GET /v1/sessions/{session_id}/download"


def test_who_looks_for_things_of_another_ward_is_written_down(rig: Rig, house: Sender) -> None:
    nurse = rig.person("nosy", ("researcher", rig.wards["B"]))
    assert nurse.get(f"/v1/sessions/{SESSION}").status_code == 404
    assert nurse.get(f"/v1/wards/{rig.wards['A']}/state").status_code == 404
    assert nurse.get(f"/v1/feedback?session_id={SESSION}").status_code == 404
    assert nurse.post("/v1/reports", json={"session_id": SESSION}).status_code == 404
    found = [(action, thing) for action, thing, _ in lines(rig, actor="nosy")]
    assert found == [
        ("request", SESSION),
        ("request", rig.wards["A"]),
        ("request", SESSION),
        ("report.make", SESSION),
    ]


def test_what_is_typed_into_an_address_is_not_kept(rig: Rig, house: Sender) -> None:
    nurse = rig.person("n", ("operator", rig.wards["A"]))
    assert nurse.get("/v1/wards/Mr%20Smith%0a1961/state").status_code == 404
    assert lines(rig, actor="n")[0][1] == ""


def test_a_connection_that_was_refused_is_written_down(rig: Rig, house: Sender) -> None:
    nosy, rater = rig.person("nosy", ("operator", rig.wards["B"])), rig.person("rater", ("annotator", None))
    for who in (nosy, rater):
        with (
            pytest.raises(WebSocketDenialResponse),
            who.websocket_connect(f"/v1/live?ward={rig.wards['A']}", headers=ORIGIN),
        ):
            pass
    assert [(a, thing, told["status"]) for a, thing, told in lines(rig)] == [
        ("request", rig.wards["A"], 404),
        ("request", rig.wards["A"], 403),
    ]


def test_a_bedside_that_tries_what_is_for_people_is_written_down(rig: Rig, house: Sender) -> None:
    reply = rig.http.get(f"/v1/reports?session_id={SESSION}", headers=house.bedside.headers)
    assert reply.status_code == 403
    assert [(a, thing) for a, thing, _ in lines(rig, actor=house.bedside.id)] == [("request", SESSION)]


def test_a_revoked_devices_token_is_written_down(rig: Rig, house: Sender) -> None:
    keeper = rig.person("k", ("operator", rig.wards["A"]))
    assert keeper.post(f"/v1/devices/{house.bedside.id}/revoke").status_code == 200
    assert (
        rig.http.post("/v1/blobs/missing", json={"ids": []}, headers=house.bedside.headers).status_code == 401
    )
    assert [(a, thing) for a, thing, _ in lines(rig)] == [("request", house.bedside.id)]


@pytest.mark.usefixtures("light_passwords")
def test_a_try_that_came_too_early_is_written_down(rig: Rig) -> None:
    user_id = account(rig, "nurse")
    client = browser(rig, "10.0.0.9")
    for _ in range(throttle.ACCOUNT.free):
        assert sign_in(client, "nurse", "wrong words here").status_code == 401
    assert sign_in(client, "nurse", "wrong words here").status_code == 429
    action, thing, told = lines(rig)[-1]
    assert (action, thing, told["why"]) == ("login", user_id, "too-often")


# ---- the crowd


def test_what_was_left_out_is_told_of_whom_it_was() -> None:
    sieve = throttle.Sieve(burst=2, per_s=0.1, all_burst=1000, all_per_s=10)
    assert [sieve.take("a", 0) for _ in range(5)] == [0, 0, None, None, None]
    assert [sieve.take("b", 0) for _ in range(3)] == [0, 0, None]
    assert sieve.take("b", 10_000_000) == 1
    assert sieve.take("a", 10_000_000) == 3


def test_a_scanner_does_not_hide_what_a_known_person_was_refused(rig: Rig, house: Sender) -> None:
    sieve = rig.service.doors.sieve
    for n in range(1000):
        sieve.take(f"10.0.{n // 250}.{n % 250} nobody", rig.clock())
    nosy = rig.person("nosy", ("researcher", rig.wards["B"]))
    assert nosy.get(f"/v1/sessions/{SESSION}").status_code == 404
    assert [thing for _, thing, _ in lines(rig, actor="nosy")] == [SESSION]


# ---- looks


def test_a_look_at_somebodys_data_is_written_down_once(rig: Rig, house: Sender) -> None:
    nurse = rig.person("nurse", ("clinician", rig.wards["A"]))
    put_session(rig, rig.wards["A"], session_id=SESSION)
    span = {"parameter": "SBP", "from_us": START_US, "to_us": START_US + 10_000_000}
    for _ in range(3):
        assert nurse.get(f"/v1/sessions/{SESSION}").status_code == 200
        assert nurse.get(f"/v1/sessions/{SESSION}/trend", params=span).status_code == 200
        assert nurse.get(f"/v1/wards/{rig.wards['A']}/state").status_code == 200
        assert nurse.get(f"/v1/feedback?session_id={SESSION}").status_code == 200
        assert nurse.get("/v1/sessions").status_code == 200
    with nurse.websocket_connect(f"/v1/live?ward={rig.wards['A']}", headers=ORIGIN) as socket:
        socket.receive_text()
    seen = [(action, thing) for action, thing, _ in lines(rig, "ok", actor="nurse")]
    assert seen == [
        ("session.look", SESSION),
        ("trend.look", SESSION),
        ("ward.look", rig.wards["A"]),
        ("feedback.look", SESSION),
        ("sessions.look", ""),
    ]


def test_a_look_is_news_again_after_an_hour() -> None:
    looks, hour_us = throttle.Looks(), 3_600_000_000
    assert looks.is_new("u", "session.look", "s", 0)
    looks.written("u", "session.look", "s", 0)
    assert not looks.is_new("u", "session.look", "s", hour_us - 1)
    assert looks.is_new("u", "session.look", "s", hour_us) and looks.is_new("u", "session.look", "t", 1)
    assert looks.is_new("u", "session.look", "s", -1)  # a clock that was set back hides nothing


def test_a_look_goes_on_when_the_log_cannot_be_written(
    rig: Rig, house: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    nurse = rig.person("nurse", ("clinician", rig.wards["A"]))
    with monkeypatch.context() as patched:
        patched.setattr(audit, "append", full)
        assert nurse.get(f"/v1/wards/{rig.wards['A']}/state").status_code == 200
    assert nurse.get(f"/v1/wards/{rig.wards['A']}/state").status_code == 200
    assert [a for a, _, _ in lines(rig, "ok", actor="nurse")] == [
        "ward.look"
    ]  # what was not written is not forgotten
