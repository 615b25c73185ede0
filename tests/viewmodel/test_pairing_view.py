"""What the pairing screen says, from the states of the bands alone."""

from __future__ import annotations

from dataclasses import replace

from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.devices.pairing import resolve_pairing
from hemoview.viewmodel.messages import say
from recorder.devices.contract import DeviceConfig
from recorder.host.pairing import Band, BandState, Holder

S = 1_000_000_000
A = BandState(Band("9ff167", DeviceConfig("e4-tcp", "e4")), "listening")
B = BandState(Band("7a3166", DeviceConfig("e4-tcp", "e4"), -60), "listening")
PRESSED = {"presses": 1, "pressed_ns": 100 * S}


def test_the_newest_button_lights_its_band_for_a_while_and_only_then_it_can_be_used() -> None:
    both = [replace(A, presses=2, pressed_ns=90 * S), replace(B, **PRESSED)]
    view = resolve_pairing(both, now_ns=101 * S)
    assert [(row.lit, row.can_use) for row in view.rows] == [(False, True), (True, True)]
    assert "7a3166 answered" in words(view.advice)
    assert not any(row.lit for row in resolve_pairing(both, now_ns=150 * S).rows)
    asked = resolve_pairing([A, B], now_ns=S)
    assert [row.can_use for row in asked.rows] == [False, False]
    assert "2 are in reach" in words(asked.advice) and "−60" not in words(asked.rows[0].title)


def test_a_band_in_use_elsewhere_is_said_and_cannot_be_taken_from_a_recording() -> None:
    held = replace(A, **PRESSED, band=replace(A.band, holder=Holder("bed-2", recording=True)))
    view = resolve_pairing([held], now_ns=101 * S)
    assert view.rows[0].lit and not view.rows[0].can_use
    assert "bed-2" in words(view.advice)
    idle = replace(held, band=replace(A.band, holder=Holder("bed-2", recording=False)), pressed_ns=1)
    row = resolve_pairing([idle], now_ns=101 * S).rows[0]
    assert row.can_use and "bed-2" in words(row.state)


def test_a_recorded_device_shows_who_answers_but_keeps_its_band() -> None:
    view = resolve_pairing([replace(A, **PRESSED)], now_ns=101 * S, locked=say("device-locked"))
    assert view.rows[0].lit and not view.rows[0].can_use
    assert view.advice.id == "device-locked"


def test_the_own_band_a_refusing_one_and_none_are_said() -> None:
    refused = replace(B, state="refused", said="E4 7a3166 is off")
    view = resolve_pairing([A, refused], now_ns=S, in_use="9FF167")
    assert (view.rows[0].state.id, view.rows[1].state.id) == ("pair-own", "pair-refused")
    assert "is off" in words(view.rows[1].state)
    assert resolve_pairing([], now_ns=S).advice.id == "pair-none"


def test_the_own_band_that_answers_leaves_nothing_to_do() -> None:
    view = resolve_pairing([replace(A, **PRESSED), B], now_ns=101 * S, in_use="9FF167")
    assert (view.advice.id, view.level) == ("pair-own-answered", "ok")
    assert view.rows[0].state.id == "pair-this-own" and not view.rows[0].can_use


def test_another_band_that_answers_is_a_warning_with_both_serials() -> None:
    states = [A, replace(B, **PRESSED)]
    view = resolve_pairing(states, now_ns=101 * S, in_use="9ff167")
    assert view.level == "warn" and view.rows[1].can_use
    assert "7a3166 answered" in words(view.advice) and "uses 9ff167" in words(view.advice)
    recorded = resolve_pairing(states, now_ns=101 * S, in_use="9ff167", locked=say("device-locked"))
    assert recorded.level == "warn" and not recorded.rows[1].can_use
    said = words(recorded.advice)
    assert "7a3166" in said and "9ff167" in said and words(say("device-locked")) in said


def test_two_of_one_name_are_told_apart_by_serial_strength_and_charge() -> None:
    view = resolve_pairing([replace(A, battery=0.4), replace(B, battery=0.96)], now_ns=S)
    assert [words(row.title).split() for row in view.rows] == [
        ["9ff167", "Battery", "40", "%"],
        ["7a3166", "-60", "dBm", "Battery", "96", "%"],
    ]
