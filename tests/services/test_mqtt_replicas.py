"""Two replicas of a service and a broker between them: one ward, whichever of them somebody looks at."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from hemoview.cloud import tables
from hemoview.cloud.live.upkeep import Upkeep
from hemoview.cloud.live.words import Heard, Word
from hemoview.cloud.settings import Settings
from recorder.sync.uplink import wire as uplink_wire
from tests.cloud.cloud_rig import Bedside, Rig
from tests.cloud.handover import Sender, golden
from tests.cloud.live_rig import OTHER, SESSION, hear, ingest, message, say
from tests.services.mosquitto_rig import Broker, own_broker
from tests.services.replicas_rig import browser, count, replica, room, settings_for, until

pytestmark = pytest.mark.services


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hemoview.cloud.live.upkeep.EVERY_S", 0.1)


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with own_broker() as broker:
        yield broker


@dataclass
class Pair:
    """Replicas; the first leads."""

    one: Rig
    two: Rig
    ward_id: str
    settings: Settings


@contextmanager
def pair_of(folder: Path, broker: Broker) -> Iterator[Pair]:
    settings = settings_for(folder, broker)
    with replica(settings, 1) as one:
        ward_id = one.ward("A", beds=3)
        until(lambda: one.service.lead.held)
        with replica(settings, 2, one) as two:
            assert not two.service.lead.held
            yield Pair(one, two, ward_id, settings)


@pytest.fixture
def pair(tmp_path: Path, broker: Broker) -> Iterator[Pair]:
    with pair_of(tmp_path, broker) as pair:
        yield pair


def numbers(told: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(t["msg"]["seq"], t["gap"]) for t in told]


@pytest.mark.parametrize("where", ["one", "two"])
def test_a_ward_is_the_same_at_both(pair: Pair, where: str) -> None:
    here, there = (pair.one, pair.two) if where == "one" else (pair.two, pair.one)
    with (
        browser(here, pair.ward_id, "n1") as near,
        browser(there, pair.ward_id, "n2") as far,
        ingest(here, pair.one.bedside("A-2")) as bedside,
    ):
        for seq in (1, 2, 3, 7, 8):
            say(bedside, seq=seq, **({"head": None, "footer": None} if seq == 8 else {}))
        told = [hear(far, "bed") for _ in range(5)]
        beside = [hear(near, "bed") for _ in range(5)]
        assert numbers(told) == numbers(beside) == [(1, 0), (2, 0), (3, 0), (7, 3), (8, 0)]
        for one, other in zip(told, beside, strict=True):
            assert one["bed_id"] == pair.one.beds["A-2"]
            assert one["msg"]["waves"] == other["msg"]["waves"] and set(one["msg"]["waves"]) == {
                "ppg",
                "cnap",
            }
            assert one["msg"]["head"] == other["msg"]["head"] and one["binding"] == other["binding"]
        until(lambda: len(pair.one.rows(tables.estimate)) >= 10)
    ward = [hear_ward(rig, pair.ward_id, f"again-{n}") for n, rig in enumerate((here, there))]
    assert ward[0]["beds"][1]["gaps"] == ward[1]["beds"][1]["gaps"] == 3
    assert [count(rig, "hemoview_live_gaps_total") for rig in (here, there)] == [3, 0]
    assert [count(rig, "hemoview_live_messages_total") for rig in (here, there)] == [5, 0]
    assert count(pair.one, "hemoview_live_rows_total") > 0 == count(pair.two, "hemoview_live_rows_total")
    assert len(pair.one.rows(tables.estimate)) in (10, 20)  # ten parameters a second, of one or of two
    assert len(pair.one.rows(tables.bed_state)) == len(pair.one.rows(tables.live_session)) == 1
    assert [room(rig).bus.traffic.missed for rig in (here, there)] == [0, 0]


def hear_ward(rig: Rig, ward_id: str, name: str) -> dict[str, Any]:
    with browser(rig, ward_id, name) as socket:
        return hear(socket, "ward")


def test_hidden_estimates_are_hidden_at_both_and_kept(pair: Pair) -> None:
    hidden = message()["head"] | {"hidden": True}
    with browser(pair.one, pair.ward_id, "n") as far, ingest(pair.two, pair.one.bedside("A-1")) as bedside:
        say(bedside, head=hidden)
        told = hear(far, "bed")["msg"]["numerics"]["SBP"]
        assert (told["est"], told["why"], told["ref"]) == (None, "hidden", 124.0)
        until(lambda: len(pair.one.rows(tables.estimate)) == 10)


def test_a_replica_that_starts_shows_what_streams_within_two_seconds(pair: Pair) -> None:
    device = pair.one.bedside("A-1")
    with streaming(pair.one, [device]):
        until(lambda: len(pair.one.rows(tables.bed_state)))
        with replica(pair.settings, 3, pair.one) as three:
            began_s = time.monotonic()
            with browser(three, pair.ward_id, "n3") as socket:
                shown = hear(socket, "ward")["beds"][0]["last"]
                assert shown is not None  # as it was a moment ago, from the database
                first = hear(socket, "bed")
                assert time.monotonic() - began_s < 2
                assert first["gap"] == 0, "it was not there before: nothing was missed"
                assert first["msg"]["waves"]


def test_a_device_that_moves_to_another_replica_leaves_the_first(pair: Pair) -> None:
    device = pair.one.bedside("A-1")
    with browser(pair.one, pair.ward_id, "n") as far, ingest(pair.one, device) as before:
        say(before, seq=1)
        hear(far, "bed")
        with ingest(pair.two, device) as after:
            with pytest.raises(WebSocketDisconnect) as ended:
                before.receive_text()
            assert ended.value.code == uplink_wire.REPLACED_CODE
            say(after, seq=2)
            assert numbers([hear(far, "bed")]) == [(2, 0)]


def test_what_is_done_at_one_counts_at_the_other(pair: Pair) -> None:
    device = pair.one.bedside("A-1")
    keeper = pair.two.person("keeper", ("admin", None), ("operator", pair.ward_id))
    bed_id = pair.one.beds["A-1"]
    with browser(pair.one, pair.ward_id, "n") as far, ingest(pair.one, device) as bedside:
        say(bedside, seq=1)
        assert hear(far, "bed")["binding"]["confirmed"] is False
        until(lambda: bed_id in room(pair.two).board.beds)
        confirmed = keeper.post(f"/v1/beds/{bed_id}/confirm", json={"session_id": SESSION})
        assert confirmed.status_code == 200
        until(lambda: hear(far, "ward")["beds"][0]["binding"]["confirmed"])
        say(bedside, seq=2)
        assert hear(far, "bed")["binding"]["confirmed_by"] == "user:keeper"

        assert keeper.patch(f"/v1/beds/{bed_id}", json={"label": "Window"}).status_code == 200
        until(lambda: hear(far, "ward")["beds"][0]["label"] == "Window")

        moved = keeper.patch(f"/v1/devices/{device.id}", json={"bed_id": pair.one.beds["A-3"]})
        assert moved.status_code == 200
        until(lambda: hear(far, "ward")["beds"][0]["last"] is None)
        with pytest.raises(WebSocketDisconnect) as ended:
            bedside.receive_text()
        assert ended.value.code == uplink_wire.UNKNOWN_CODE


@pytest.mark.parametrize("is_away", [False, True], ids=["broker", "no-broker"])
def test_a_device_revoked_at_one_ends_at_the_other(
    tmp_path: Path, is_away: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once where the broker carries it, else with the next look into the database (every ten seconds)."""
    with own_broker() as broker, pair_of(tmp_path, broker) as pair:
        device = pair.one.bedside("A-1")
        keeper = pair.two.person("keeper", ("admin", None))
        with browser(pair.one, pair.ward_id, "n") as far, ingest(pair.one, device) as bedside:
            say(bedside)
            hear(far, "bed")
            if is_away:
                broker.kill()
                until(lambda: room(pair.two).bus.away)
            assert keeper.post(f"/v1/devices/{device.id}/revoke").status_code == 200
            began_s = time.monotonic()
            with pytest.raises(WebSocketDisconnect) as ended:
                bedside.receive_text()
            assert ended.value.code == uplink_wire.UNKNOWN_CODE
            assert time.monotonic() - began_s < (12 if is_away else 2)


def test_what_no_word_told_is_found_in_the_database(tmp_path: Path) -> None:
    """The broker is away while somebody confirms at one replica and a device is moved."""
    with own_broker() as broker, pair_of(tmp_path, broker) as pair:
        first, second = pair.one.bedside("A-1"), pair.one.bedside("A-2")
        keeper = pair.two.person("keeper", ("admin", None), ("operator", pair.ward_id))
        beds = [pair.one.beds[name] for name in ("A-1", "A-2", "A-3")]
        with ingest(pair.one, first) as one, ingest(pair.one, second) as other:
            say(one, session_id=SESSION)
            say(other, session_id=OTHER)
            until(lambda: all(room(pair.two).board.beds.get(b) for b in beds[:2]))
            broker.kill()
            until(lambda: room(pair.one).bus.away and room(pair.two).bus.away)
            confirm = keeper.post(f"/v1/beds/{beds[0]}/confirm", json={"session_id": SESSION})
            assert confirm.status_code == 200
            assert keeper.patch(f"/v1/devices/{second.id}", json={"bed_id": beds[2]}).status_code == 200
            pair.one.call(Upkeep(room(pair.one)).check)  # every ten seconds by itself
            board = room(pair.one).board.beds
            assert board[beds[0]].binding.confirmed_by == "user:keeper"  # type: ignore[union-attr]
            assert board[beds[1]].session_id == ""
            with pytest.raises(WebSocketDisconnect) as ended:
                other.receive_text()
            assert ended.value.code == uplink_wire.UNKNOWN_CODE
        broker.start()
        until(lambda: not (room(pair.one).bus.away or room(pair.two).bus.away))
        with browser(pair.two, pair.ward_id, "n") as far, ingest(pair.one, second) as again:
            say(again, seq=2, session_id=OTHER)
            told = hear(far, "bed")
            assert (told["bed_id"], told["binding"]["confirmed"]) == (beds[2], False)


def test_a_session_that_this_replica_has_not_heard_of_is_not_confirmed_over(tmp_path: Path) -> None:
    """The broker is away: one replica shows the session before, the database knows of the next."""
    with own_broker() as broker, pair_of(tmp_path, broker) as pair:
        nurse = pair.two.person("nurse", ("operator", pair.ward_id))
        bed_id = pair.one.beds["A-1"]
        with ingest(pair.one, pair.one.bedside("A-1")) as bedside:
            say(bedside, seq=1)
            until(lambda: bed_id in room(pair.two).board.beds)
            broker.kill()
            until(lambda: room(pair.two).bus.away and room(pair.one).bus.away)
            say(bedside, seq=2, session_id=OTHER)
            until(lambda: room(pair.one).board.beds[bed_id].session_id == OTHER)
            pair.one.call(room(pair.one).store.flush)
            reply = nurse.post(f"/v1/beds/{bed_id}/confirm", json={"session_id": SESSION})
            assert (reply.status_code, "another session by now" in reply.text) == (409, True)


def test_what_was_on_its_way_when_a_device_was_moved_is_shown_nowhere(pair: Pair) -> None:
    device = pair.one.bedside("A-1")
    keeper = pair.two.person("keeper", ("admin", None))
    bed_id = pair.one.beds["A-1"]
    with ingest(pair.one, device) as bedside:
        say(bedside, seq=1)
        until(lambda: bed_id in room(pair.two).board.beds)
        bus, heard = room(pair.one).bus, list[Word]()
        bus.tell = heard.append  # type: ignore[method-assign] – it is on its way for a while
        say(bedside, seq=2)
        until(lambda: heard)
        moved = keeper.patch(f"/v1/devices/{device.id}", json={"bed_id": pair.one.beds["A-2"]})
        assert moved.status_code == 200
        assert isinstance(heard[0], Heard)
        pair.two.call(Upkeep(room(pair.two)).replicas.take, heard[0])
        shown = room(pair.two).board.beds[bed_id]
        assert (shown.session_id, shown.last) == ("", None)


def test_an_erased_session_is_gone_at_both(pair: Pair) -> None:
    bed_id = pair.one.beds["A-1"]
    with ingest(pair.two, pair.one.bedside("A-1")) as bedside:
        say(bedside)
        until(lambda: len(pair.one.rows(tables.estimate)))
        told = {"session_id": SESSION, "at_us": 0, "by": "user:a", "why": "withdrawn", "unreachable": "[]"}
        pair.one.put(tables.erasure, **told)
        pair.two.call(Upkeep(room(pair.two)).check)  # found by the one that does not write
        with pytest.raises(WebSocketDisconnect) as ended:
            bedside.receive_text()
        assert ended.value.code == uplink_wire.ELSEWHERE_CODE
        until(lambda: room(pair.one).board.beds[bed_id].session_id == "")
        until(lambda: len(pair.one.rows(tables.estimate)) == len(pair.one.rows(tables.live_session)) == 0)
        time.sleep(0.3)
        assert len(pair.one.rows(tables.estimate)) == 0, "nothing more of it is written"


def test_a_session_that_was_introduced_at_one_is_nobody_elses_at_the_other(pair: Pair) -> None:
    own, foreign = pair.one.bedside("A-1"), pair.one.bedside("A-2")
    with ingest(pair.one, own) as bedside, browser(pair.two, pair.ward_id, "n") as far:
        say(bedside)
        hear(far, "bed")
        with ingest(pair.two, foreign) as other:
            say(other)
            with pytest.raises(WebSocketDisconnect) as ended:
                other.receive_text()
            assert ended.value.code == uplink_wire.ELSEWHERE_CODE


def test_when_who_writes_dies_the_other_writes_what_it_held(tmp_path: Path, broker: Broker) -> None:
    settings = settings_for(tmp_path, broker)
    with ExitStack() as stack:
        gone = ExitStack()
        one = gone.enter_context(replica(settings, 1))
        ward_id = one.ward("A")
        until(lambda: one.service.lead.held)
        two = stack.enter_context(replica(settings, 2, one))
        device = one.bedside("A-1")
        with streaming(two, [device]), browser(two, ward_id, "n") as socket:
            until(lambda: len(two.rows(tables.estimate)) >= 20)
            assert not two.service.lead.held
            room(one).store.flush = stuck  # type: ignore[method-assign]
            before = len(two.rows(tables.estimate))
            time.sleep(2.5)
            assert len(two.rows(tables.estimate)) == before
            gone.close()
            until(lambda: two.service.lead.held, 10)
            hear(socket, "bed")
            until(lambda: len(two.rows(tables.estimate)) >= before + 30)

            async def seconds() -> list[int]:
                async with two.service.db.read() as conn:
                    found = await conn.execute(
                        tables.estimate.select().where(tables.estimate.c.parameter == "SBP")
                    )
                    return sorted(r.at_us // 1_000_000 for r in found)

            at_s = two.call(seconds)
            assert at_s == list(range(at_s[0], at_s[-1] + 1)), "no second is missing"


async def stuck(**_: Any) -> int:
    raise OSError("it hangs")


@contextmanager
def streaming(rig: Rig, devices: list[Bedside], every_s: float = 0.5) -> Iterator[list[int]]:
    """They tell while something else is done; how often each has."""
    ending, told = threading.Event(), [0] * len(devices)

    def tell() -> None:
        with ExitStack() as stack:
            sockets = [stack.enter_context(ingest(rig, device)) for device in devices]
            while not ending.wait(every_s):
                for n, socket in enumerate(sockets):
                    told[n] += 1
                    say(socket, seq=told[n], session_id=devices[n].id.replace("-", ""))

    telling = threading.Thread(target=tell)
    telling.start()
    try:
        yield told
    finally:
        ending.set()
        telling.join(20)


def test_a_broker_killed_ten_times_costs_the_record_path_nothing(tmp_path: Path) -> None:
    with own_broker() as broker, pair_of(tmp_path, broker) as pair:
        devices = [pair.one.bedside("A-1"), pair.one.bedside("A-2")]
        back_s, keeper = [], pair.one.bedside("A-3")
        with (
            streaming(pair.one, devices[:1], 0.35),
            streaming(pair.two, devices[1:], 0.35),
            browser(pair.one, pair.ward_id, "n1") as near,
            browser(pair.two, pair.ward_id, "n2") as far,
        ):
            for n in range(10):
                broker.kill()
                until(lambda: room(pair.one).bus.away and room(pair.two).bus.away, 5)
                ready = pair.one.http.get("/readyz")
                assert ready.status_code == 200 and "the broker does not answer" in ready.json()["limited"]
                sender = Sender(pair.one.http, keeper, golden(), session_id=f"{n:032x}".replace("0", "e", 1))
                sender.hand_over()
                assert hear(near, "bed")["bed_id"]  # who is connected here is shown here
                broker.start()
                began_s = time.monotonic()
                for socket, place in ((near, "A-2"), (far, "A-1")):
                    newest = time.time_ns() // 1000
                    while True:
                        told = hear(socket, "bed")
                        if told["bed_id"] == pair.one.beds[place] and told["msg"]["t_us"] > newest:
                            break
                back_s.append(time.monotonic() - began_s)
        print("live path back after", sorted(round(s, 2) for s in back_s))
        assert max(back_s) < 5
        assert {rig.http.get("/healthz").status_code for rig in (pair.one, pair.two)} == {200}
        assert len(pair.one.rows(tables.session)) == 10


def test_the_metrics_say_how_the_bus_is(tmp_path: Path) -> None:
    def page(rig: Rig) -> str:
        live = room(rig)
        told: bytes = rig.call(live.counts.page, rig.service, live.readers, live.bus)
        return told.decode()

    with own_broker() as broker, pair_of(tmp_path, broker) as pair:
        with ingest(pair.one, pair.one.bedside("A-1")) as bedside:
            say(bedside)
            until(lambda: room(pair.two).bus.traffic.heard >= 2)
        told = page(pair.two)
        assert "hemoview_live_bus_connected 1.0" in told
        assert 'hemoview_live_bus_words{what="heard"}' in told
        broker.kill()
        until(lambda: room(pair.two).bus.away)
        assert "hemoview_live_bus_connected 0.0" in page(pair.two)
        with browser(pair.two, pair.ward_id, "n") as far:
            assert "limited" not in hear(far, "tick"), "not for a moment's sake"
            until(lambda: hear(far, "tick").get("limited"))
            broker.start()
            until(lambda: "limited" not in hear(far, "tick"))
