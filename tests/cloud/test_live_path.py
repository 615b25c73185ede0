"""Bedside → service → browser, over the routes."""

from __future__ import annotations

import json

import pytest

from hemoview.cloud import tables
from hemoview.cloud.live.room import Live
from hemoview.cloud.live.upkeep import Upkeep
from tests.cloud.cloud_rig import Clock, Rig
from tests.cloud.live_rig import (
    ORIGIN,
    count,
    flush,
    head,
    hear,
    ingest,
    message,
    numeric,
    say,
    state,
    watching,
)

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def ward(rig: Rig) -> str:
    return rig.ward("A", beds=3)


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
    upkeep = Upkeep(rig.service.part(Live))

    def seen() -> int | None:
        rig.call(upkeep.check)
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
    at_us = rig.rows(tables.estimate)[0].at_us
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
    assert sorted(r.est for r in rig.rows(tables.estimate)) == [99.25, 141.5]
    assert "141.5" not in rig.rows(tables.bed_state)[0].body
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
    (kept,) = rig.rows(tables.live_session)
    assert kept.simulated and kept.training
    assert rig.rows(tables.estimate)[0].est is None  # a trend could not tag it
