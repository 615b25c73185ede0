"""The banners of the Record screen: starved within 2 s, recorder within 2 s, disk, links."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest
from record_rig import banner, calibrated_bed, view_of
from synthetic_bedside import INFOS, SyntheticBedside

from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.live.record_view import Banner
from recorder.schema import DiskStatus, LinkStatus


@pytest.fixture
def bed() -> SyntheticBedside:
    return calibrated_bed()


def test_starved_stream_is_named_within_two_seconds(bed: SyntheticBedside) -> None:
    bed.silent = {"e4.bvp"}
    bed.run(1.0)
    assert banner(view_of(bed), "stream-e4.bvp") is None
    bed.run(0.9)
    found = banner(view_of(bed), "stream-e4.bvp")
    assert found is not None
    assert found.level == "danger"
    assert found.message.id == "starved-silent"
    health = {item.stream_id: item for item in view_of(bed).health}
    assert health["e4.bvp"].state == "silent"
    assert health["adc.wave"].state == "streaming"


@pytest.mark.parametrize("state", ["lost", "never-seen"])
def test_the_three_states_are_told_apart(bed: SyntheticBedside, state: str) -> None:
    streams = tuple(
        dataclasses.replace(s, state=state, since_ns=bed.start_ns, cause="link-lost")
        if s.stream_id == "e4.bvp"
        else s
        for s in bed.status().streams
    )
    bed.status_changes = {"streams": streams}
    bed.run(0.6)
    found = banner(view_of(bed), "stream-e4.bvp")
    assert found is not None
    assert found.message.id == f"starved-{state}"
    assert found.message.as_dict()["cause"] == "link-lost"


def test_a_lost_link_is_told_once_not_once_a_stream(bed: SyntheticBedside) -> None:
    lost = LinkStatus(
        "e4", "lost", "Empatica E4", since_ns=bed.clock.now_ns, error="connection reset", attempt=2
    )
    bed.links = (lost, bed.links[1])
    bed.silent = {"e4.bvp", "e4.acc", "e4.eda", "e4.temp"}
    bed.run(2.5)
    keys = [b.key for b in view_of(bed).banners]
    assert keys == ["link-e4"]


def _link_told(bed: SyntheticBedside, state: str, **told: Any) -> Banner | None:
    """The E4's link as the recorder tells it from now on, for 3 s."""
    link = LinkStatus("e4", state, "Empatica E4", since_ns=bed.clock.now_ns, **told)  # type: ignore[arg-type]
    bed.links = (link, *bed.links[1:])
    bed.run(3.0)
    return banner(view_of(bed), "link-e4")


def test_the_age_of_a_lost_link_counts_since_its_samples_stopped(bed: SyntheticBedside) -> None:
    bed.silent = {"e4.bvp", "e4.acc", "e4.eda", "e4.temp"}
    told = [_link_told(bed, "silent"), _link_told(bed, "lost"), _link_told(bed, "scanning")]
    told += [_link_told(bed, "connecting"), _link_told(bed, "silent")]
    found = [b.message for b in told if b is not None]
    assert [message.id.removesuffix("-first") for message in found] == ["link-silent", *["link-lost"] * 4]
    assert [message.as_dict()["age"] for message in found] == ["3.0 s", "6.0 s", "9.0 s", "12 s", "15 s"]
    assert len({message.as_dict()["since"] for message in found}) == 1
    bed.silent = set()
    assert _link_told(bed, "streaming") is None
    bed.silent = {"e4.bvp", "e4.acc", "e4.eda", "e4.temp"}
    again = _link_told(bed, "silent")
    assert again is not None
    assert again.message.id == "link-silent"


def test_a_device_that_never_spoke_counts_from_its_first_attempt() -> None:
    bed = SyntheticBedside()
    bed.silent = {"e4.bvp", "e4.acc", "e4.eda", "e4.temp"}
    for state in ("scanning", "connecting", "lost"):
        found = _link_told(bed, state)
    assert found is not None
    assert found.message.as_dict()["age"] == "9.0 s"


@pytest.mark.parametrize(
    ("error", "shown"), [("correct the port", "correct the port. T"), ("Gone.", "Gone. T"), ("", "). T")]
)
def test_a_cause_ends_with_a_full_stop(bed: SyntheticBedside, error: str, shown: str) -> None:
    found = _link_told(bed, "lost", error=error, attempt=2)
    assert found is not None
    assert f"{shown}rying again, attempt 2." in words(found.message).replace("  ", " ")


def test_dead_recorder_is_told_within_two_seconds(bed: SyntheticBedside) -> None:
    bed.speaking = False
    bed.silent = {info.stream_id for info in INFOS}
    bed.run(1.0)
    assert banner(view_of(bed), "recorder") is None
    bed.run(0.9)
    found = view_of(bed).banners
    assert [b.key for b in found] == ["recorder"]
    assert found[0].message.id == "recorder-down-recording"


@pytest.mark.parametrize(("level", "shown"), [("24h", "info"), ("2h", "warn"), ("15min", "danger")])
def test_disk_forecast(bed: SyntheticBedside, level: str, shown: str) -> None:
    bed.status_changes = {"disk": DiskStatus("/sessions", 10**9, 0.2, level)}  # type: ignore[arg-type]
    bed.run(0.6)
    found = banner(view_of(bed), "disk")
    assert found is not None
    assert found.level == shown


def test_a_disk_that_fills_up_is_told_once_and_in_words(bed: SyntheticBedside) -> None:
    """The recorder says it twice: as how the disk stands, and as a warning for who has no screen."""
    disk = DiskStatus("/sessions", 16 << 20, None, "stopped")
    bed.status_changes = {"disk": disk, "warnings": ("disk|stopped|16",)}
    bed.run(0.6)
    view = view_of(bed)
    said = [words(b.message) for b in view.banners]
    assert len(said) == len(set(said)) == 1 and "full" in said[0]
    assert words(view.header.disk) == "disk 17 MB free"


@pytest.mark.parametrize(("told", "shown"), [("300", "5 min"), ("64.2", "64 s"), ("9000", "2 h 30")])
@pytest.mark.parametrize("name", ["confirm-subject", "same-subject"])
def test_how_long_nobody_was_there_is_told_as_other_ages_are(
    bed: SyntheticBedside, name: str, told: str, shown: str
) -> None:
    bed.status_changes = {"warnings": (f"{name}|{told}",)}
    bed.run(0.6)
    found = banner(view_of(bed), f"warning-{name}")
    assert found is not None
    assert shown in words(found.message)


def test_no_device_offers_the_virtual_bedside(bed: SyntheticBedside) -> None:
    bed.links = ()
    bed.run(0.6)
    found = banner(view_of(bed), "no-devices")
    assert found is not None
    assert found.action == "virtual-bedside"


def test_a_virtual_bedside_that_ended_is_offered_again(bed: SyntheticBedside) -> None:
    """Its devices outlive it in the station's settings: after the next log-in nothing else would open it."""
    gone = tuple(
        replace(link, simulated=True, state="lost", attempt=3, error="Nothing listens on 127.0.0.1:4")
        for link in bed.links
    )
    bed.recording, bed.links = False, gone
    bed.run(0.6)
    found = banner(view_of(bed), "virtual-bedside-gone")
    assert found is not None
    assert found.action == "virtual-bedside"
    bed.links = (replace(gone[0], simulated=False), *gone[1:])
    bed.run(0.6)
    assert banner(view_of(bed), "virtual-bedside-gone") is None, "a real device is told of by itself"


def test_a_virtual_bedside_lost_while_recording_is_told_device_by_device(bed: SyntheticBedside) -> None:
    bed.links = tuple(replace(link, simulated=True, state="lost", attempt=3) for link in bed.links)
    bed.run(0.6)
    assert banner(view_of(bed), "virtual-bedside-gone") is None
    assert banner(view_of(bed), f"link-{bed.links[0].device_id}") is not None


def test_worst_banner_first(bed: SyntheticBedside) -> None:
    bed.silent = {"e4.bvp"}
    bed.status_changes = {"disk": DiskStatus("/sessions", 10**9, 0.2, "24h")}
    bed.run(2.5)
    assert [b.level for b in view_of(bed).banners] == ["danger", "info"]
