"""Nobody is shown at a bed where they are not: after moves, new keys and restarts; nor kept out by somebody else."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from hemoview.cloud import tables
from hemoview.cloud.live.board import BedNow
from hemoview.cloud.live.room import Live
from recorder.sync import signing
from recorder.sync.uplink import wire as uplink_wire
from tests.cloud.cloud_rig import Bedside, Rig
from tests.cloud.live_rig import OTHER, SESSION, flush, hear_state, ingest, say
from tests.cloud.test_devices import code_for, enrol

IDLE: dict[str, Any] = {"session_id": "", "head": None, "footer": None, "numerics": {}, "waves": {}}


@pytest.fixture
def ward(rig: Rig) -> str:
    return rig.ward("A", beds=3)


@pytest.fixture
def keeper(rig: Rig, ward: str) -> Any:
    return rig.person("keeper", ("operator", ward))


def spoken(rig: Rig, ward: str, keeper: Any, device: Bedside, *, place: int = 1, **told: Any) -> None:
    """A bedside told one second, and left."""
    with ingest(rig, device) as socket:
        say(socket, **told)
        wanted = told.get("session_id", SESSION)

        def is_there(state: Any) -> bool:
            binding = state["beds"][place - 1]["binding"]
            return binding is not None and binding["session_id"] == wanted

        hear_state(rig, ward, keeper, is_there)


def confirm(rig: Rig, keeper: Any, session_id: str = SESSION) -> None:
    reply = keeper.post(f"/v1/beds/{rig.beds['A-1']}/confirm", json={"session_id": session_id})
    assert reply.status_code == 200, reply.text


def move(rig: Rig, keeper: Any, device: Bedside, bed: str) -> None:
    assert keeper.patch(f"/v1/devices/{device.id}", json={"bed_id": rig.beds[bed]}).status_code == 200


def remembered(rig: Rig) -> dict[str, BedNow]:
    """The beds as a service that starts now would show them."""
    flush(rig)
    again = Live(rig.service)
    rig.call(again.store.recall, again.board, rig.clock())
    return again.board.beds


def test_a_device_that_was_moved_leaves_its_bed_before_it_speaks_again(
    rig: Rig, ward: str, keeper: Any
) -> None:
    device = rig.bedside("A-1")
    spoken(rig, ward, keeper, device)
    move(rig, keeper, device, "A-2")
    first = keeper.get(f"/v1/wards/{ward}/state").json()["beds"][0]
    assert first["last"] is None and first["needs"] == []
    bed = remembered(rig).get(rig.beds["A-1"])
    assert bed is None or (bed.last is None and not bed.session_id)


def test_a_moved_device_is_not_remembered_at_its_former_bed(rig: Rig, ward: str, keeper: Any) -> None:
    device = rig.bedside("A-1")
    spoken(rig, ward, keeper, device)
    flush(rig)
    move(rig, keeper, device, "A-2")
    spoken(rig, ward, keeper, device, place=2, seq=2)
    beds = remembered(rig)
    left = beds.get(rig.beds["A-1"])
    assert left is None or (left.last is None and not left.session_id)
    assert beds[rig.beds["A-2"]].session_id == SESSION
    assert [r.bed_id for r in rig.rows(tables.bed_state)] == [rig.beds["A-2"]]


def test_what_was_confirmed_before_a_move_is_not_confirmed_after_the_way_back(
    rig: Rig, ward: str, keeper: Any
) -> None:
    device = rig.bedside("A-1")
    spoken(rig, ward, keeper, device)
    confirm(rig, keeper)
    spoken(rig, ward, keeper, device, seq=2, **IDLE)
    move(rig, keeper, device, "A-2")
    move(rig, keeper, device, "A-1")
    spoken(rig, ward, keeper, device, seq=3, session_id=OTHER)
    assert not keeper.get(f"/v1/wards/{ward}/state").json()["beds"][0]["binding"]["confirmed"]


def test_a_new_key_may_be_of_a_station_elsewhere_and_is_confirmed_anew(
    rig: Rig, ward: str, keeper: Any
) -> None:
    key = signing.new_key()
    enrolled = enrol(rig, code_for(keeper, rig.beds["A-1"]), key).json()
    device = Bedside(enrolled["device_id"], key, rig.service.server_id, rig.clock)
    spoken(rig, ward, keeper, device)
    confirm(rig, keeper)
    spoken(rig, ward, keeper, device, seq=2, **IDLE)
    code = keeper.post(f"/v1/devices/{device.id}/enrolment").json()["code"]
    device.key = signing.new_key()
    assert enrol(rig, code, device.key).status_code == 201
    spoken(rig, ward, keeper, device, seq=3, session_id=OTHER)
    assert not keeper.get(f"/v1/wards/{ward}/state").json()["beds"][0]["binding"]["confirmed"]


def test_who_was_refused_a_session_does_not_keep_its_own_device_out(rig: Rig, ward: str, keeper: Any) -> None:
    own, other = rig.bedside("A-1"), rig.bedside("A-2")
    spoken(rig, ward, keeper, own)
    flush(rig)
    rig.service.part(Live).introduced.clear()  # as after a restart
    with ingest(rig, other) as socket:
        say(socket)
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_text()
        assert ended.value.code == uplink_wire.ELSEWHERE_CODE
    with ingest(rig, own) as socket:
        say(socket, seq=9)
        hear_state(rig, ward, keeper, lambda t: t["beds"][0]["last"]["msg"]["seq"] == 9)


def test_a_revoked_device_is_shown_out_at_once(rig: Rig, ward: str, keeper: Any) -> None:
    device = rig.bedside("A-1")
    with ingest(rig, device) as socket:
        say(socket)
        hear_state(rig, ward, keeper, lambda t: t["beds"][0]["binding"])
        assert keeper.post(f"/v1/devices/{device.id}/revoke").status_code == 200
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_text()
        assert ended.value.code == uplink_wire.UNKNOWN_CODE


# ---- one key in two places


def test_two_stations_with_one_key_are_never_both_taken_for_confirmed(
    rig: Rig, ward: str, keeper: Any
) -> None:
    """A disk that was copied to another computer: the same device, and somebody else lies there."""
    device = rig.bedside("A-1")
    spoken(rig, ward, keeper, device)
    confirm(rig, keeper)
    spoken(rig, ward, keeper, device, session_id=OTHER)  # while the first still records
    binding = keeper.get(f"/v1/wards/{ward}/state").json()["beds"][0]["binding"]
    assert (binding["session_id"], binding["confirmed"]) == (OTHER, False)
    spoken(rig, ward, keeper, device)
    assert not keeper.get(f"/v1/wards/{ward}/state").json()["beds"][0]["binding"]["confirmed"]


def test_the_next_subject_of_a_confirmed_station_needs_no_second_confirmation(
    rig: Rig, ward: str, keeper: Any
) -> None:
    device = rig.bedside("A-1")
    spoken(rig, ward, keeper, device)
    confirm(rig, keeper)
    spoken(rig, ward, keeper, device, seq=2, **IDLE)  # stopped
    spoken(rig, ward, keeper, device, seq=3, session_id=OTHER)
    assert keeper.get(f"/v1/wards/{ward}/state").json()["beds"][0]["binding"]["confirmed"]
