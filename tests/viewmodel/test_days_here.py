"""Days and times of day are those of the place of the screen, at midnight, New Year and when clocks change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.model import LiveModel
from hemoview.viewmodel.review.sessions import _quarantined
from hemoview.viewmodel.sessions.pseudonym import Known
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.sessions.start_form import examine
from recorder import session
from recorder.clock import ClockEra
from recorder.testing.clock import FakeClock

InZone = Callable[[str], None]


def ns(*utc: int) -> int:
    return int(datetime(*utc, tzinfo=UTC).timestamp()) * 10**9  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("zone", "at_ns", "told"),
    [
        ("Asia/Shanghai", ns(2026, 12, 31, 16, 0), "2027-01-01 00:00"),
        ("Pacific/Kiritimati", ns(2026, 12, 31, 9, 59, 59), "2026-12-31 23:59"),
        ("America/St_Johns", ns(2028, 3, 1, 3, 29), "2028-02-29 23:59"),
        ("Asia/Kathmandu", ns(2028, 2, 28, 18, 15), "2028-02-29 00:00"),
        ("Europe/Berlin", ns(2026, 10, 25, 0, 59), "2026-10-25 02:59"),
        ("Europe/Berlin", ns(2026, 10, 25, 1, 0), "2026-10-25 02:00"),
        ("Europe/Berlin", ns(2026, 3, 29, 0, 59), "2026-03-29 01:59"),
        ("Europe/Berlin", ns(2026, 3, 29, 1, 0), "2026-03-29 03:00"),
    ],
)
def test_the_live_window_goes_with_the_clock_on_the_wall(
    in_zone: InZone, zone: str, at_ns: int, told: str
) -> None:
    in_zone(zone)
    clock = FakeClock(wall_s=at_ns / 1e9 - 86_400)
    model = LiveModel(
        clock, offset_s=formats.offset_here_s
    )  # opened the day before, like a window of a long recording
    clock.advance(86_400)
    facts = model.facts()
    day, time = (form(facts.wall_ns, facts.utc_offset_s) for form in (formats.day, formats.time_of_day))
    assert f"{day} {time}" == told


def test_a_session_before_eight_in_shanghai_was_on_that_day(in_zone: InZone) -> None:
    in_zone("Asia/Shanghai")
    known = Known("P-014", sessions=1, created_wall_ns=ns(2026, 11, 20, 23, 30))
    view = examine(replace(StartForm(), pseudonym="P-014"), None, today=date(2026, 11, 22), known=known)
    told = next(r.message for r in view.remarks if r.message.id == "pseudonym-known")
    assert told.as_dict()["last"] == "2026-11-21"


def test_a_discarded_session_is_erased_on_the_day_of_the_place(in_zone: InZone, tmp_path: Path) -> None:
    in_zone("Asia/Shanghai")
    header = session.SessionHeader("s", "bed-1", ns(2026, 11, 1), zone="Asia/Shanghai", utc_offset_s=28_800)
    writer = session.create(
        tmp_path / "s", header, ClockEra(0, "era-0", "boot-0", 5 * 10**12, ns(2026, 11, 1))
    )
    writer.close("stopped")
    found = session.discard(tmp_path / "s", why="test", who="OP1", wall_ns=ns(2026, 11, 20, 23, 30))
    told = _quarantined(found.path)
    assert told is not None
    assert told.as_dict()["day"] == "2026-12-21"
