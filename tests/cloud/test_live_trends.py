"""Trends: by the second, by the minute, with their gaps; whose they are; how long they stay."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.live.room import Live
from hemoview.cloud.live.store import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from hemoview.cloud.live.trends import POINTS_MAX, span_of
from tests.cloud.cloud_rig import Clock, Rig
from tests.cloud.live_rig import SESSION
from tests.cloud.trends_rig import START_US, ask, put_rows, put_session


@pytest.fixture
def ward(rig: Rig) -> str:
    ward_id = rig.ward("A")
    put_session(rig, ward_id)
    return ward_id


def test_a_short_span_comes_by_the_second_with_its_gaps(rig: Rig, ward: str) -> None:
    put_rows(rig, [*range(10), *range(20, 30)])
    nurse = rig.person("n", ("operator", ward))
    told = ask(nurse, 0, 300).json()
    assert told["t_us"] == [START_US + s * SECOND_US for s in (*range(10), *range(20, 30))]
    assert told["est"][:3] == [100.0, 101.0, 102.0] and told["ref"][-1] == 130.0
    assert told["gaps"] == [[START_US + 10 * SECOND_US, START_US + 20 * SECOND_US]]
    assert (told["step_us"], told["hidden"], set(told["n"])) == (SECOND_US, False, {1})


def test_few_points_are_means_of_many_seconds(rig: Rig, ward: str) -> None:
    put_rows(rig, range(60))
    told = ask(rig.person("n", ("operator", ward)), 0, 60, points=7).json()
    assert told["step_us"] == 10 * SECOND_US
    assert told["n"] == [10] * 6
    assert told["est"][0] == pytest.approx(104.5)


def test_a_long_span_comes_by_the_minute(rig: Rig, ward: str, clock: Clock) -> None:
    put_rows(rig, range(125))
    put_rows(rig, range(125), parameter="MAP")
    store = rig.service.part(Live).store
    store._minutes |= {(SESSION, START_US + n * MINUTE_US) for n in range(3)}
    for _ in range(2):  # summing up again changes nothing
        rig.call(store.sum_up, rig.clock())
        store._minutes |= {(SESSION, START_US)}
    told = ask(rig.person("n", ("operator", ward)), 0, 86_400).json()
    assert (told["step_us"], told["n"]) == (MINUTE_US, [60, 60, 5])
    assert told["est"] == pytest.approx([129.5, 189.5, 222.0])


def test_a_trend_is_shown_where_its_ward_or_study_is(rig: Rig, ward: str) -> None:
    put_rows(rig, range(3))
    other = rig.ward("B")
    assert ask(rig.http, 0, 10).status_code == 401
    assert ask(rig.person("a", ("operator", other)), 0, 10).status_code == 404
    assert ask(rig.person("b", ("auditor", None)), 0, 10).status_code == 404
    assert ask(rig.person("c", ("clinician", None)), 0, 10).status_code == 200
    rig.put(tables.study, id="study", name="S")
    in_study = rig.person("d", ("researcher", None, "study"))
    assert ask(in_study, 0, 10).status_code == 404
    bedside = rig.bedside("A-1")
    kept = {"created_us": 0, "received_us": 0, "state": "open", "opening": "{}", "opening_sha256": ""}
    rig.put(tables.session, id=SESSION, device_id=bedside.id, study_id="study", wrapping_key_id="", **kept)
    assert ask(in_study, 0, 10).status_code == 200


def test_hidden_estimates_and_blinded_raters_see_the_reference_alone(rig: Rig, ward: str) -> None:
    put_rows(rig, range(3))
    rig.put(
        tables.session,
        id=SESSION,
        device_id=rig.bedside("A-1").id,
        ward_id=ward,
        created_us=0,
        received_us=0,
        state="open",
        opening="{}",
        opening_sha256="",
        wrapping_key_id="",
    )
    rater, nurse = rig.person("r", ("annotator", ward)), rig.person("n", ("operator", ward))
    assert ask(nurse, 0, 10).json()["est"] == [100.0, 101.0, 102.0]

    def check(told: dict[str, Any]) -> None:
        assert told["hidden"] and told["ref"] == [101.0, 102.0, 103.0]
        assert told["est"] == told["lo"] == told["hi"] == [None] * 3 and told["n"] == [0] * 3

    check(ask(rater, 0, 10).json())

    async def hide(conn: AsyncConnection) -> None:
        await conn.execute(update(tables.live_session).values(hidden=True))

    rig.do(hide)
    check(ask(nurse, 0, 10).json())


NO_QUESTIONS: list[dict[str, Any]] = [
    {"parameter": "SBP' OR 1=1"},
    {"parameter": ""},
    {"from_us": -1},
    {"from_us": "NaN"},
    {"to_us": 0},
    {"points": 1},
    {"points": POINTS_MAX + 1},
    {"colour": "red"},
]


def test_what_is_no_question_is_refused(rig: Rig, ward: str) -> None:
    nurse = rig.person("n", ("operator", ward))
    for wrong in NO_QUESTIONS:
        reply = ask(nurse, 10, 20, **wrong)
        told = (reply.status_code, reply.headers["content-type"])
        assert told == (422, "application/problem+json"), wrong


def test_old_rows_go_and_minutes_stay_longer(rig: Rig, ward: str, clock: Clock) -> None:
    now_us = rig.clock()
    put_session(rig, ward, "old", first_us=now_us - 40 * HOUR_US, last_us=now_us - 20 * HOUR_US)
    put_session(rig, ward, "gone", first_us=now_us - 200 * DAY_US, last_us=now_us - 199 * DAY_US)
    for session_id, ages_h in (("old", (40, 20)), ("gone", (4800,))):
        for age_h in ages_h:
            row = {"session_id": session_id, "at_us": now_us - age_h * HOUR_US, "parameter": "SBP"}
            rig.put(tables.estimate, **row, est=1.0)
            rig.put(tables.estimate_1m, **row, est=1.0, n=60)
    rig.call(rig.service.part(Live).store.forget, now_us)

    async def left(conn: AsyncConnection) -> list[list[Any]]:
        e, m, s = tables.estimate.c, tables.estimate_1m.c, tables.live_session.c
        return [list((await conn.execute(select(c))).scalars()) for c in (e.session_id, m.session_id, s.id)]

    rows, minutes, sessions = rig.do(left)
    assert (rows, minutes) == (["old"], ["old", "old"])
    assert set(sessions) == {SESSION, "old"}


@given(
    length_us=st.integers(1, 400 * DAY_US), points=st.integers(2, POINTS_MAX), start_us=st.integers(0, 2**50)
)
def test_there_are_never_more_points_than_asked_for(length_us: int, points: int, start_us: int) -> None:
    span = span_of("s", "SBP", start_us, start_us + length_us, points)
    first, last = start_us // span.step_us, (start_us + length_us - 1) // span.step_us
    assert last - first + 1 <= points
    assert span.step_us % SECOND_US == 0
