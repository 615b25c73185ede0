"""Accounts and roles: who may make, change and give them, and that somebody always can."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit, tables
from hemoview.cloud.principals import Role
from tests.cloud.cloud_rig import Clock, Rig
from tests.cloud.people import account, browser, sign_in

pytestmark = pytest.mark.usefixtures("light_passwords")


@pytest.fixture
def chief(rig: Rig) -> TestClient:
    """An administrator of the whole service."""
    account(rig, "chief", Role.ADMIN)
    client = browser(rig)
    sign_in(client, "chief")
    return client


def made(chief: TestClient, name: str) -> dict[str, Any]:
    reply = chief.post("/v1/users", json={"name": name, "display": name.title()})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def grant(client: TestClient, name: str, role: str, **where: str) -> Any:
    return client.post("/v1/grants", json={"name": name, "role": role, **where})


def test_a_new_person_signs_in_with_the_one_time_password(rig: Rig, chief: TestClient) -> None:
    one_time = made(chief, "Nurse.One")["one_time_password"]
    nurse = browser(rig)
    assert sign_in(nurse, "nurse.one", one_time).json()["must_change"]
    assert (
        nurse.post("/v1/password", json={"old": one_time, "new": "some other quiet words"}).status_code == 200
    )
    assert one_time not in chief.get("/v1/users").text
    assert chief.post("/v1/users", json={"name": "NURSE.ONE", "display": "x"}).status_code == 409


def test_roles_come_and_go_with_the_next_request(rig: Rig, chief: TestClient) -> None:
    account(rig, "nurse")
    nurse = browser(rig)
    sign_in(nurse, "nurse")
    assert nurse.get("/v1/users").status_code == 403
    grant_id = grant(chief, "nurse", "admin").json()["id"]
    assert nurse.get("/v1/users").status_code == 200
    assert chief.delete(f"/v1/grants/{grant_id}").status_code == 204
    assert nurse.get("/v1/users").status_code == 403
    assert chief.delete(f"/v1/grants/{grant_id}").status_code == 404


def test_switching_an_account_off_ends_its_log_ins(rig: Rig, chief: TestClient) -> None:
    user_id = account(rig, "nurse")
    nurse = browser(rig)
    sign_in(nurse, "nurse")
    assert chief.patch(f"/v1/users/{user_id}", json={"disabled": True}).json()["disabled"]
    assert nurse.get("/v1/me").status_code == 401
    reply = sign_in(nurse, "nurse")
    assert (reply.status_code, "switched off" in reply.json()["detail"]) == (401, True)
    chief.patch(f"/v1/users/{user_id}", json={"disabled": False, "display": "Nurse N."})
    assert sign_in(nurse, "nurse").json()["display"] == "Nurse N."


def test_a_reset_password_is_another_one_time_one(rig: Rig, chief: TestClient, clock: Clock) -> None:
    user_id = account(rig, "nurse")
    nurse = browser(rig)
    sign_in(nurse, "nurse")
    one_time = chief.post(f"/v1/users/{user_id}/password").json()["one_time_password"]
    assert nurse.get("/v1/me").status_code == 401
    clock.forward(3601)
    assert sign_in(nurse, "nurse", one_time).status_code == 401
    assert sign_in(chief, "chief").status_code == 200
    one_time = chief.post(f"/v1/users/{user_id}/password").json()["one_time_password"]
    assert sign_in(nurse, "nurse", one_time).json()["must_change"]


def test_the_last_administrator_stays(rig: Rig, chief: TestClient) -> None:
    me = chief.get("/v1/me").json()
    own = me["grants"][0]["id"]
    assert chief.patch(f"/v1/users/{me['id']}", json={"disabled": True}).status_code == 409
    assert chief.delete(f"/v1/grants/{own}").status_code == 409
    assert chief.get("/v1/me").status_code == 200  # and nothing of it happened
    ward_id = rig.ward("A")
    account(rig, "local", Role.ADMIN, ward_id=ward_id)  # of one ward: not enough
    account(rig, "idle", Role.ADMIN, one_time=True)
    assert chief.delete(f"/v1/grants/{own}").status_code == 204


def test_a_wards_administrator_stays_in_the_ward(rig: Rig, chief: TestClient) -> None:
    a, b = rig.ward("A"), rig.ward("B")
    account(rig, "local", Role.ADMIN, ward_id=a)
    account(rig, "nurse")
    elsewhere = account(rig, "other", Role.CLINICIAN, ward_id=b)
    local = browser(rig)
    sign_in(local, "local")
    assert {u["name"] for u in local.get("/v1/users").json()["users"]} == {"local"}
    assert grant(local, "nurse", "operator", ward_id=a).status_code == 201
    assert grant(chief, "nurse", "operator", ward_id=b).status_code == 201
    seen = {u["name"]: u["grants"] for u in local.get("/v1/users").json()["users"]}
    assert [g["ward_id"] for g in seen["nurse"]] == [a]
    assert grant(local, "nurse", "operator", ward_id=b).status_code == 404
    assert grant(local, "nurse", "admin").status_code == 403
    theirs = next(u for u in chief.get("/v1/users").json()["users"] if u["name"] == "other")["grants"][0][
        "id"
    ]
    assert local.delete(f"/v1/grants/{theirs}").status_code == 404
    for reply in (
        local.post("/v1/users", json={"name": "new", "display": "New"}),
        local.patch(f"/v1/users/{elsewhere}", json={"disabled": True}),
        local.post(f"/v1/users/{elsewhere}/password"),
        local.post("/v1/kiosk", json={"ward_id": b, "display": "Screen"}),
    ):
        assert reply.status_code in {403, 404}


def test_a_wards_screen_looks_and_does_nothing_else(rig: Rig, chief: TestClient, clock: Clock) -> None:
    ward_id = rig.ward("A")
    made = chief.post("/v1/kiosk", json={"ward_id": ward_id, "display": "Corridor"})
    assert made.status_code == 201
    screen = chief  # the same browser, and no administrator any more
    clock.forward(30 * 86_400)
    me = screen.get("/v1/me").json()
    assert (me["kiosk"], me["actions"]) == (True, ["see-ward"])
    assert screen.get("/v1/users").status_code == 403
    screen.headers["X-HemoView-CSRF"] = me["csrf"]
    assert screen.post("/v1/password", json={"old": "x", "new": "y"}).status_code == 409
    assert screen.post("/v1/logout").status_code == 403  # not by whoever passes it
    account(rig, "second", Role.ADMIN)
    second = browser(rig)
    sign_in(second, "second")
    assert second.patch(f"/v1/users/{me['id']}", json={"disabled": True}).status_code == 200
    assert screen.get("/v1/me").status_code == 401
    assert grant(second, "second", "kiosk").status_code == 422


@pytest.mark.parametrize(
    "told", ["'; DROP TABLE user_account; --", "<script>alert(1)</script>", '=HYPERLINK("x")']
)
def test_what_looks_like_code_is_text(rig: Rig, chief: TestClient, told: str) -> None:
    reply = chief.post("/v1/users", json={"name": "nurse", "display": told})
    assert reply.json()["display"] == told
    assert reply.headers["content-type"] == "application/json"
    assert [u["display"] for u in chief.get("/v1/users").json()["users"]][1] == told


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a b", "display": "x"},
        {"name": "n", "display": "x"},
        {"name": "nurse", "display": ""},
        {"name": "nurse", "display": "a\x00b"},
        {"name": "nurse", "display": "a\u202eb"},
        {"name": "nurse", "display": "x", "role": "admin"},
        {"name": "nurse", "display": "x" * 121},
        ["nurse"],
    ],
)
def test_names_that_are_none_are_refused(chief: TestClient, body: Any) -> None:
    assert chief.post("/v1/users", json=body).status_code == 422
    half = b'{"name":"nurse","display":"\\ud800"}'
    assert (
        chief.post("/v1/users", content=half, headers={"content-type": "application/json"}).status_code == 422
    )


def test_every_change_and_refusal_is_in_the_log(rig: Rig, chief: TestClient) -> None:
    user_id = made(chief, "nurse")["id"]
    grant_id = grant(chief, "nurse", "operator").json()["id"]
    chief.delete(f"/v1/grants/{grant_id}")
    chief.patch(f"/v1/users/{user_id}", json={"display": "N", "name": "nurse2"})
    chief.post(f"/v1/users/{user_id}/password")
    account(rig, "other")
    other = browser(rig)
    sign_in(other, "other")
    other.get("/v1/users")

    async def read(conn: AsyncConnection) -> list[tuple[str, str, str]]:
        log = tables.audit.c
        rows = (await conn.execute(select(log.actor, log.action, log.outcome).order_by(log.no))).all()
        assert (await audit.verify(conn)).broken_at is None
        return [(r.actor, r.action, r.outcome) for r in rows]

    async def renamed(conn: AsyncConnection) -> str:
        log = tables.audit.c
        return str((await conn.execute(select(log.detail).where(log.action == "user.change"))).scalar_one())

    assert '"before":"nurse"' in rig.do(renamed)
    assert rig.do(read) == [
        ("user:chief", "login", "ok"),
        ("user:chief", "user.make", "ok"),
        ("user:chief", "grant.give", "ok"),
        ("user:chief", "grant.take", "ok"),
        ("user:chief", "user.change", "ok"),
        ("user:chief", "user.one-time-password", "ok"),
        ("user:other", "login", "ok"),
        ("user:other", "request", "refused"),
    ]
