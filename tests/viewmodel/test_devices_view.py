"""Cards of the Devices screen, from facts alone."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
from synthetic_bedside import INFOS, NS, SyntheticBedside, event

from hemoview.viewmodel.devices import trial as device_trial
from hemoview.viewmodel.devices.page import CardView, resolve_devices
from hemoview.viewmodel.devices.raw_preview import POINTS, preview
from hemoview.viewmodel.live.facts import Facts
from recorder.devices.contract import DeviceConfig
from recorder.schema import Calibration, LinkStatus

E4 = DeviceConfig("e4-tcp", "e4", {"host": "10.0.0.7", "unencrypted_ok": True})
ADC = DeviceConfig("serial-adc", "adc", {"port": "/dev/ttyUSB0"})


def facts(bed: SyntheticBedside, *configs: DeviceConfig) -> Facts:
    return replace(bed.model.facts(), configured=configs or (E4, ADC))


def card(bed: SyntheticBedside, device_id: str) -> CardView:
    return next(c for c in resolve_devices(facts(bed)).cards if c.device_id == device_id)


def ids(lines: tuple) -> list[str]:
    return [line[0].id for line in lines]


def test_a_card_tells_state_battery_rates_and_what_the_link_is_not() -> None:
    bed = SyntheticBedside(recording=False)
    bed.run(2.0)
    e4 = card(bed, "e4")
    assert (e4.state, e4.serial, e4.state_words.id) == ("streaming", "9ff167", "device-state-streaming")
    assert "device-battery" in ids(e4.details)
    assert "battery" not in {row.role for row in e4.streams}, "told once"
    assert {w.id for w in e4.warnings} == {"device-simulated", "device-unencrypted"}
    ppg = next(row for row in e4.streams if row.stream_id == "e4.bvp")
    assert ppg.rate.as_dict() == {"rate": "64.0", "nominal": "64"}
    assert e4.locked is None and e4.has_button and not e4.can_calibrate
    assert card(bed, "adc").can_calibrate and not card(bed, "adc").has_button


def test_a_lost_link_tells_since_when_why_and_which_attempt() -> None:
    lost = LinkStatus("e4", "lost", "Empatica E4", attempt=3, since_ns=990 * NS, error="Nothing listens")
    bed = SyntheticBedside(recording=False, links=(lost,))
    bed.silent = {"e4.bvp", "e4.acc", "e4.eda", "e4.temp"}
    bed.run(1.0)
    e4 = card(bed, "e4")
    assert (e4.state_words.id, e4.level, e4.cause) == ("device-state-retrying", "danger", "Nothing listens.")
    assert e4.state_words.as_dict()["age"] == "11 s"


def test_a_window_opened_after_the_recorder_began_anew_tells_when_the_samples_ended() -> None:
    lost = LinkStatus("e4", "lost", "Empatica E4", attempt=2, since_ns=999 * NS, error="Nothing listens")
    bed = SyntheticBedside(links=(lost,))
    bed.silent = {"e4.bvp", "e4.acc", "e4.eda", "e4.temp"}
    streams = bed.status().streams
    told = tuple(
        replace(s, state="lost", last_age_s=125.0) if s.stream_id in bed.silent else s for s in streams
    )
    bed.status_changes = {"streams": told}
    bed.run(1.0)
    assert card(bed, "e4").state_words.as_dict()["age"] == "2 min"


def test_a_weak_battery_and_radio_link_warn() -> None:
    bed = SyntheticBedside(links=(LinkStatus("e4", "streaming", battery=0.1),))
    bed.run(0.5)
    assert "device-battery-low" in ids(card(bed, "e4").details)


def test_the_button_lights_the_card_of_the_band_that_answered_and_no_other() -> None:
    links = (
        LinkStatus("e4", "streaming", "Empatica E4", "9ff167"),
        LinkStatus("e4b", "streaming", "Empatica E4", "7a3166"),
    )
    bed = SyntheticBedside(links=links, recording=False)
    bed.run(1.0)
    bed.events.append(event("marker", bed.clock.now_ns, label="tag", device_id="e4b", serial="7a3166"))
    bed.run(0.5)
    assert card(bed, "e4").answered is None
    answered = card(bed, "e4b").answered
    assert answered is not None and answered.as_dict()["serial"] == "7a3166"
    bed.run(16.0, step_s=0.5)
    assert card(bed, "e4b").answered is None


def test_a_band_chosen_after_the_button_was_pressed_is_not_called_by_the_old_serial() -> None:
    bed = SyntheticBedside(links=(LinkStatus("e4", "streaming", "Empatica E4", "7a3166"),), recording=False)
    bed.run(1.0)
    bed.events.append(event("marker", bed.clock.now_ns, label="tag", device_id="e4", serial="9ff167"))
    bed.run(0.5)
    assert card(bed, "e4").answered is None, "9ff167 was pressed before 7a3166 took its place"


def test_what_is_recorded_is_locked_and_a_late_device_is_not() -> None:
    links = (LinkStatus("e4", "streaming"), LinkStatus("cuff", "idle"))
    bed = SyntheticBedside(links=links)
    bed.run(1.0)
    view = resolve_devices(facts(bed, E4, DeviceConfig("manual-cuff", "cuff")))
    assert [c.locked.id if c.locked else "" for c in view.cards] == ["device-locked", ""]
    assert view.note is not None and view.why_not is None
    assert view.cards[1].state == "typed" and not view.cards[1].can_test


def test_without_control_nothing_can_be_changed_and_who_has_it_is_named() -> None:
    bed = SyntheticBedside(recording=False)
    bed.status_changes = {"controller": "window-2"}
    bed.run(1.0)
    view = resolve_devices(facts(bed))
    assert view.why_not is not None and view.why_not.as_dict()["name"] == "window-2"
    assert all(c.locked is not None for c in view.cards)


def test_the_three_ages_stand_on_the_card_of_the_adc() -> None:
    bed = SyntheticBedside()
    bed.run(2.0)
    assert ids(card(bed, "adc").notes) == ["adc-record", "reference-not-yet", "personalised"]
    bed.events.append(event("marker", bed.clock.now_ns, label="reference calibrated"))
    refused = Calibration("bad", "adc.wave", "abp", 90.0, 1.0, "fitted", 1, accepted=False)
    bed.calibrations = (*bed.calibrations, refused)
    bed.run(1.0)
    bed.tell()
    assert ids(card(bed, "adc").notes) == ["adc-record", "adc-refused", "reference-age", "personalised"]
    bed.calibrations = ()
    bed.tell()
    assert ids(card(bed, "adc").notes)[0] == "adc-none"


def test_before_the_recorder_answers_there_are_no_cards() -> None:
    view = resolve_devices(Facts(now_ns=1, wall_ns=1))
    assert view.waiting and view.why_not is not None and not view.cards


# ---- Test


def test_a_test_counts_what_came_and_says_what_did_not() -> None:
    bed = SyntheticBedside(recording=False, silent={"e4.eda"})
    bed.run(1.0)
    run = device_trial.begin(facts(bed), "e4")
    bed.run(2.0)
    during = device_trial.judge(run, facts(bed))
    assert during.left_s is not None and 3.5 < during.left_s < 4.5
    bed.sent_before = dict(bed.sent)  # type: ignore[attr-defined]
    bed.run(4.5)
    now = facts(bed)
    assert now.status is not None
    frozen = tuple(
        replace(s, received=run.before["e4.eda"]) if s.stream_id == "e4.eda" else s
        for s in now.status.streams
    )
    over = device_trial.judge(run, replace(now, status=replace(now.status, streams=frozen)))
    assert over.left_s is None
    said = {m.as_dict()["stream"].id: m.id for m, _ in over.lines[1:]}  # type: ignore[union-attr]
    assert over.lines[0][0].id == "test-some"
    assert (said["carries-ppg"], said["carries-eda"]) == ("test-delivers", "test-silent")


def test_a_link_that_counts_anew_is_counted_from_there() -> None:
    bed = SyntheticBedside(recording=False)
    bed.run(2.0)
    run = replace(device_trial.begin(facts(bed), "adc"), before={"adc.wave": 10**6})
    bed.run(6.5)
    over = device_trial.judge(run, facts(bed))
    assert over.lines[0][0].id == "test-all"


def test_a_device_that_sends_nothing_tells_its_cause() -> None:
    view = device_trial.probed({"rows": {}, "error": "Nothing listens on x"}, INFOS[:1], 6.0)
    assert view.lines == (
        (device_trial.say("test-nothing", seconds="6", cause="Nothing listens on x."), "danger"),
    )


def test_a_stream_at_half_its_rate_is_told() -> None:
    view = device_trial.probed({"rows": {"adc.wave": 180}, "error": ""}, INFOS[1:2], 6.0)
    assert view.lines[1][0].id == "test-slow"


# ---- traces


def test_a_trace_ends_now_breaks_at_holes_and_keeps_every_spike() -> None:
    bed = SyntheticBedside(recording=False)
    bed.run(9.0)
    now = bed.clock.now_ns
    shown = preview(bed.model.streams["e4.bvp"], now_ns=now)
    assert 0.97 < shown.x[-1] <= 1.0 and shown.x[0] >= 0.0
    assert np.nanmin(shown.y) == 0.0 and np.nanmax(shown.y) == 1.0
    later = preview(bed.model.streams["e4.bvp"], now_ns=now + 4 * NS)
    assert later.x[-1] < 0.55
    assert preview(None, now_ns=now).value == "—"


def test_a_fast_stream_is_thinned_without_losing_its_extremes() -> None:
    bed = SyntheticBedside(recording=False)
    bed.run(8.0)
    ring = bed.model.streams["adc.wave"].ring
    rows = ring.newest(800)
    rows.values[400, 0] = 9.0
    shown = preview(bed.model.streams["adc.wave"], now_ns=bed.clock.now_ns)
    assert shown.x.size <= 2 * POINTS + 2
    assert shown.high == "9"


def test_rows_that_come_now_and_then_show_their_newest_value() -> None:
    bed = SyntheticBedside(recording=False)
    bed.run(3.0)
    beats = bed.model.streams["edge.beats_abp"]
    shown = preview(beats, now_ns=bed.clock.now_ns + 600 * NS)
    assert shown.x.size == 0 and float(shown.value) == float(f"{beats.ring.newest(1).values[0, 0]:.3g}")


def test_settings_come_with_the_description() -> None:
    bed = SyntheticBedside()
    bed.model.described({"streams": [], "configured": [asdict(E4)]})
    assert bed.model.facts().configured == (E4,)
