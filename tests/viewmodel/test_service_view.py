"""What the screens say of a service: the line on top and the dialog, by one pure function each."""

from __future__ import annotations

import pytest

from hemoview.ui.words.pages.service import CHINESE, ENGLISH
from hemoview.viewmodel.live.service import (
    FEEDBACK,
    feedback_in,
    feedback_of,
    form_problem,
    service_view,
    sync_line,
)
from recorder.schema import Amendment
from recorder.schema.sync_status import LIVE_TROUBLES, SYNC_STATES, LiveTrouble, SyncState, SyncStatus
from recorder.sync import answers, orders

NOW_US = 1_795_000_000_000_000
MIN_US = 60_000_000
DAY_US = 86_400_000_000


def status(
    state: SyncState = "idle", waiting: int = 0, last_ago_min: int | None = 2, **more: object
) -> SyncStatus:
    last_us = None if last_ago_min is None else NOW_US - last_ago_min * MIN_US
    told = SyncStatus(
        "ward:1",
        "https://ward:1",
        "s",
        "Bed 3",
        "A",
        state,
        waiting,
        41,
        last_success_us=last_us,
        at_us=NOW_US,
    )
    return SyncStatus(**{**told.to_json(), **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "said", "level"),
    [
        (status(), "sync-line-done", "quiet"),
        (status(last_ago_min=None), "sync-line-nothing", "quiet"),
        (status("sending", 3), "sync-line-waiting", "info"),
        (status("sending", 3, None), "sync-line-waiting", "info"),
        (status("sending", 3, 90), "sync-line-waiting", "warn"),
        (status("unreachable", 3), "sync-line-no-answer", "warn"),
        (status("unreachable"), "sync-line-away", "info"),
        (status("refused", 3), "sync-line-refused", "danger"),
        (status("other-service"), "sync-line-refused", "danger"),
        (status(certificate_ends_us=NOW_US + 20 * DAY_US), "sync-line-done", "quiet"),
        (status(certificate_ends_us=NOW_US + 13 * DAY_US), "sync-line-certificate", "warn"),
        (status("sending", 3, certificate_ends_us=NOW_US - DAY_US), "sync-line-certificate", "warn"),
        (status("refused", certificate_ends_us=NOW_US), "sync-line-refused", "danger"),
        (status("unreachable", 3, certificate_ends_us=NOW_US), "sync-line-no-answer", "warn"),
    ],
)
def test_the_line_on_top(told: SyncStatus, said: str, level: str) -> None:
    line = sync_line((told,), NOW_US, 0)
    assert line is not None and (line.message.id, line.level) == (said, level)


def test_no_service_no_line_and_of_two_the_worst() -> None:
    assert sync_line((), NOW_US, 0) is None
    line = sync_line((status(), status("refused"), status("sending", 1)), NOW_US, 0)
    assert line is not None and line.level == "danger"


def test_an_old_success_is_told_with_its_day() -> None:
    line = sync_line((status("unreachable", 1, 3 * 24 * 60),), NOW_US, 0)
    assert line is not None and line.whole is not None
    assert str(line.whole.as_dict()["last"]).startswith("2026-")


@pytest.mark.parametrize("state", SYNC_STATES)
def test_every_state_has_its_words(state: SyncState) -> None:
    view = service_view(status(state, sessions_home=2), NOW_US, 0)
    assert view.state.id == f"service-state-{state}" and view.home is not None


def test_what_the_advice_knows_better_than_the_state_is_said() -> None:
    revoked = service_view(status("refused", advice=answers.REVOKED), NOW_US, 0)
    expired = service_view(status("other-service", advice=answers.CERTIFICATE), NOW_US, 0)
    other = service_view(status("other-service"), NOW_US, 0)
    assert [(v.state.id, v.needs_code) for v in (revoked, expired, other)] == [
        ("service-state-revoked", True),
        ("service-state-certificate", False),
        ("service-state-other-service", False),
    ]


def test_nothing_is_claimed_before_the_service_was_asked() -> None:
    assert service_view(status(at_us=0), NOW_US, 0).state.id == "service-state-starting"


def test_clocks_that_differ_and_a_certificate_that_runs_out_are_said() -> None:
    soon_us = NOW_US + 3 * 24 * 60 * MIN_US
    told = [status(), status(clock_ahead_s=90), status(clock_ahead_s=-90, certificate_ends_us=soon_us)]
    assert [[w.id for w in service_view(one, NOW_US, 0).warnings] for one in told] == [
        [],
        ["service-clock-ahead"],
        ["service-clock-behind", "sync-line-certificate-whole"],
    ]


@pytest.mark.parametrize("trouble", [t for t in LIVE_TROUBLES if t])
def test_what_the_ward_does_not_see_or_sees_by_the_second_way_is_said(trouble: LiveTrouble) -> None:
    told = status(live_trouble=trouble, live_way="service", live_why="said in English")
    (warning,) = service_view(told, NOW_US, 0).warnings
    for catalogue in (ENGLISH, CHINESE):
        words = catalogue[warning.id].format(**warning.as_dict())
        assert told.server in words and told.live_why not in words


@pytest.mark.parametrize("trouble", ["away", "broke"])
def test_a_service_that_does_not_answer_is_said_once(trouble: LiveTrouble) -> None:
    told = status("unreachable", live_trouble=trouble, live_why="cannot be reached")
    assert service_view(told, NOW_US, 0).warnings == ()


def test_the_queue_in_words() -> None:
    told = [status(total=0), status(), status("sending", 3), status("sending", 3, None)]
    assert [service_view(one, NOW_US, 0).queue.id for one in told] == [
        "service-queue-none",
        "service-queue-done",
        "service-queue",
        "service-queue-first",
    ]


def test_messages_come_newest_first_and_odd_ones_are_left_out() -> None:
    found = feedback_of(
        [{"at_us": 1, "text": "a"}, {"at_us": 2, "text": "b", "author": "Dr A"}, {"at_us": "x"}], 3600
    )
    assert [(f.text, f.author) for f in found] == [("b", "Dr A"), ("a", "")]


def test_what_the_form_needs() -> None:
    told = [form_problem(a, c) for a, c in (("", "ABCD"), ("ward", " "), ("ward", "ABCD"))]
    assert [p.id if p else "" for p in told] == ["service-needs-address", "service-needs-code", ""]


def test_messages_kept_in_a_session_are_found_among_its_amendments() -> None:
    kept = Amendment("feedback", None, {"at_us": 1, "author": "Dr A", "text": "poor"}, "Dr A", "feedback", 1)
    other = Amendment("notes", "", "x", "OP1", "forgotten", 1)
    assert [f.text for f in feedback_in([other, kept], 0)] == ["poor"]
    assert FEEDBACK == orders.FEEDBACK
