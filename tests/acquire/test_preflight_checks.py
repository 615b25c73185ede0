"""Start is refused only for subject, consent, disk and recorder, and every reason is named at once."""

from dataclasses import replace

import pytest

from recorder.acquire.preflight import Facts, checks, refusals
from recorder.schema import Consent, DiskStatus, LinkStatus, StreamStatus, Subject

GOOD = Facts(
    Subject("S-01"),
    Consent("1", "2026-01-01"),
    DiskStatus("/sessions", 10**11, None),
    links=(LinkStatus("e4", "streaming", "Empatica E4"), LinkStatus("adc", "streaming", "Serial ADC")),
    streams=(StreamStatus("e4.bvp", "streaming", nominal_rate_hz=64.0),),
    stream_devices={"e4.bvp": "e4"},
)


def barring(facts: Facts, overrides: dict[str, str] | None = None) -> list[str]:
    return [check.line() for check in refusals(checks(facts), overrides or {})]


def test_a_ready_station_may_begin() -> None:
    assert barring(GOOD) == []
    assert all(check.to_json()["ok"] for check in checks(GOOD))


def test_every_reason_is_named_at_once() -> None:
    facts = replace(
        GOOD,
        subject=None,
        consent="consent needs the version of the form and a date, year-month-day",
        disk_problem="disk /net: is a network folder (nfs); choose another",
        recorder_problem="a session is open already; stop it first",
        links=(LinkStatus("e4", "lost", "Empatica E4", error="no answer"),),
    )
    assert barring(facts) == [
        "subject: no pseudonym was given; enter one",
        "consent: consent needs the version of the form and a date, year-month-day; correct it",
        "disk /net: is a network folder (nfs); choose another",
        "recorder: a session is open already; stop it first",
        "Empatica E4: no answer; connect it, or give a reason to begin without",
    ]


def test_a_missing_required_device_needs_a_reason_an_optional_one_does_not() -> None:
    lost = replace(GOOD, links=(LinkStatus("e4", "lost", "Empatica E4", error="no answer"),))
    assert len(barring(lost)) == 1
    assert len(barring(lost, {"e4": "  "})) == 1
    assert len(barring(lost, {"adc": "other device"})) == 1
    assert barring(lost, {"e4": "band is charging"}) == []
    optional = replace(lost, links=(replace(lost.links[0], required=False),))
    assert barring(optional) == []
    assert next(c for c in checks(optional) if c.id == "device:e4").level == "warn"


def test_a_link_that_is_up_but_delivers_nothing_is_not_ready() -> None:
    facts = replace(GOOD, streams=(StreamStatus("e4.bvp", "never-seen", nominal_rate_hz=64.0),))
    assert barring(facts) == [
        "Empatica E4: delivers no samples of e4.bvp; check it, or give a reason to begin without"
    ]


def test_rows_that_come_when_they_come_do_not_bar() -> None:
    assert barring(replace(GOOD, streams=(StreamStatus("e4.bvp", "never-seen"),))) == []


@pytest.mark.parametrize("overrides", [{}, {"disk": "please"}, {"subject": "please"}])
def test_subject_consent_disk_and_recorder_cannot_be_overridden(overrides: dict[str, str]) -> None:
    assert len(barring(replace(GOOD, subject=None), overrides)) == 1
    assert len(barring(replace(GOOD, disk_problem="disk: x; y"), overrides)) == 1


def test_too_little_room_bars_and_little_room_warns() -> None:
    full = replace(GOOD, disk=DiskStatus("/sessions", 10 << 20, None), free_needed=256 << 20)
    assert barring(full) == [
        "disk /sessions: 10 MiB free, 256 MiB are needed to begin; "
        "make room, or set HEMOVIEW_HOME to a folder on another disk and start again"
    ]
    little = replace(GOOD, disk=DiskStatus("/sessions", 10**9, 1.5, "2h"))
    assert barring(little) == []
    disk = next(c for c in checks(little) if c.id == "disk")
    assert (disk.level, disk.what) == ("warn", "room for 1.5 h")


def test_the_machine_and_a_low_battery_are_warned_about() -> None:
    facts = replace(
        GOOD,
        machine=(("a reboot is pending", "reboot first"),),
        links=(LinkStatus("e4", "streaming", "Empatica E4", battery=0.12),),
    )
    said = {c.line(): c.level for c in checks(facts) if c.level != "ok"}
    assert said == {
        "this machine: a reboot is pending; reboot first": "warn",
        "Empatica E4: battery at 12%; charge it before a long recording": "warn",
    }


def test_a_cuff_read_by_a_person_is_always_ready() -> None:
    facts = replace(GOOD, links=(LinkStatus("cuff", "idle", "Arm cuff", required=False),))
    assert next(c for c in checks(facts) if c.id == "device:cuff").level == "ok"
