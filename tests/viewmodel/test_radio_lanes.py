"""Light of a wristband without its server, and the pleth of an oximeter: lanes of their own; hearsay says so."""

from __future__ import annotations

import pytest
from synthetic_bedside import SyntheticBedside

from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.live.health import health
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from recorder.devices import e4_ble, nonin
from recorder.schema import StreamStatus


@pytest.fixture
def bed() -> SyntheticBedside:
    """A bed with a wristband by radio and an oximeter, which the recorder describes as their drivers do."""
    infos = [
        *e4_ble.stream_infos("e4", "recorded", "B").values(),
        *nonin.stream_infos("nonin", "recorded", "df2"),
    ]
    made = SyntheticBedside()
    made.status_changes = {"streams": tuple(StreamStatus(info.stream_id, "streaming") for info in infos)}
    made.model.described({"streams": [info.to_json() for info in infos], "devices": [], "calibrations": []})
    made.model.take([made.status()])
    return made


def test_lanes_of_light_and_pleth_and_what_is_experimental_says_so(bed: SyntheticBedside) -> None:
    shown = {lane.key: words(lane.note) for lane in resolve(Wish(), bed.model.facts()).lanes}
    assert shown == {
        "optical": "experimental",
        "pleth": "",
        "acc": "experimental",
        "eda": "experimental",
        "temp": "experimental",
    }
    left_out = {lane.key for lane in resolve(Wish(waves=frozenset({"pleth"})), bed.model.facts()).lanes}
    assert left_out == {"pleth"}


def test_the_health_bar_says_so_too_and_leaves_raw_packets_out(bed: SyntheticBedside) -> None:
    titles = [words(item.title) for item in health(bed.model.facts())]
    assert titles[:3] == ["Light (exp.)", "Pleth", "SpO₂"]
    assert "Motion (exp.)" in titles
    assert not [title for title in titles if "raw" in title]
