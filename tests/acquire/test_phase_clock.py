"""The protocol clock is a function of stored events, whichever recorder or window reads them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from recorder.acquire.phase_clock import ENDED, EXTENDED, STARTED, Moment, inflation, progress
from recorder.acquire.template_parts import Phase
from recorder.schema import CUFF_INFLATION, Event

NS = 10**9
PHASES = (Phase("Settle", 5), Phase("Rest", 10), Phase("End"))


def event(kind: str, at_s: float, era: int = 0, /, **payload: Any) -> Event:
    """Host time of era 1 begins anew: the machine was switched off in between."""
    host = round((at_s - (0 if era == 0 else 500)) * NS)
    return Event(f"{kind}-{at_s}-{len(payload)}", kind, host, round(at_s * NS), era, payload)


def started(index: int, at_s: float, era: int = 0) -> Event:
    phase = PHASES[index]
    return event(STARTED, at_s, era, index=index, name=phase.name, duration_s=phase.duration_s)


def now(at_s: float, era: int = 0) -> Moment:
    return Moment(round((at_s - (0 if era == 0 else 500)) * NS), round(at_s * NS), era)


def test_before_the_first_phase_there_is_no_protocol_clock() -> None:
    found = progress(PHASES, [event("marker", 3)], now(50))
    assert (found.running, found.next_index, found.clock_s) == (None, 0, None)


def test_a_phase_counts_down_and_can_be_extended() -> None:
    events = [started(0, 100), event(EXTENDED, 150, index=0, by_s=60.0)]
    found = progress(PHASES, events, now(130))
    assert found.running is not None and found.running.remaining_s == 300 + 60 - 30
    assert found.next_index == 1 and found.clock_s == 30


def test_an_open_phase_has_no_countdown() -> None:
    found = progress(PHASES, [started(2, 100)], now(4000))
    assert found.running is not None and found.running.remaining_s is None and found.next_index is None


def test_the_next_phase_follows_the_last_one_begun() -> None:
    events = [started(0, 100), event(ENDED, 400, index=0), started(1, 400)]
    found = progress(PHASES, events, now(401))
    assert found.running is not None and found.running.index == 1
    assert (found.next_index, found.done, found.clock_s) == (2, frozenset({0}), 301)


def test_after_a_reboot_the_wall_clock_tells() -> None:
    """Host times of two eras are never subtracted."""
    found = progress(PHASES, [started(1, 400)], now(700, 1))
    assert found.running is not None and found.running.remaining_s == 300


def test_a_stepped_wall_clock_does_not_touch_a_running_phase() -> None:
    moment = Moment(130 * NS, 9_999 * NS, 0)
    found = progress(PHASES, [started(0, 100)], moment)
    assert found.running is not None and found.running.elapsed_s == 30


@given(
    st.permutations(
        [started(0, 100), event(ENDED, 400, index=0), started(1, 400), event(EXTENDED, 410, by_s=30.0)]
    )
)
def test_order_of_arrival_does_not_matter(events: list[Event]) -> None:
    assert progress(PHASES, events, now(450)) == progress(
        PHASES, sorted(events, key=lambda e: e.wall_ns), now(450)
    )


def test_an_inflation_lasts_until_its_end_is_stored() -> None:
    begun = event(CUFF_INFLATION, 100, arm="left", state="started")
    found = inflation([begun], now(120))
    assert found is not None and (found.arm, found.elapsed_s) == ("left", 20)
    assert (
        inflation([begun, event(CUFF_INFLATION, 130, arm="left", state="ended", why="reading")], now(131))
        is None
    )
    assert inflation([], now(1)) is None
