"""Which session a bed shows: asked until somebody at the bed confirms it (safety rule 5)."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.websockets import WebSocketDisconnect

from hemoview.cloud import tables
from recorder.sync.uplink import wire as uplink_wire
from tests.cloud.cloud_rig import Rig
from tests.cloud.live_rig import OTHER, SESSION, flush, head, hear, hear_state, ingest, say, watching

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def ward(rig: Rig) -> str:
    return rig.ward("A", beds=3)


def test_a_new_session_asks_until_somebody_at_the_bed_confirms(rig: Rig, ward: str) -> None:
    nurse = rig.person("n", ("operator", ward))
    bed_id = rig.beds["A-1"]
    with watching(rig, ward) as browser, ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside)
        assert hear(browser, "bed")["binding"]["confirmed"] is False
        wrong = nurse.post(f"/v1/beds/{bed_id}/confirm", json={"session_id": OTHER})
        assert wrong.status_code == 409
        right = nurse.post(f"/v1/beds/{bed_id}/confirm", json={"session_id": SESSION})
        assert right.json()["binding"]["confirmed_by"] == "user:n"
        say(bedside, seq=2)
        assert hear(browser, "bed")["binding"]["confirmed"] is True
        # the next session of this device: its Start at the bedside confirms it
        say(bedside, seq=3, session_id=OTHER)
        assert hear(browser, "bed")["binding"]["confirmed_by"] == "bedside"
        say(bedside, seq=4, session_id="2d" * 16, head=head(confirmed=False))
        assert hear(browser, "bed")["binding"]["confirmed"] is False
    flush(rig)
    assert rig.rows(tables.bed_binding)[0].session_id == "2d" * 16


def test_a_device_carried_to_another_bed_asks_again_and_leaves_the_first(rig: Rig, ward: str) -> None:
    nurse = rig.person("n", ("operator", ward))
    device = rig.bedside("A-1")
    with ingest(rig, device) as bedside:
        say(bedside)
        hear_state(rig, ward, nurse, lambda t: t["beds"][0]["binding"])
        nurse.post(f"/v1/beds/{rig.beds['A-1']}/confirm", json={"session_id": SESSION})

    async def move(conn: AsyncConnection) -> None:
        await conn.execute(update(tables.device).values(bed_id=rig.beds["A-2"]))

    rig.do(move)
    rig.service.forget_tokens(device.id)
    with ingest(rig, device) as bedside:
        say(bedside, seq=2)
        told = hear_state(rig, ward, nurse, lambda t: t["beds"][1]["binding"])
    assert told["beds"][1]["binding"]["confirmed"] is False
    assert told["beds"][0]["last"] is None
    assert told["beds"][0]["needs"] == []


def test_confirming_is_scoped_and_written_down(rig: Rig, ward: str) -> None:
    other = rig.ward("B")
    stranger, researcher = rig.person("s", ("operator", other)), rig.person("r", ("researcher", ward))
    nurse = rig.person("n", ("operator", ward))
    path, body = f"/v1/beds/{rig.beds['A-1']}/confirm", {"session_id": SESSION}
    assert stranger.post(path, json=body).status_code == 404
    assert researcher.post(path, json=body).status_code == 403
    assert rig.http.post(path, json=body).status_code == 401
    assert nurse.post(path, json=body).status_code == 409  # nothing is bound yet
    with ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside)
        hear_state(rig, ward, nurse, lambda t: t["beds"][0]["binding"])
        assert nurse.post(path, json=body).status_code == 200
    assert [e.actor for e in rig.rows(tables.audit) if e.action == "bed.confirm"] == ["user:n"]


def test_a_session_of_another_device_is_refused(rig: Rig, ward: str) -> None:
    one, two = rig.bedside("A-1"), rig.bedside("A-2")
    nurse = rig.person("n", ("operator", ward))
    with ingest(rig, one) as first, ingest(rig, two) as second:
        say(first)
        hear_state(rig, ward, nurse, lambda t: t["beds"][0]["last"])
        flush(rig)
        say(second)
        with pytest.raises(WebSocketDisconnect) as ended:
            second.receive_text()
        assert ended.value.code == uplink_wire.ELSEWHERE_CODE
    beds = nurse.get(f"/v1/wards/{ward}/state").json()["beds"]
    assert [bool(b["last"]) for b in beds] == [True, False, False]


def test_a_station_enrolled_anew_goes_on_with_its_session(rig: Rig, ward: str) -> None:
    one = rig.bedside("A-1")
    with ingest(rig, one) as bedside:
        say(bedside)
        flush(rig)

    async def revoke(conn: AsyncConnection) -> None:
        device = tables.device
        await conn.execute(update(device).where(device.c.id == one.id).values(revoked_us=1))

    rig.do(revoke)
    with watching(rig, ward) as browser, ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside)
        told = hear(browser, "bed")
        assert told["msg"]["session_id"] == SESSION
        assert told["binding"]["confirmed"] is False
