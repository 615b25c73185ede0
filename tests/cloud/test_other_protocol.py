"""A bedside of another version is told so, is shown so, and nothing of it is taken."""

from __future__ import annotations

import pytest
from starlette.testclient import WebSocketDenialResponse

from hemoview.cloud import tables
from hemoview.cloud.principals import Role
from recorder.sync import protocol, signing, wire
from tests.cloud.cloud_rig import Rig
from tests.cloud.custody_rig import audited
from tests.cloud.handover import SMALL, Sender
from tests.cloud.people import account, browser, sign_in

OTHER = str(protocol.OURS + 1)


def shown(rig: Rig) -> tuple[object, object]:
    boss = browser(rig)
    sign_in(boss, "boss")
    (device,) = boss.get("/v1/devices").json()["devices"]
    return device["protocol"], device["speaks_otherwise"]


def test_nothing_of_it_is_taken_and_both_sides_know(rig: Rig) -> None:
    rig.ward("A")
    account(rig, "boss", Role.ADMIN)
    sender = Sender(rig.http, rig.bedside("A-1"), dict(SMALL))
    assert shown(rig) == (None, False)
    rig.http.headers[protocol.HEADER] = OTHER
    for _ in range(3):
        reply = sender.open()
        assert (reply.status_code, reply.json()["type"]) == (409, protocol.OTHER)
        assert f"version {OTHER}" in reply.json()["detail"]
    assert rig.rows(tables.session) == []
    assert len(audited(rig, "device.protocol")) == 1  # and not at every try
    del rig.http.headers[protocol.HEADER]
    assert shown(rig) == (protocol.OURS + 1, True)
    rig.http.headers[protocol.HEADER] = str(protocol.OURS)  # it was brought to our version
    beat = wire.Heartbeat(rig.clock(), 1, "recorder 2", None)
    reply = rig.http.post("/v1/devices/me/heartbeat", json=beat.to_json(), headers=sender.bedside.headers)
    assert reply.status_code == 200, reply.text
    assert shown(rig) == (protocol.OURS, False)
    sender.hand_over()


@pytest.mark.parametrize("told", ["", "x", "1.0", "-1", "9" * 50])
def test_what_is_no_version_is_none_of_ours(rig: Rig, told: str) -> None:
    rig.ward("A")
    sender = Sender(rig.http, rig.bedside("A-1"), dict(SMALL))
    rig.http.headers[protocol.HEADER] = told
    assert sender.open().status_code == 409


def test_its_live_path_and_its_enrolment_are_refused_too(rig: Rig) -> None:
    rig.ward("A")
    headers = rig.bedside("A-1").headers | {protocol.HEADER: OTHER}
    with (
        pytest.raises(WebSocketDenialResponse) as ended,
        rig.http.websocket_connect("/v1/live/ingest", headers=headers),
    ):
        pass
    assert ended.value.status_code == 409
    asked = signing.sign_enrolment(signing.new_key(), "2222", "pc", "bed-1").to_json()
    reply = rig.http.post("/v1/enrol", json=asked, headers={protocol.HEADER: OTHER})
    assert (reply.status_code, reply.json()["type"]) == (409, protocol.OTHER)


def test_the_hello_says_which_and_one_of_before_is_the_first(rig: Rig) -> None:
    hello = rig.http.get("/v1/hello").json()
    assert signing.verify_hello(hello).protocol == protocol.OURS
    del hello["protocol"], hello["signature"]
    key = signing.new_key()
    hello["signing_public_key"] = signing.public_hex(key)
    assert signing.verify_hello(signing.sign_hello(key, hello)).protocol == 1
