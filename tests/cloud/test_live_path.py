"""Bedside → service → browser, over the routes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from hemoview.cloud import tables
from hemoview.cloud.live.room import Live
from recorder.sync import uplink_wire
from tests.cloud.cloud_rig import Clock, Rig
from tests.cloud.live_rig import ORIGIN, OTHER, SESSION, head, hear, ingest, message, numeric, say, state


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of the service is shorter: ticks, changes of the ward and rows come sooner."""
    monkeypatch.setattr("hemoview.cloud.live.room.EVERY_S", 0.05)


@pytest.fixture
def ward(rig: Rig) -> str:
    return rig.ward("A", beds=3)


def watching(rig: Rig, ward: str, *grants: Any) -> Any:
    nurse = rig.person("nurse", *(grants or (("operator", ward),)))
    return nurse.websocket_connect(f"/v1/live?ward={ward}", headers=ORIGIN)


def flush(rig: Rig) -> None:
    live = rig.service.part(Live)
    assert rig.http.portal is not None
    rig.http.portal.call(live.store.flush)


def rows(rig: Rig, table: Any) -> list[Any]:
    async def read(conn: AsyncConnection) -> list[Any]:
        return list((await conn.execute(select(table))).all())

    return rig.do(read)


def count(rig: Rig, name: str) -> float:
    page = rig.service.part(Live).counts._registry.get_sample_value(name)
    return page or 0.0


# ---- what arrives is seen


def test_a_bedside_is_seen_by_whoever_watches_its_ward(rig: Rig, ward: str) -> None:
    with watching(rig, ward) as browser, ingest(rig, rig.bedside("A-2")) as bedside:
        first = hear(browser, "ward")
        assert [(b["label"], b["last"]) for b in first["beds"]] == [
            ("A-1", None),
            ("A-2", None),
            ("A-3", None),
        ]
        say(bedside)
        told = hear(browser, "bed")
        assert told["bed_id"] == rig.beds["A-2"]
        assert told["gap"] == 0
        assert told["msg"]["head"]["pseudonym"] == "P-001"
        assert told["msg"]["numerics"]["SBP"]["est"] == 100.0
        assert set(told["msg"]["waves"]) == {"ppg", "cnap"}
        assert told["msg"]["footer"].startswith("Research estimate")
        again = hear(browser, "ward")
        assert again["beds"][1]["last"]["msg"]["numerics"]["SBP"]["est"] == 100.0
        assert again["beds"][1]["last"]["msg"]["waves"] == {}
        assert again["beds"][0]["last"] is None


def test_the_page_can_prove_that_it_is_alive(rig: Rig, ward: str) -> None:
    with watching(rig, ward) as browser:
        hear(browser, "tick")  # sent at once; the next may have waited in the queue since a moment before
        assert hear(browser, "tick")["server_us"] <= hear(browser, "tick")["server_us"]


def test_head_and_footer_left_out_are_filled_in(rig: Rig, ward: str) -> None:
    with watching(rig, ward) as browser, ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside, seq=1)
        say(bedside, seq=2, head=None, footer=None)
        assert hear(browser, "bed")["msg"]["seq"] == 1
        second = hear(browser, "bed")["msg"]
        assert (second["seq"], second["head"]["pseudonym"]) == (2, "P-001")
        assert second["footer"].startswith("Research")


def test_what_is_missing_is_counted_and_told(rig: Rig, ward: str) -> None:
    with watching(rig, ward) as browser, ingest(rig, rig.bedside("A-1")) as bedside:
        for seq in (1, 2, 6, 6, 5, 7):
            say(bedside, seq=seq)
        told = [hear(browser, "bed") for _ in range(4)]
        assert [(t["msg"]["seq"], t["gap"]) for t in told] == [(1, 0), (2, 0), (6, 3), (7, 0)]
    assert count(rig, "hemoview_live_gaps_total") == 3
    assert count(rig, "hemoview_live_repeated_total") == 2


def test_another_ward_sees_nothing(rig: Rig, ward: str) -> None:
    other = rig.ward("B")
    with watching(rig, other) as browser, ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside)
        hear(browser, "ward")
        kinds = [json.loads(browser.receive_text())["type"] for _ in range(3)]
        assert "bed" not in kinds


def test_a_bed_not_heard_of_has_no_data(rig: Rig, ward: str, clock: Clock) -> None:
    with watching(rig, ward) as browser, ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside)
        hear(browser, "bed")
        (asked,) = hear(browser, "ward")["beds"][0]["needs"]
        assert (asked["id"], asked["values"]) == ("confirm-binding", {})
        clock.forward(6)
        needs = hear(browser, "ward")["beds"][0]["needs"]
        assert {n["id"] for n in needs} == {"no-data", "confirm-binding"}


def test_a_need_is_told_since_when_also_to_who_comes_later(rig: Rig, ward: str, clock: Clock) -> None:
    contact, disk = ({"id": name, "values": {}} for name in ("poor-contact", "disk-low"))
    nurse = rig.person("nurse", ("operator", ward))
    with ingest(rig, rig.bedside("A-1")) as bedside:
        with nurse.websocket_connect(f"/v1/live?ward={ward}", headers=ORIGIN) as browser:
            say(bedside, seq=1, state=state(needs=[contact]))
            hear(browser, "bed")
        noticed_us = clock() - 1_000_000
        clock.forward(600)
        with nurse.websocket_connect(f"/v1/live?ward={ward}", headers=ORIGIN) as browser:
            say(bedside, seq=2, state=state(needs=[contact, disk]))
            since = {n["id"]: n["since_us"] for n in hear(browser, "bed")["msg"]["state"]["needs"]}
            assert abs(since["poor-contact"] - noticed_us) < 3_000_000
            assert since["disk-low"] - since["poor-contact"] >= 595_000_000
            say(bedside, seq=3, state=state(needs=[disk]))
            hear(browser, "bed")
            say(bedside, seq=4, state=state(needs=[disk, contact]))
            again = {n["id"]: n["since_us"] for n in hear(browser, "bed")["msg"]["state"]["needs"]}
            assert again["disk-low"] == since["disk-low"], "it is the same one still"
            assert again["poor-contact"] > since["poor-contact"], "it went and came again"


def test_a_bedside_that_only_streams_has_reported(rig: Rig, ward: str, clock: Clock) -> None:
    keeper = rig.person("keeper", ("admin", None))
    room = rig.service.part(Live)

    def seen() -> int | None:
        rig.http.portal.call(room.check)
        (one,) = keeper.get("/v1/devices").json()["devices"]
        return one["last_seen_us"]  # type: ignore[no-any-return]

    with watching(rig, ward) as browser, ingest(rig, rig.bedside("A-1")) as bedside:
        assert seen() is None, "nobody has heard of it yet"
        say(bedside)
        hear(browser, "bed")
        first = seen()
        assert first is not None and abs(clock() - first) < 5_000_000
        clock.forward(600)
        assert seen() == first, "connected, but silent"


def test_files_that_do_not_travel_need_somebody(rig: Rig, ward: str) -> None:
    with watching(rig, ward) as browser, ingest(rig, rig.bedside("A-1")) as bedside:
        long_ago = message()["t_us"] - 3_600_000_000
        sync = {"waiting": 3, "total": 41, "last_success_us": long_ago}
        say(bedside, state=state(sync=sync, needs=[{"id": "poor-contact", "values": {"device": "E4"}}]))
        needs = {n["id"]: n["values"] for n in hear(browser, "bed")["msg"]["state"]["needs"]}
        assert needs["sync-lag"] == {"waiting": 3, "total": 41, "age_s": 3600}
        assert needs["poor-contact"] == {"device": "E4"}


def test_a_clock_that_differs_is_said_and_rows_are_dated_by_arrival(rig: Rig, ward: str) -> None:
    with watching(rig, ward) as browser, ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside, t_us=message()["t_us"] - 86_400_000_000)
        needs = {n["id"]: n["values"] for n in hear(browser, "bed")["msg"]["state"]["needs"]}
        assert needs["clock-differs"]["seconds"] == pytest.approx(86_400, abs=5)
    flush(rig)
    at_us = rows(rig, tables.estimate)[0].at_us
    assert abs(at_us - rig.clock()) < 10_000_000


# ---- hidden estimates (safety rule 13)


def test_hidden_estimates_are_kept_and_shown_to_nobody(rig: Rig, ward: str) -> None:
    with watching(rig, ward) as browser, ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside, head=head(hidden=True), numerics={"SBP": numeric(141.5), "MAP": numeric(99.25)})
        told = hear(browser, "bed")
        assert told["msg"]["numerics"]["SBP"] == {
            "est": None,
            "lo": None,
            "hi": None,
            "why": "hidden",
            "sim": False,
            "ref": 124.0,
            "ref_valid": True,
        }
        everything = json.dumps([told, hear(browser, "ward")])
        assert "141.5" not in everything and "99.25" not in everything
        assert told["msg"]["state"]["personalised_age_s"] is None
    flush(rig)
    assert sorted(r.est for r in rows(rig, tables.estimate)) == [99.25, 141.5]
    assert "141.5" not in rows(rig, tables.bed_state)[0].body
    nurse = rig.person("second", ("operator", ward))
    state_told = nurse.get(f"/v1/wards/{ward}/state").text
    assert "141.5" not in state_told and '"hidden":true' in state_told


def test_the_marks_of_simulation_and_training_stay(rig: Rig, ward: str) -> None:
    with watching(rig, ward) as browser, ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside, head=head(simulated=True, training=True), numerics={"SV": numeric(70.0, sim=True)})
        told = hear(browser, "bed")["msg"]
        assert told["head"]["simulated"] and told["head"]["training"]
        assert told["numerics"]["SV"]["sim"]
    flush(rig)
    (kept,) = rows(rig, tables.live_session)
    assert kept.simulated and kept.training
    assert rows(rig, tables.estimate)[0].est is None  # a trend could not tag it


# ---- bindings (safety rule 5)


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
    assert rows(rig, tables.bed_binding)[0].session_id == "2d" * 16


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


def hear_state(rig: Rig, ward: str, nurse: Any, until: Any) -> dict[str, Any]:
    for _ in range(200):
        told: dict[str, Any] = nurse.get(f"/v1/wards/{ward}/state").json()
        if until(told):
            return told
    raise AssertionError("it never came")


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
    assert [e.actor for e in rows(rig, tables.audit) if e.action == "bed.confirm"] == ["user:n"]


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
    assert rows(rig, tables.bed_state) == rows(rig, tables.estimate) == []
    entries = [e for e in rows(rig, tables.audit) if e.action == "live.message"]
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
        assert rig.http.portal is not None
        rig.http.portal.call(rig.service.part(Live).connections.check)  # every ten seconds by itself
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


# ---- what stays


def test_the_ward_is_remembered_over_a_restart(rig: Rig, ward: str) -> None:
    with ingest(rig, rig.bedside("A-1")) as bedside:
        say(bedside)
        nurse = rig.person("n", ("operator", ward))
        hear_state(rig, ward, nurse, lambda t: t["beds"][0]["last"])
        nurse.post(f"/v1/beds/{rig.beds['A-1']}/confirm", json={"session_id": SESSION})
    flush(rig)
    again = Live(rig.service)
    assert rig.http.portal is not None
    rig.http.portal.call(again.store.recall, again.board, rig.clock())
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
    assert [(r.parameter, r.est) for r in rows(rig, tables.estimate)] == [("SBP", 101.0)]


def test_a_database_that_fails_for_a_moment_loses_nothing(
    rig: Rig, ward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(Exception):
        pass

    async def fails(*_: Any) -> None:
        raise Full

    store = rig.service.part(Live).store
    assert rig.http.portal is not None
    with ingest(rig, rig.bedside("A-1")) as bedside, watching(rig, ward) as browser:
        with monkeypatch.context() as broken:
            broken.setattr("hemoview.cloud.live.store.insert_new", fails)
            say(bedside)
            hear(browser, "bed")  # who watches notices nothing
            with pytest.raises(Full):
                rig.http.portal.call(store.flush)
        flush(rig)
    assert len(rows(rig, tables.estimate)) == 10
    assert [r.session_id for r in rows(rig, tables.bed_state)] == [SESSION]
    assert [r.id for r in rows(rig, tables.live_session)] == [SESSION]


def test_an_erased_session_is_shown_and_kept_no_longer(rig: Rig, ward: str) -> None:
    device = rig.bedside("A-1")
    live = rig.service.part(Live)
    assert rig.http.portal is not None
    with watching(rig, ward) as browser:
        with ingest(rig, device) as bedside:
            say(bedside)
            hear(browser, "bed")
            rig.put(
                tables.erasure, session_id=SESSION, at_us=0, by="user:a", why="withdrawn", unreachable="[]"
            )
            say(bedside, seq=2)
            hear(browser, "bed")
            rig.http.portal.call(live.check)  # every ten seconds by itself
            with pytest.raises(WebSocketDisconnect) as ended:
                bedside.receive_text()
            assert ended.value.code == uplink_wire.ELSEWHERE_CODE
        while hear(browser, "ward")["beds"][0]["last"] is not None:
            pass
        with ingest(rig, device) as bedside:  # it comes again, not knowing yet
            say(bedside, seq=3)
            with pytest.raises(WebSocketDisconnect) as ended:
                bedside.receive_text()
            assert ended.value.code == uplink_wire.ELSEWHERE_CODE
            assert ended.value.reason == "this session was erased"
    flush(rig)
    assert live.store.sessions == frozenset()
    assert rows(rig, tables.estimate) == rows(rig, tables.live_session) == rows(rig, tables.bed_state) == []
    nurse = rig.person("n", ("operator", ward))
    assert "P-001" not in nurse.get(f"/v1/wards/{ward}/state").text
