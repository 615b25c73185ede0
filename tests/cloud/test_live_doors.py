"""Who may speak to the live room and who may listen, and what is shown out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from hemoview.cloud import tables
from hemoview.cloud.live.room import Live
from recorder.sync.uplink import wire as uplink_wire
from tests.cloud.cloud_rig import Clock, Rig
from tests.cloud.live_rig import ORIGIN, flush, hear, ingest, message, numeric, say, watching

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def ward(rig: Rig) -> str:
    return rig.ward("A", beds=3)


# ---- what is no message


NO_MESSAGES = [
    ("", "malformed"),
    ("{", "malformed"),
    ("[1]", "malformed"),
    ('{"v":2}', "malformed"),
    (json.dumps(message() | {"seq": -1}), "malformed"),
    (json.dumps(message() | {"session_id": "../etc"}), "malformed"),
    (json.dumps(message() | {"numerics": {"SBP": numeric(est=1e300)}}), "malformed"),
    (json.dumps(message() | {"numerics": {"<script>": numeric()}}), "malformed"),
    (json.dumps(message()).replace("100.0", "NaN", 1), "malformed"),
    (json.dumps(message() | {"head": None}), "malformed"),
    (json.dumps(message() | {"footer": "x" * uplink_wire.LIMIT_BYTES}), "oversized"),
]


def test_what_is_no_message_ends_the_connection_and_leaves_nothing(rig: Rig) -> None:
    rig.ward("A", beds=len(NO_MESSAGES))
    for place, (text, _) in enumerate(NO_MESSAGES, start=1):
        with ingest(rig, rig.bedside(f"A-{place}")) as bedside:
            bedside.send_text(text)
            with pytest.raises(WebSocketDisconnect) as ended:
                bedside.receive_text()
            assert ended.value.code == uplink_wire.REFUSED_CODE, text[:80]
    flush(rig)
    assert rig.rows(tables.bed_state) == rig.rows(tables.estimate) == []
    entries = [e for e in rig.rows(tables.audit) if e.action == "live.message"]
    assert [json.loads(e.detail)["kind"] for e in entries] == [why for _, why in NO_MESSAGES]
    assert {e.outcome for e in entries} == {"refused"}
    registry = rig.service.part(Live).counts._registry
    assert registry.get_sample_value("hemoview_live_refused_total", {"why": "malformed"}) == 10
    assert registry.get_sample_value("hemoview_live_refused_total", {"why": "oversized"}) == 1


def test_a_flood_is_shown_out(rig: Rig, ward: str) -> None:
    with ingest(rig, rig.bedside("A-1")) as bedside:
        for seq in range(1, 40):
            say(bedside, seq=seq, waves={})
        with pytest.raises(WebSocketDisconnect) as ended:
            bedside.receive_text()
        assert ended.value.code == uplink_wire.TOO_FAST_CODE


# ---- who may speak and listen


def refused(connecting: Any) -> int:
    with pytest.raises(WebSocketDenialResponse) as denied, connecting:
        pass
    assert denied.value.headers["content-type"] == "application/problem+json"
    return int(denied.value.status_code)


def test_only_an_enrolled_device_may_speak(rig: Rig, ward: str, clock: Clock) -> None:
    path = "/v1/live/ingest"
    nurse, device = rig.person("n", ("operator", None)), rig.bedside("A-1")
    assert refused(rig.http.websocket_connect(path)) == 401
    assert refused(nurse.websocket_connect(path)) == 403
    headers = device.headers
    clock.forward(3600)
    assert refused(rig.http.websocket_connect(path, headers=headers)) == 401


def test_a_second_connection_of_a_device_takes_over(rig: Rig, ward: str) -> None:
    device = rig.bedside("A-1")
    with ingest(rig, device) as first, ingest(rig, device) as second:
        with pytest.raises(WebSocketDisconnect) as ended:
            first.receive_text()
        assert ended.value.code == uplink_wire.REPLACED_CODE
        with watching(rig, ward) as browser:
            say(second)
            assert hear(browser, "bed")["msg"]["seq"] == 1


def test_a_revoked_device_is_shown_out(rig: Rig, ward: str) -> None:
    async def revoke(conn: AsyncConnection) -> None:
        await conn.execute(update(tables.device).values(revoked_us=1))

    with ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside)
        rig.do(revoke)
        rig.call(rig.service.part(Live).connections.check)  # every ten seconds by itself
        with pytest.raises(WebSocketDisconnect) as ended:
            bedside.receive_text()
        assert ended.value.code == uplink_wire.UNKNOWN_CODE


def test_only_who_may_see_the_ward_may_watch_it(rig: Rig, ward: str) -> None:
    other = rig.ward("B")
    path = f"/v1/live?ward={ward}"

    def asks(name: str, *grants: Any, headers: dict[str, str] = ORIGIN) -> int:
        return refused(rig.person(name, *grants).websocket_connect(path, headers=headers))

    assert refused(rig.http.websocket_connect(path, headers=ORIGIN)) == 401
    assert asks("stranger", ("operator", other)) == 404
    assert asks("rater", ("annotator", ward)) == 403
    assert asks("auditor", ("auditor", None)) == 403
    assert asks("elsewhere", ("operator", ward), headers={"Origin": "http://evil.example"}) == 403
    assert asks("nowhere", ("operator", ward), headers={"Origin": ""}) == 403
    nurse = rig.person("n", ("operator", ward))
    assert refused(nurse.websocket_connect("/v1/live?ward=none", headers=ORIGIN)) == 404
    device = rig.bedside("A-1")
    headers = device.headers | ORIGIN
    assert refused(rig.http.websocket_connect(path, headers=headers)) == 403


def test_a_log_in_that_ended_is_shown_out(rig: Rig, ward: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hemoview.cloud.live.watch.CHECK_S", 0.05)

    async def sign_out(conn: AsyncConnection) -> None:
        await conn.execute(update(tables.login).values(ended_us=1))

    with watching(rig, ward) as browser:
        hear(browser, "ward")
        rig.do(sign_out)
        with pytest.raises(WebSocketDisconnect) as ended:
            for _ in range(100):
                browser.receive_text()
        assert ended.value.code == 4401
