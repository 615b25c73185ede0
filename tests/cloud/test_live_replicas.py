"""What a replica makes of the words of another, whatever bus brought them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.websockets import WebSocketDisconnect

from hemoview.cloud import tables
from hemoview.cloud.live.bindings import confirm
from hemoview.cloud.live.bus import InProcessBus, take_one
from hemoview.cloud.live.replicas import Replicas
from hemoview.cloud.live.room import Live
from hemoview.cloud.live.store import STAND_BY_US, keep_binding
from hemoview.cloud.live.upkeep import Upkeep
from hemoview.cloud.live.words import Changed, Confirmed, Connected, Ended, Heard, Placed, Word
from recorder.sync.uplink import wire as uplink_wire
from tests.cloud.cloud_rig import Bedside, Clock, Rig
from tests.cloud.live_rig import ORIGIN, OTHER, SESSION, head, hear, ingest, message, say

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def ward(rig: Rig) -> str:
    return rig.ward("A", beds=2)


def room(rig: Rig) -> Live:
    return rig.service.part(Live)


def others(rig: Rig) -> Replicas:
    return Upkeep(room(rig)).replicas


def take(rig: Rig, word: Word) -> None:
    rig.call(take_one, others(rig).take, word, room(rig).bus.traffic)


def heard(rig: Rig, device: Bedside, bed: str = "A-1", **told: Any) -> Heard:
    """As another replica tells it."""
    text = json.dumps(message(**told))
    return Heard(device.id, rig.beds[bed], rig.wards["A"], rig.clock(), "c1", 0, 0, text)


def watching(rig: Rig, ward: str) -> Any:
    nurse = rig.person("nurse", ("operator", ward))
    return nurse.websocket_connect(f"/v1/live?ward={ward}", headers=ORIGIN)


def board(rig: Rig, bed: str = "A-1") -> Any:
    return room(rig).board.beds.get(rig.beds[bed])


def test_what_another_heard_is_shown_with_its_waves(rig: Rig, ward: str) -> None:
    device = rig.bedside("A-1")
    with watching(rig, ward) as browser:
        take(rig, replace(heard(rig, device, seq=41), gap=2, gaps=7))
        told = hear(browser, "bed")
        assert (told["msg"]["seq"], told["gap"]) == (41, 2), "missed there, not here: this one was not there"
        assert set(told["msg"]["waves"]) == {"ppg", "cnap"}
        take(rig, replace(heard(rig, device, seq=44), gap=0, gaps=7))
        assert hear(browser, "bed")["gap"] == 2, "it was there, and two did not come"
        take(rig, heard(rig, device, seq=44))
        take(rig, replace(heard(rig, device, seq=1), connection="c2"))
        assert hear(browser, "bed")["msg"]["seq"] == 1, "a new connection may number anew"
    assert board(rig).gaps == 9


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        json.dumps(message(v=7)),
        json.dumps(message(head=None)),
        json.dumps(message(state=None)),
        "x" * (uplink_wire.LIMIT_BYTES + 1),
    ],
)
def test_what_is_no_message_is_counted_and_shown_nowhere(rig: Rig, ward: str, text: str) -> None:
    take(rig, replace(heard(rig, rig.bedside("A-1")), text=text))
    traffic = room(rig).bus.traffic
    assert (traffic.ignored, traffic.faults) == (1, 0)
    assert board(rig) is None or board(rig).last is None


def test_hidden_estimates_of_another_replica_are_hidden_here(rig: Rig, ward: str) -> None:
    with watching(rig, ward) as browser:
        take(rig, heard(rig, rig.bedside("A-1"), head=head(hidden=True)))
        assert hear(browser, "bed")["msg"]["numerics"]["SBP"]["why"] == "hidden"


@pytest.mark.parametrize("ahead_s", [-3600.0, -4.0, 4.0, 3600.0])
def test_another_clock_does_not_make_a_bed_stale(rig: Rig, ward: str, ahead_s: float) -> None:
    word = heard(rig, rig.bedside("A-1"))
    take(rig, replace(word, at_us=word.at_us + round(ahead_s * 1e6)))
    assert abs(board(rig).at_us - rig.clock()) < 1_000_000


def test_an_older_connection_here_ends_when_a_newer_one_is_elsewhere(rig: Rig, ward: str) -> None:
    device, nurse = rig.bedside("A-1"), rig.person("nurse", ("operator", ward))
    for word, code in (
        (Connected(device.id, "elsewhere"), uplink_wire.REPLACED_CODE),
        (Ended(device.id, 4401, "this device was revoked"), 4401),
        (Placed(device.id, "moved"), 4401),
    ):
        path = f"/v1/live?ward={ward}"
        with ingest(rig, device) as bedside, nurse.websocket_connect(path, headers=ORIGIN) as browser:
            say(bedside)
            hear(browser, "bed")
            take(rig, word)
            with pytest.raises(WebSocketDisconnect) as ended:
                bedside.receive_text()
            assert ended.value.code == code
    assert board(rig).last is None, "it was moved"


def test_a_moved_device_is_shown_at_its_new_bed_by_the_same_connection_too(rig: Rig, ward: str) -> None:
    """The broker was away: nobody told the other replica, which keeps the connection and learns the bed by itself."""
    device = rig.bedside("A-1")
    take(rig, heard(rig, device, seq=1))
    take(rig, Placed(device.id, "moved"))
    take(rig, heard(rig, device, seq=2))
    assert board(rig).last is None, "on its way since before"
    take(rig, heard(rig, device, "A-2", seq=3))
    assert board(rig, "A-2").last.seq == 3


def test_a_confirmation_counts_for_what_was_seen_alone(rig: Rig, ward: str) -> None:
    device = rig.bedside("A-1")
    take(rig, heard(rig, device))
    said = Confirmed(rig.beds["A-1"], SESSION, device.id, 5, "user:n")
    for wrong in (
        replace(said, session_id="another"),
        replace(said, device_id="another"),
        replace(said, bed_id="b"),
    ):
        take(rig, wrong)
        assert board(rig).binding.asks
    take(rig, said)
    assert (board(rig).binding.confirmed_by, board(rig).binding.confirmed_us) == ("user:n", 5)
    take(rig, replace(said, by="user:later"))
    assert board(rig).binding.confirmed_by == "user:n"


def test_a_ward_whose_bed_got_another_name_is_told_so(rig: Rig, ward: str) -> None:
    admin = rig.person("admin", ("admin", None))
    with watching(rig, ward) as browser:
        hear(browser, "ward")
        assert admin.patch(f"/v1/beds/{rig.beds['A-1']}", json={"label": "Window"}).status_code == 200
        while hear(browser, "ward")["beds"][0]["label"] != "Window":
            pass
        take(rig, Changed(ward))
        assert hear(browser, "ward")["beds"][0]["label"] == "Window"


def test_who_does_not_write_holds_a_while_of_it(rig: Rig, ward: str, clock: Clock) -> None:
    rig.service.lead._held = False
    device, store = rig.bedside("A-1"), room(rig).store
    for seq in range(1, 4):
        take(rig, heard(rig, device, seq=seq, t_us=rig.clock()))
        clock.forward(5)
    rig.call(Upkeep(room(rig))._write)
    assert len(rig.rows(tables.estimate)) == 0 and len(store._rows) == 30
    clock.forward(STAND_BY_US / 1e6 - 8)
    rig.call(Upkeep(room(rig))._write)
    assert len(store._rows) == 10
    rig.service.lead._held = True  # who wrote is dead
    rig.call(Upkeep(room(rig))._write)
    assert len(rig.rows(tables.estimate)) == 10


def test_a_service_by_itself_tells_nobody() -> None:
    async def go() -> InProcessBus:
        bus = InProcessBus()
        await bus.open(lambda word: pytest.fail(f"heard {word}"))
        bus.tell(Changed("w"))
        await bus.close()
        return bus

    assert not asyncio.run(go()).is_shared


def enrol_anew(rig: Rig, device: Bedside) -> None:
    """At another replica, which could not tell."""

    async def write(conn: AsyncConnection) -> None:
        mine = update(tables.device).where(tables.device.c.id == device.id)
        await conn.execute(mine.values(public_key=b"another", enrolled_us=rig.clock()))

    rig.clock.forward(1)
    rig.do(write)
    rig.clock.forward(6)  # nothing goes on at the bed any more


@pytest.mark.parametrize("has_come_again", [False, True])
def test_a_device_enrolled_anew_is_confirmed_no_longer_where_no_word_said_so(
    rig: Rig, ward: str, *, has_come_again: bool
) -> None:
    device, bed_id = rig.bedside("A-1"), rig.beds["A-1"]
    take(rig, heard(rig, device))
    take(rig, Confirmed(bed_id, SESSION, device.id, rig.clock(), "user:nurse"))
    assert board(rig).binding.confirmed_by == "user:nurse"
    rig.call(others(rig).check)
    assert board(rig).binding.confirmed_by == "user:nurse"
    enrol_anew(rig, device)
    comes = replace(heard(rig, device, session_id=OTHER, head=head(confirmed=True)), connection="c2")
    if has_come_again:
        take(rig, comes)
        rig.call(room(rig).store.flush)  # every second by itself; its Start stands there as confirmed
    rig.call(others(rig).check)
    assert board(rig).session_id == (OTHER if has_come_again else "")
    take(rig, comes)
    for _ in range(2):
        rig.call(others(rig).check)
        assert (board(rig).session_id, board(rig).binding.confirmed_us) == (OTHER, None)


def test_a_connection_of_before_a_device_was_enrolled_anew_ends_though_no_word_said_so(
    rig: Rig, ward: str
) -> None:
    device = rig.bedside("A-1")
    with ingest(rig, device) as bedside:
        say(bedside)
        rig.call(room(rig).connections.check)
        enrol_anew(rig, device)
        rig.call(room(rig).connections.check)
        with pytest.raises(WebSocketDisconnect) as ended:
            bedside.receive_text()
        assert (ended.value.code, "enrolled anew" in ended.value.reason) == (uplink_wire.UNKNOWN_CODE, True)


def test_a_bed_that_was_named_anew_is_told_though_no_word_said_so(rig: Rig, ward: str) -> None:
    async def rename(conn: AsyncConnection) -> None:
        mine = update(tables.bed).where(tables.bed.c.id == rig.beds["A-1"])
        await conn.execute(mine.values(label="Window"))

    with watching(rig, ward) as browser:
        assert [one["label"] for one in hear(browser, "ward")["beds"]] == ["A-1", "A-2"]
        rig.call(others(rig).check)
        assert not room(rig).to_tell
        rig.do(rename)
        rig.call(others(rig).check)
        assert [one["label"] for one in hear(browser, "ward")["beds"]] == ["Window", "A-2"]


def test_what_a_person_said_at_another_replica_is_not_written_over(rig: Rig, ward: str) -> None:
    """Who leads has not written down yet that the bed shows this session."""
    device, bed_id = rig.bedside("A-1"), rig.beds["A-1"]
    rig.service.lead._held = False
    take(rig, heard(rig, device))
    said = confirm(board(rig).binding, "user:nurse", rig.clock())

    async def write(conn: AsyncConnection) -> None:
        await keep_binding(conn, bed_id, said)

    rig.do(write)
    rig.call(room(rig).store.flush)
    rig.call(others(rig).check)
    assert board(rig).binding == said
    take(rig, heard(rig, device, session_id=OTHER, seq=2))
    rig.call(room(rig).store.flush)
    assert board(rig).session_id == OTHER
    rig.call(others(rig).check)
    assert board(rig).binding.confirmed_by != "user:nurse"
