"""The link is a table: every cell of it, and the waits between attempts."""

from itertools import product
from typing import get_args

import pytest

from recorder.acquire.link import LONGEST_RETRY_S, TRANSITIONS, Link, LinkEvent, next_state, retry_delay_s
from recorder.schema import LinkState

STATES, EVENTS = get_args(LinkState), get_args(LinkEvent)


@pytest.mark.parametrize(("state", "event"), list(product(STATES, EVENTS)))
def test_every_cell_is_a_state_or_is_refused_by_name(state: LinkState, event: LinkEvent) -> None:
    if (state, event) in TRANSITIONS:
        assert next_state(state, event) in STATES
    else:
        with pytest.raises(ValueError, match=f"{state} cannot see {event}"):
            next_state(state, event)


def test_every_state_is_reached_and_left() -> None:
    assert {to for (_, _), to in TRANSITIONS.items()} == set(STATES)
    assert {state for (state, _), to in TRANSITIONS.items() if to != state} == set(STATES)


@pytest.mark.parametrize("state", STATES)
def test_any_link_can_be_stopped(state: LinkState) -> None:
    assert next_state(state, "stop") == "idle"


def test_the_first_retry_comes_within_a_second_and_none_later_than_ten() -> None:
    waits = [retry_delay_s(attempt) for attempt in range(60)]
    assert waits[0] <= 1.0
    assert waits == sorted(waits)
    assert max(waits) == LONGEST_RETRY_S == 10.0


def test_a_link_counts_attempts_and_forgets_them_when_samples_flow() -> None:
    link = Link()
    for t in range(3):
        assert link.see("search", t)
        assert link.see("broke", t, "no such port")
    assert (link.state, link.attempt, link.error) == ("lost", 3, "no such port")
    link.see("search", 10)
    link.see("opened", 11)
    assert link.error == "no such port"  # an open link proves nothing yet
    link.see("sample", 12)
    assert (link.state, link.attempt, link.error, link.since_ns) == ("streaming", 0, "", 12)
    assert not link.see("sample", 13)
    assert link.since_ns == 12
