"""The battery that ends first is named in the header, and has a line of its own before it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.live.battery import battery_banners, battery_line
from hemoview.viewmodel.live.facts import Facts
from recorder.schema import LinkStatus
from tests.viewmodel.synthetic_bedside import SyntheticBedside


def facts_with(*links: LinkStatus, recording: bool = True) -> Facts:
    bedside = SyntheticBedside()
    bedside.run(1.0)
    facts = bedside.model.facts()
    assert facts.status is not None
    session = replace(facts.status.session, state="open" if recording else "none")
    return replace(facts, status=replace(facts.status, links=links, session=session))


def band(battery: float | None, hours: float | None = None, name: str = "e4") -> LinkStatus:
    return LinkStatus(name, "streaming", "Empatica E4", battery=battery, battery_hours_left=hours)


def test_the_weakest_is_named_with_its_forecast() -> None:
    line, grave = battery_line(
        facts_with(band(0.9, 30.0), band(0.5, 3.5, "oximeter"), band(None, name="adc"))
    )
    assert words(line) == "oximeter ▮ 50 % · 3 h 30"
    assert grave == "ok"


def test_nothing_is_said_where_no_device_has_one() -> None:
    assert battery_line(facts_with(band(None))) == (None, "ok")
    assert battery_banners(facts_with(band(None))) == []


@pytest.mark.parametrize(
    ("battery", "hours", "level"),
    [
        (0.9, 30.0, None),
        (0.18, None, "warn"),
        (0.5, 0.8, "warn"),
        (0.5, 0.2, "danger"),
        (0.04, None, "danger"),
    ],
)
def test_a_line_of_its_own_before_it_ends(battery: float, hours: float | None, level: str | None) -> None:
    found = battery_banners(facts_with(band(battery, hours)))
    assert [b.level for b in found] == ([level] if level else [])


def test_before_a_recording_it_is_never_more_than_a_warning() -> None:
    assert [b.level for b in battery_banners(facts_with(band(0.01), recording=False))] == ["warn"]
