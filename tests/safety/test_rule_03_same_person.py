"""Rule 3: nobody on the sensors for 2 min, a gap over 5 min or a reboot: asked; until answered, an unconfirmed span."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
from bed import Bed
from hypothesis import given
from hypothesis import strategies as st

from recorder import session as store
from recorder.acquire import body, sessions
from recorder.acquire.body import BodyWatch
from recorder.devices.contract import Notice
from recorder.errors import SessionError
from recorder.schema import CONFIRMED, UNCONFIRMED, Event
from recorder.session.facts import unconfirmed_spans

S = 10**9


def say(bed: Bed, device: str, kind: str, **payload: object) -> None:
    """A device speaks about itself."""
    told = Notice(kind, "text", bed.clock.monotonic_ns(), f"{device}.wave", dict(payload))
    bed.cables[device].put(told)


def warned(bed: Bed, name: str) -> bool:
    return any(w.startswith(f"{name}|") for w in bed.status().warnings)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two minutes in a second and a half."""
    monkeypatch.setattr(body, "ABSENT_S", 1.5)


# ---- the judgement


def test_a_body_shows_on_any_sensor_that_says_nothing_against_it() -> None:
    watch = BodyWatch()
    both = ("band", "adc")
    assert watch.last_sign_ns(both) is None
    watch.block("band", "ppg", 1 * S)
    watch.block("adc", "abp_wave", 2 * S)
    watch.block("band", "battery", 9 * S)
    assert watch.last_sign_ns(both) == 2 * S
    watch.notice({"device_id": "band", "stream_id": "band.eda", "kind": "not-worn"})
    watch.block("band", "ppg", 3 * S)
    assert watch.last_sign_ns(both) == 2 * S
    watch.block("adc", "abp_wave", 4 * S)
    assert watch.last_sign_ns(both) == 4 * S
    watch.notice({"device_id": "adc", "stream_id": "adc.wave", "kind": "flat-line"})
    watch.block("adc", "abp_wave", 5 * S)
    assert watch.last_sign_ns(both) == 4 * S
    watch.notice({"device_id": "adc", "stream_id": "adc.wave", "kind": "quality-ok", "ended": "flat-line"})
    watch.block("adc", "abp_wave", 6 * S)
    assert watch.last_sign_ns(both) == 6 * S
    assert watch.last_sign_ns(("band",)) == 1 * S
    assert watch.says_off(both)
    assert not watch.says_off(("adc",))


def test_what_a_device_said_before_it_was_connected_anew_no_longer_holds() -> None:
    watch = BodyWatch()
    watch.notice({"device_id": "band", "stream_id": "band.eda", "kind": "not-worn"})
    watch.link_began("band")
    watch.block("band", "ppg", S)
    assert watch.last_sign_ns(("band",)) == S


# ---- nobody there


def test_band_off_and_pressure_flat_asks_and_keeps_what_follows_apart(bed: Bed, impatient: None) -> None:
    bed.connect("adc", "band")
    folder = bed.start()
    say(bed, "band", "not-worn")
    say(bed, "adc", "flat-line")
    bed.until(lambda: bed.cables["adc"].waiting.empty() and bed.cables["band"].waiting.empty())
    bed.cables["adc"].samples(10)
    bed.until(lambda: warned(bed, "same-subject"))
    asked = next(e for e in bed.ask("events")["events"] if e["kind"] == UNCONFIRMED)
    assert asked["payload"]["cause"] == "absent"
    with pytest.raises(SessionError, match="another pseudonym"):
        bed.ask("confirm_subject", pseudonym="S-99", operator="op2")
    assert warned(bed, "same-subject")
    say(bed, "band", "quality-ok", ended="not-worn")
    bed.until(bed.cables["band"].waiting.empty)
    assert warned(bed, "same-subject")  # somebody is there again; who, only a person can say
    bed.ask("confirm_subject", pseudonym="S-01", operator="op2")
    assert not warned(bed, "same-subject")
    bed.cables["band"].samples(10)
    with bed.read(folder) as stored:
        (span,) = stored.unconfirmed()
        assert (span.cause, span.answered) == ("absent", True)
        assert span.t1_s - span.t0_s >= 1.4
        answers = stored.events(CONFIRMED)
        assert [(e.payload["same"], e.payload["operator"]) for e in answers] == [
            (False, "op2"),
            (True, "op2"),
        ]


def test_one_sensor_still_on_the_body_asks_nothing(bed: Bed, impatient: None) -> None:
    bed.connect("adc", "band")
    bed.start()
    say(bed, "adc", "flat-line")  # a finger change
    for _ in range(30):
        bed.cables["band"].samples(10)
        bed.cables["adc"].samples(10)
        bed.until(bed.cables["band"].waiting.empty)
        time.sleep(0.1)
    assert not warned(bed, "same-subject")


def test_links_that_are_lost_ask_only_after_the_longer_time(
    bed: Bed, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "UNHEARD_S", 4.0)
    bed.connect("adc", "band")
    folder = bed.start()
    began = time.monotonic()
    bed.until(lambda: warned(bed, "confirm-subject"))
    assert time.monotonic() - began > 3.0
    assert not warned(bed, "same-subject")
    with bed.read(folder) as stored:
        assert [span.cause for span in stored.unconfirmed()] == ["gap"]


def test_the_time_nobody_was_heard_grows_until_somebody_is(
    bed: Bed, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stood at the 300 s after which the question came, however long the band stayed away."""
    monkeypatch.setattr(body, "UNHEARD_S", 1.0)

    def told_s() -> int:
        told = dict(w.split("|") for w in bed.status().warnings if w.startswith("confirm-subject|"))
        return int(told.get("confirm-subject", 0))

    bed.connect("adc", "band")
    bed.start()
    bed.until(lambda: told_s() >= 1)
    bed.until(lambda: told_s() >= 3)
    bed.cables["band"].samples(10)
    bed.until(bed.cables["band"].waiting.empty)
    time.sleep(0.5)
    told = told_s()
    time.sleep(1.5)
    assert told_s() == told
    asked = [e for e in bed.ask("events")["events"] if e["kind"] == UNCONFIRMED]
    assert len(asked) == 1, "it is asked once"


# ---- after a gap, a reboot, a sleep


def test_a_short_absence_of_the_recorder_asks_nothing(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    bed.crash()
    bed.station.start()
    assert not warned(bed, "confirm-subject")
    with bed.read(folder) as stored:
        assert stored.unconfirmed() == ()


def test_a_gap_over_five_minutes_asks_and_a_second_crash_still_asks(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "CONFIRM_AFTER_S", 0.0)
    bed.connect("adc")
    folder = bed.start()
    bed.cables["adc"].samples(50)
    bed.until(lambda: bed.status().streams[0].on_disk == 50)
    bed.crash()
    bed.station.start()
    assert warned(bed, "confirm-subject")
    bed.cables["adc"].samples(50)
    bed.until(lambda: bed.status().streams[0].on_disk == 100)
    monkeypatch.setattr(sessions, "CONFIRM_AFTER_S", 1e9)
    bed.crash()
    bed.station.start()
    assert warned(bed, "confirm-subject")
    bed.ask("stop", reason="nobody knows", operator="op1")
    with store.open(folder) as stored:
        (span,) = stored.unconfirmed()
        assert (span.cause, span.answered, span.t1_s) == ("gap", False, stored.duration_s)
        inside = stored.read("adc.wave", span.t0_s, span.t1_s)
        assert set(inside.raw[:, 0].tolist()) <= set(range(10, 110))
        assert stored.rows("adc.wave") == 100  # nothing is thrown away
        assert {e.number for e in stored.eras} == {0, 1, 2}
    assert store.verify(folder).ok


def test_a_suspend_over_five_minutes_asks(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    bed.machine.slept_ns += 600 * S
    bed.until(lambda: warned(bed, "confirm-subject"))
    with bed.read(folder) as stored:
        assert [span.cause for span in stored.unconfirmed()] == ["suspend"]


# ---- the spans, whatever was stored


@given(st.lists(st.sampled_from(["doubt", "same", "other", "marker"]), max_size=12))
def test_spans_never_overlap_and_cover_every_moment_in_doubt(kinds: list[str]) -> None:
    events = []
    for n, kind in enumerate(kinds):
        name = {"doubt": UNCONFIRMED, "marker": "marker"}.get(kind, CONFIRMED)
        events.append(Event(f"e{n}", name, n * S, n, 0, {"same": kind == "same", "cause": "absent"}))
    spans = unconfirmed_spans(events, lambda t, _: t / S, float(len(kinds)))
    in_doubt = False
    for n, kind in enumerate(kinds):
        if kind == "doubt":
            in_doubt = True
        elif kind == "same":
            in_doubt = False
        assert any(span.t0_s <= n + 0.5 < span.t1_s for span in spans) == in_doubt
    for before, after in itertools.pairwise(spans):
        assert before.t1_s <= after.t0_s
    assert all(span.answered for span in spans[:-1])


def test_an_old_session_without_such_events_has_no_spans() -> None:
    golden = Path(__file__).parents[1] / "golden" / "session-format-1" / "sealed"
    with store.open(golden) as stored:
        assert stored.unconfirmed() == ()
