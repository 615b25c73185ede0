"""Places and bedsides: from a code on a screen to a device that is let in, moved, and locked out."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.identity import codes, throttle
from hemoview.cloud.principals import Role
from recorder.sync import signing, wire
from tests.cloud.cloud_rig import Bedside, Clock, Rig
from tests.cloud.people import account


@pytest.fixture
def ward(rig: Rig) -> str:
    return rig.ward("A")


@pytest.fixture
def keeper(rig: Rig, ward: str) -> TestClient:
    """An operator of the ward."""
    return rig.person("keeper", ("operator", ward))


def code_for(keeper: TestClient, bed_id: str) -> str:
    reply = keeper.post(f"/v1/beds/{bed_id}/enrolment")
    assert reply.status_code == 201, reply.text
    return str(reply.json()["code"])


def enrol(rig: Rig, code: str, key: Ed25519PrivateKey | None = None) -> Any:
    asked = signing.sign_enrolment(key or signing.new_key(), code, "pc-7", "bed-1")
    return rig.http.post("/v1/enrol", json=asked.to_json())


def enrolled(rig: Rig, code: str) -> Bedside:
    key = signing.new_key()
    reply = enrol(rig, code, key)
    assert reply.status_code == 201, reply.text
    return Bedside(reply.json()["device_id"], key, rig.service.server_id, rig.clock)


def missing(rig: Rig, bedside: Bedside) -> int:
    """Status of a request that any device may make."""
    reply = rig.http.post("/v1/blobs/missing", json={"ids": []}, headers=bedside.headers)
    return int(reply.status_code)


def actions(rig: Rig) -> list[tuple[str, str]]:
    async def read(conn: AsyncConnection) -> list[tuple[str, str]]:
        log = tables.audit.c
        return [tuple(row) for row in (await conn.execute(select(log.action, log.outcome).order_by(log.no)))]

    return rig.do(read)


# ---- places


def test_an_administrator_sets_the_place_up(rig: Rig) -> None:
    chief = rig.person("chief", ("admin", None))
    site = chief.post("/v1/sites", json={"name": "North"}).json()
    ward = chief.post("/v1/wards", json={"site_id": site["id"], "name": "Recovery"}).json()
    bed = chief.post("/v1/beds", json={"ward_id": ward["id"], "label": "R-1", "place": 1}).json()
    study = chief.post("/v1/studies", json={"name": "Sit and stand"}).json()
    assert chief.get("/v1/places").json() == {
        "sites": [
            {
                "id": site["id"],
                "name": "North",
                "wards": [
                    {
                        "id": ward["id"],
                        "name": "Recovery",
                        "beds": [{"id": bed["id"], "label": "R-1", "place": 1}],
                    }
                ],
            }
        ],
        "studies": [study],
    }


def test_people_see_their_own_wards_and_who_manages_one_makes_none(
    rig: Rig, ward: str, keeper: TestClient
) -> None:
    rig.ward("B")
    local = rig.person("local", ("admin", ward))
    for person in (keeper, local):
        told = person.get("/v1/places").json()
        assert [w["name"] for s in told["sites"] for w in s["wards"]] == ["A"]
    assert local.post("/v1/sites", json={"name": "x"}).status_code == 403
    assert local.patch(f"/v1/beds/{rig.beds['B-1']}", json={"label": "x"}).status_code == 403


# ---- enrolment


def test_a_bedside_becomes_a_device(rig: Rig, keeper: TestClient) -> None:
    code = code_for(keeper, rig.beds["A-1"])
    assert codes.is_well_typed(code)
    key = signing.new_key()
    asked = signing.sign_enrolment(key, code.lower().replace("-", " "), "pc-7", "bed-1")
    told = wire.Enrolled.from_json(rig.http.post("/v1/enrol", json=asked.to_json()).json())
    hello = signing.verify_hello(rig.http.get("/v1/hello").json())
    assert (told.server_id, told.signing_public_key) == (hello.server_id, hello.signing_public_key)
    assert told.bed == wire.Bed(rig.beds["A-1"], "A-1", "A", "Site")
    bedside = Bedside(told.device_id, key, told.server_id, rig.clock)
    assert missing(rig, bedside) == 200
    (shown,) = keeper.get("/v1/devices").json()["devices"]
    assert (shown["name"], shown["station"], shown["bed"]) == ("pc-7", "bed-1", "A-1")
    assert code not in rig.do(_everything)
    assert codes.plain(code) not in rig.do(_everything)


async def _everything(conn: AsyncConnection) -> str:
    rows = [str((await conn.execute(select(t))).all()) for t in (tables.enrolment, tables.audit)]
    return "".join(rows)


def test_a_code_is_good_once_and_for_a_quarter_of_an_hour(rig: Rig, keeper: TestClient, clock: Clock) -> None:
    code = code_for(keeper, rig.beds["A-1"])
    late = code_for(keeper, rig.beds["A-2"])
    enrolled(rig, code)
    for wrong in (code, codes.new_code()):
        reply = enrol(rig, wrong)
        assert (reply.status_code, reply.json()["type"]) == (403, wire.CODE_UNKNOWN)
    clock.forward(901)
    assert enrol(rig, late).status_code == 403
    assert ("device.enrol", "refused") in actions(rig)


def test_a_mistyped_code_and_a_key_of_somebody_else_are_told_apart(rig: Rig, keeper: TestClient) -> None:
    code = code_for(keeper, rig.beds["A-1"])
    mistyped = ("2" if code[0] != "2" else "3") + code[1:]
    assert "mistyped" in enrol(rig, mistyped).json()["detail"]
    asked = signing.sign_enrolment(signing.new_key(), code, "pc", "bed-1").to_json()
    asked["public_key"] = signing.public_hex(signing.new_key())
    assert rig.http.post("/v1/enrol", json=asked).status_code == 422
    assert enrol(rig, code).status_code == 201  # nothing of that used it up


def test_guessing_codes_is_slowed_down(rig: Rig, keeper: TestClient) -> None:
    replies = [enrol(rig, codes.new_code()).status_code for _ in range(throttle.ADDRESS.free + 1)]
    assert replies[-1] == 429
    assert set(replies[:-1]) == {403}


def test_a_bed_has_one_device(rig: Rig, keeper: TestClient) -> None:
    first, second = code_for(keeper, rig.beds["A-1"]), code_for(keeper, rig.beds["A-1"])
    bedside = enrolled(rig, first)
    assert enrol(rig, second).status_code == 409
    refused = keeper.post(f"/v1/beds/{rig.beds['A-1']}/enrolment")
    assert (refused.status_code, refused.json()["device_id"]) == (409, bedside.id)
    keeper.post(f"/v1/devices/{bedside.id}/revoke")
    assert enrol(rig, second).status_code == 201


def test_a_new_key_for_the_same_device(rig: Rig, keeper: TestClient) -> None:
    before = enrolled(rig, code_for(keeper, rig.beds["A-1"]))
    keeper.post(f"/v1/devices/{before.id}/revoke")
    assert missing(rig, before) == 401
    code = keeper.post(f"/v1/devices/{before.id}/enrolment").json()["code"]
    after = enrolled(rig, code)
    assert after.id == before.id
    assert missing(rig, after) == 200
    assert missing(rig, before) == 401
    other = code_for(keeper, rig.beds["A-2"])
    assert enrol(rig, other, after.key).status_code == 409  # a key is one device's


def test_a_revoked_device_is_out_at_once_even_if_its_token_was_just_believed(
    rig: Rig, keeper: TestClient
) -> None:
    bedside = enrolled(rig, code_for(keeper, rig.beds["A-1"]))
    headers = bedside.headers
    ask = {"json": {"ids": []}, "headers": headers}
    assert rig.http.post("/v1/blobs/missing", **ask).status_code == 200
    assert keeper.post(f"/v1/devices/{bedside.id}/revoke").json()["revoked_us"]
    reply = rig.http.post("/v1/blobs/missing", **ask)
    assert (reply.status_code, reply.json()["type"]) == (401, wire.DEVICE_REVOKED)


def test_a_moved_device_leaves_no_confirmed_binding_behind(rig: Rig, keeper: TestClient) -> None:
    bedside = enrolled(rig, code_for(keeper, rig.beds["A-1"]))
    for bed in ("A-1", "A-2"):
        rig.put(
            tables.bed_binding,
            bed_id=rig.beds[bed],
            session_id="s",
            device_id=bedside.id,
            bound_us=0,
            confirmed_us=1,
        )
    moved = keeper.patch(f"/v1/devices/{bedside.id}", json={"bed_id": rig.beds["A-2"], "name": "pc seven"})
    assert (moved.json()["bed"], moved.json()["name"]) == ("A-2", "pc seven")

    async def bindings(conn: AsyncConnection) -> int:
        return len((await conn.execute(select(tables.bed_binding))).all())

    assert rig.do(bindings) == 0
    assert ("device.move", "ok") in actions(rig)
    enrolled(rig, code_for(keeper, rig.beds["A-1"]))
    assert keeper.patch(f"/v1/devices/{bedside.id}", json={"bed_id": rig.beds["A-1"]}).status_code == 409


def test_devices_of_another_ward_are_not_there(rig: Rig, keeper: TestClient) -> None:
    rig.ward("B")
    stranger = rig.bedside("B-1")
    mine = enrolled(rig, code_for(keeper, rig.beds["A-1"]))
    assert [d["id"] for d in keeper.get("/v1/devices").json()["devices"]] == [mine.id]
    for reply in (
        keeper.post(f"/v1/devices/{stranger.id}/revoke"),
        keeper.post(f"/v1/devices/{stranger.id}/enrolment"),
        keeper.patch(f"/v1/devices/{stranger.id}", json={"name": "x"}),
        keeper.patch(f"/v1/devices/{mine.id}", json={"bed_id": rig.beds["B-1"]}),
        keeper.post(f"/v1/beds/{rig.beds['B-1']}/enrolment"),
    ):
        assert reply.status_code == 404


EVIL = (
    "<img src=x onerror=alert(1)>",
    "'); DROP TABLE bed; --",
    '=HYPERLINK("http://evil.example")',
    "日本 🫀",
)


@pytest.mark.parametrize("told", EVIL)
def test_what_looks_like_code_in_a_name_or_message_is_kept_and_told_as_text(
    rig: Rig, ward: str, keeper: TestClient, told: str
) -> None:
    chief = rig.person("chief", ("admin", None), ("clinician", None), ("auditor", None))
    site = chief.post("/v1/sites", json={"name": told}).json()
    made = chief.post("/v1/wards", json={"site_id": site["id"], "name": told}).json()
    bed = chief.post("/v1/beds", json={"ward_id": made["id"], "label": told, "place": 1}).json()
    code = code_for(chief, bed["id"])
    asked = signing.sign_enrolment(signing.new_key(), code, told, "bed-1")
    assert rig.http.post("/v1/enrol", json=asked.to_json()).json()["bed"]["label"] == told
    for address in ("/v1/places", "/v1/wards", "/v1/devices", "/v1/audit"):
        reply = chief.get(address)
        assert reply.headers["content-type"] == "application/json", address
        assert told in str(reply.json()) or repr(told)[1:-1] in str(reply.json()), address
    assert told not in chief.get("/").text
    refused = chief.get("/v1/audit", params={"limit": told})
    assert (refused.status_code, told in refused.text) == (422, False)


# ---- codes that must not work any more


def test_a_revoked_device_is_not_let_in_by_a_code_from_before(
    rig: Rig, keeper: TestClient, ward: str
) -> None:
    device = enrolled(rig, code_for(keeper, rig.beds["A-1"]))
    code = keeper.post(f"/v1/devices/{device.id}/enrolment").json()["code"]
    assert keeper.post(f"/v1/devices/{device.id}/revoke").status_code == 200
    assert enrol(rig, code).status_code == 403
    again = keeper.post(f"/v1/devices/{device.id}/enrolment").json()["code"]
    assert enrol(rig, again).status_code == 201  # one that was made after it


def test_of_two_codes_for_one_place_the_second_ends_with_the_first(
    rig: Rig, keeper: TestClient, ward: str
) -> None:
    device = enrolled(rig, code_for(keeper, rig.beds["A-1"]))
    one, two = (keeper.post(f"/v1/devices/{device.id}/enrolment").json()["code"] for _ in range(2))
    assert enrol(rig, one).status_code == 201
    assert enrol(rig, two).status_code == 403


def test_a_code_of_somebody_who_was_switched_off_is_none(rig: Rig, ward: str) -> None:
    gone, chief = rig.person("gone", ("operator", ward)), rig.person("chief", ("admin", None))
    account(rig, "boss", Role.ADMIN)  # somebody must be able to sign in and manage
    code = code_for(gone, rig.beds["A-1"])
    user_id = gone.get("/v1/me").json()["id"]
    assert chief.patch(f"/v1/users/{user_id}", json={"disabled": True}).status_code == 200
    assert enrol(rig, code).status_code == 403
