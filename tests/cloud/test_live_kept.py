"""What the live room keeps: over a restart, a failing database, an erasure."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from hemoview.cloud import tables
from hemoview.cloud.ending import ended
from hemoview.cloud.live.room import Live
from hemoview.cloud.live.upkeep import Upkeep
from hemoview.cloud.live.words import Heard
from recorder.sync.uplink import wire as uplink_wire
from tests.cloud.cloud_rig import Rig
from tests.cloud.live_rig import SESSION, flush, hear, hear_state, ingest, message, numeric, say, watching

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def ward(rig: Rig) -> str:
    return rig.ward("A", beds=3)


def test_the_ward_is_remembered_over_a_restart(rig: Rig, ward: str) -> None:
    with ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside)
        nurse = rig.person("n", ("operator", ward))
        hear_state(rig, ward, nurse, lambda t: t["beds"][0]["last"])
        nurse.post(f"/v1/beds/{rig.beds['A-1']}/confirm", json={"session_id": SESSION})
    flush(rig)
    again = Live(rig.service)
    rig.call(again.store.recall, again.board, rig.clock())
    bed = again.board.beds[rig.beds["A-1"]]
    assert bed.session_id == SESSION
    assert bed.binding is not None and bed.binding.confirmed_by == "user:n"
    assert bed.last is not None and bed.last.numerics["SBP"]["est"] == 100.0


def test_a_second_is_kept_once(rig: Rig, ward: str) -> None:
    with ingest(rig, rig.bedside("A-1")) as bedside, watching(rig, ward) as browser:
        t_us = message()["t_us"] // 1_000_000 * 1_000_000
        for seq in (1, 2):
            say(bedside, seq=seq, t_us=t_us + seq, numerics={"SBP": numeric(100.0 + seq)})
            hear(browser, "bed")
            flush(rig)
    assert [(r.parameter, r.est) for r in rig.rows(tables.estimate)] == [("SBP", 101.0)]


def test_a_database_that_fails_for_a_moment_loses_nothing(
    rig: Rig, ward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(Exception):
        pass

    async def fails(*_: Any) -> None:
        raise Full

    store = rig.service.part(Live).store
    with ingest(rig, rig.bedside("A-1")) as bedside, watching(rig, ward) as browser:
        with monkeypatch.context() as broken:
            broken.setattr("hemoview.cloud.live.store.insert_new", fails)
            say(bedside)
            hear(browser, "bed")  # who watches notices nothing
            with pytest.raises(Full):
                rig.call(store.flush)
        flush(rig)
    assert len(rig.rows(tables.estimate)) == 10
    assert [r.session_id for r in rig.rows(tables.bed_state)] == [SESSION]
    assert [r.id for r in rig.rows(tables.live_session)] == [SESSION]


def test_a_write_that_the_end_of_the_service_breaks_off_is_done_after_it(rig: Rig, ward: str) -> None:
    live, device = Live(rig.service), rig.bedside("A-1")

    async def ends_while_it_writes() -> None:
        bed = await live.bed_now(rig.beds["A-1"])
        assert bed is not None
        told = uplink_wire.read(json.dumps(message()))
        live.hear(bed, Heard(device.id, bed.bed_id, ward, rig.clock(), "a connection"), told)
        async with rig.service.db.begin():  # somebody else writes
            writing = asyncio.create_task(live.store.flush())
            await asyncio.sleep(0)  # it has taken what was collected, and waits for its turn
            await ended(writing)
        await Upkeep(live)._end()

    rig.call(ends_while_it_writes)
    assert len(rig.rows(tables.estimate)) == 10
    assert [r.session_id for r in rig.rows(tables.bed_state)] == [SESSION]


def test_an_erased_session_is_shown_and_kept_no_longer(rig: Rig, ward: str) -> None:
    device = rig.bedside("A-1")
    live = rig.service.part(Live)
    with watching(rig, ward) as browser:
        with ingest(rig, device) as bedside:
            say(bedside)
            hear(browser, "bed")
            rig.put(
                tables.erasure, session_id=SESSION, at_us=0, by="user:a", why="withdrawn", unreachable="[]"
            )
            say(bedside, seq=2)
            hear(browser, "bed")
            rig.call(Upkeep(live).check)  # every ten seconds by itself
            with pytest.raises(WebSocketDisconnect) as closed:
                bedside.receive_text()
            assert closed.value.code == uplink_wire.ELSEWHERE_CODE
        while hear(browser, "ward")["beds"][0]["last"] is not None:
            pass
        with ingest(rig, device) as bedside:  # it comes again, not knowing yet
            say(bedside, seq=3)
            with pytest.raises(WebSocketDisconnect) as closed:
                bedside.receive_text()
            assert closed.value.code == uplink_wire.ELSEWHERE_CODE
            assert closed.value.reason == "this session was erased"
    flush(rig)
    assert live.store.sessions == frozenset()
    assert rig.rows(tables.estimate) == rig.rows(tables.live_session) == rig.rows(tables.bed_state) == []
    nurse = rig.person("n", ("operator", ward))
    assert "P-001" not in nurse.get(f"/v1/wards/{ward}/state").text
