"""What the monitor's clock shows: any time of day, over midnight, kept as a clock point of the session."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from bed import Bed
from hypothesis import given
from hypothesis import strategies as st

from recorder.acquire.monitor_clock import DAY_S, ahead_s, local_second_of_day, second_of_day
from recorder.errors import ConfigError, SessionError


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    made.station.start()
    yield made
    made.station.close()


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_every_time_a_clock_shows_is_read(hour: int, minute: int, second: int) -> None:
    whole = second_of_day(f"{hour:02d}:{minute:02d}:{second:02d}")
    assert whole == 3600 * hour + 60 * minute + second
    assert second_of_day(f" {hour}.{minute:02d} ") == 3600 * hour + 60 * minute


@given(st.text(max_size=12))
def test_anything_else_is_none_of_it(text: str) -> None:
    found = second_of_day(text)
    assert found is None or 0 <= found < DAY_S


@given(st.integers(0, DAY_S - 1), st.floats(-43_000, 43_000))
def test_the_difference_is_found_over_midnight(local: int, off: float) -> None:
    assert ahead_s(round((local + off) % DAY_S), local) == pytest.approx(off, abs=0.51)


def test_it_is_stored_as_a_clock_point_of_the_monitor(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    at_ns = bed.station.clock.wall_ns()
    local = datetime.fromtimestamp(at_ns / 1e9, UTC).astimezone(ZoneInfo("Europe/Berlin"))
    second = int(local_second_of_day(at_ns, "Europe/Berlin") + 90) % DAY_S
    shown = f"{second // 3600:02d}:{second % 3600 // 60:02d}:{second % 60:02d}"
    told = bed.ask("monitor_clock", shown=shown, at_wall_ns=at_ns, operator="OP1")
    assert told["ahead_s"] == pytest.approx(90, abs=1.01), local
    bed.ask("stop", reason="done")
    with bed.read(folder) as stored:
        (event,) = stored.events("monitor-clock")
        assert event.payload == {"shown": shown, "ahead_s": told["ahead_s"], "operator": "OP1"}
        assert abs(stored.t_s(event.t_host_ns, event.era)) < 60


def test_what_is_no_time_and_no_session_are_refused(bed: Bed) -> None:
    with pytest.raises(SessionError, match="press Start"):
        bed.ask("monitor_clock", shown="14:05", at_wall_ns=0)
    bed.connect("adc")
    bed.start()
    with pytest.raises(ConfigError, match="is no time; enter it as it shows"):
        bed.ask("monitor_clock", shown="25:99", at_wall_ns=0)
