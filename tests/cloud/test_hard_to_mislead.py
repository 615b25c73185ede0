"""Clocks that jump, connections that hang, jobs that kill, texts that turn around: nothing false is shown for it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.testclient import WebSocketDenialResponse

from hemoview.cloud import audit, tables
from hemoview.cloud.jobs.in_process import InProcess
from hemoview.cloud.jobs.life import FAILED
from hemoview.cloud.jobs.queue import AGAIN_S
from hemoview.cloud.live.board import STALE_US, BedNow, Board, needs
from hemoview.cloud.live.connections import Connections, Ingest
from hemoview.cloud.live.room import Live
from hemoview.cloud.live.words import Heard
from hemoview.cloud.service import open_service
from hemoview.cloud.settings import Settings
from recorder.sync.uplink import wire as uplink_wire
from tests.cloud.cloud_rig import Clock, Rig
from tests.cloud.live_rig import ORIGIN, SESSION, hear_state, ingest, message, say
from tests.cloud.test_blinding import synced
from tests.cloud.test_jobs import Counting

# ---- time


def test_a_clock_that_was_set_back_makes_nothing_look_fresh(rig: Rig, clock: Clock) -> None:
    ward = rig.ward("A")
    nurse = rig.person("n", ("operator", ward))
    with ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside)
        hear_state(rig, ward, nurse, lambda t: t["beds"][0]["binding"])
    clock.forward(-1800)
    told = nurse.get(f"/v1/wards/{ward}/state").json()["beds"][0]
    assert next(need["id"] for need in told["needs"]) == "no-data"


def test_a_bed_that_spoke_in_the_future_goes_quiet() -> None:
    board = Board()
    bed = board.beds["b"] = BedNow("b", "w")
    now_us = message()["t_us"]
    board.take(bed, Heard("d", "b", "w", now_us, "c"), uplink_wire.read(json.dumps(message())))
    assert board.gone_quiet(now_us) == [] and not [n for n in needs(bed, now_us) if n["id"] == "no-data"]
    assert board.gone_quiet(now_us - STALE_US - 1) == [bed]


# ---- connections


class Hanging:
    """A WebSocket whose other side answers no closing."""

    def __init__(self) -> None:
        self.closing = 0

    async def close(self, code: int, why: str) -> None:
        self.closing = code
        await asyncio.sleep(3600)


def test_a_bedside_that_does_not_let_go_holds_up_no_other(rig: Rig) -> None:
    rig.ward("A")
    devices = [rig.bedside("A-1"), rig.bedside("A-2")]

    async def go() -> list[int]:
        sockets = [Hanging(), Hanging()]
        connections = Connections(rig.service)
        for socket, device in zip(sockets, devices, strict=True):
            made: Any = socket
            connections.take_over(Ingest(made, device.id, "", 0, until_us=1))  # their tokens ran out long ago
        await asyncio.wait_for(connections.check(), 30)
        await asyncio.sleep(0)
        return [socket.closing for socket in sockets]

    assert rig.call(go) == [uplink_wire.UNKNOWN_CODE] * 2


def test_nothing_more_is_taken_of_a_bedside_that_is_being_shown_out(rig: Rig) -> None:
    ward = rig.ward("A")
    nurse = rig.person("n", ("operator", ward))
    live = rig.service.part(Live)
    with ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside)
        hear_state(rig, ward, nurse, lambda t: t["beds"][0]["binding"])
        for one in live.connections._ingests.values():
            one.ended = True
        say(bedside, seq=2)
        bedside.close()
    told = nurse.get(f"/v1/wards/{ward}/state").json()["beds"][0]
    assert told["last"]["msg"]["seq"] == 1


def test_one_account_does_not_take_the_memory_of_all(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hemoview.cloud.live.connections.SEATS", 2)
    ward = rig.ward("A")
    nurse, other = rig.person("n", ("operator", ward)), rig.person("o", ("operator", ward))
    path = f"/v1/live?ward={ward}"
    with nurse.websocket_connect(path, headers=ORIGIN), nurse.websocket_connect(path, headers=ORIGIN):
        with pytest.raises(WebSocketDenialResponse) as denied, nurse.websocket_connect(path, headers=ORIGIN):
            pass
        assert denied.value.status_code == 429
        with other.websocket_connect(path, headers=ORIGIN) as socket:
            assert socket.receive_text()
    with nurse.websocket_connect(path, headers=ORIGIN) as socket:  # who leaves makes room
        assert socket.receive_text()


# ---- jobs


def test_a_job_that_ends_the_service_each_time_is_given_up(tmp_path: Path) -> None:
    async def go() -> tuple[Any, Counting]:
        service = await open_service(Settings(folder=tmp_path / "service"))
        jobs, handler = InProcess(service), Counting()
        jobs.serve("count", handler)
        row = {"kind": "count", "body": '{"n": 1}', "state": "running", "attempts": len(AGAIN_S) + 1}
        async with service.db.begin() as conn:
            await conn.execute(insert(tables.job).values(id="j", run_after_us=0, created_us=0, **row))
        task = asyncio.create_task(jobs.keep_working())
        found = None
        for _ in range(300):
            await asyncio.sleep(0.01)
            async with service.db.read() as conn:
                found = (await conn.execute(select(tables.job))).one()
            if found.state not in {"running", "queued"}:
                break
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await service.close()
        return found, handler

    found, handler = asyncio.run(go())
    assert (found.state, handler.tries) == (FAILED, 0)
    assert handler.given_up and "the service ended" in handler.given_up[0]


# ---- texts


@pytest.mark.parametrize("text", ["Bed \u202e7", "\u2066x", "a\x00b", "\ufeffx"])
def test_names_of_places_do_not_turn_around(rig: Rig, text: str) -> None:
    chief = rig.person("chief", ("admin", None))
    assert chief.post("/v1/sites", json={"name": text}).status_code == 422


@pytest.mark.parametrize("text", ["a\x00b", "a\x1b[2J", "   ", "\n"])
def test_what_people_write_is_lines_of_text(rig: Rig, text: str) -> None:
    ward = rig.ward("A")
    synced(rig)
    physician = rig.person("c", ("clinician", ward))
    body: dict[str, Any] = {"session_id": SESSION, "text": text}
    assert physician.post("/v1/feedback", json=body).status_code == 422
    report = "/v1/reports/00000000-0000-0000-0000-000000000000/withdraw"
    assert physician.post(report, json={"reason": text * 3}).status_code == 422


@pytest.mark.parametrize("path", ["/v1/sessions?ward=%00", "/v1/audit?actor=a%00b", "/v1/wards/%00/state"])
def test_no_address_holds_what_no_database_takes(rig: Rig, path: str) -> None:
    reply = rig.person("a", ("auditor", None), ("operator", None)).get(path)
    assert reply.status_code == 400 and reply.headers["content-type"] == "application/problem+json"


def test_a_ward_with_a_zero_byte_is_none(rig: Rig) -> None:
    nurse = rig.person("n", ("operator", None))
    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        nurse.websocket_connect("/v1/live?ward=a%00b", headers=ORIGIN),
    ):
        pass
    assert denied.value.status_code == 404


# ---- what is written down


def test_a_bed_is_confirmed_only_if_that_is_written_down(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    ward = rig.ward("A")
    nurse = rig.person("n", ("operator", ward))
    with ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside)
        hear_state(rig, ward, nurse, lambda t: t["beds"][0]["binding"])
        with monkeypatch.context() as patched:
            patched.setattr(audit, "append", full)
            reply = nurse.post(f"/v1/beds/{rig.beds['A-1']}/confirm", json={"session_id": SESSION})
        assert reply.status_code == 500
        assert not nurse.get(f"/v1/wards/{ward}/state").json()["beds"][0]["binding"]["confirmed"]


def test_an_entry_that_was_tampered_with_does_not_hide_the_log(rig: Rig) -> None:
    async def write(conn: AsyncConnection) -> None:
        await audit.append(conn, audit.Entry(1, "user:a", "login", "o", detail="{no json"))

    rig.do(write)
    found = rig.person("auditor", ("auditor", None)).get("/v1/audit").json()["entries"]
    assert found[0]["detail"] == {"unreadable": "{no json"}
