"""The Record screen as a value: what would be on it, without a window."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from record_rig import banner, calibrated_bed, view_of
from synthetic_bedside import CARD, ESTIMATE_COLUMNS, INFOS, NS, WALL, SyntheticBedside, event

from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Cell, NumericRow, RecordView, Wish
from recorder.schema import PARAMETERS, REFERENCE_CALIBRATED, LinkStatus, SampleBlock, SessionStatus


def row(view: RecordView, parameter: str) -> NumericRow:
    return next(r for r in view.numerics.rows if r.parameter == parameter)


@pytest.fixture
def bed() -> SyntheticBedside:
    return calibrated_bed()


# ---- header


def test_header_names_who_since_when_and_how_much_room(bed: SyntheticBedside) -> None:
    header = view_of(bed).header
    assert header.subject.as_dict() == {"pseudonym": "P-014"}
    assert header.template == "Rest 10 min"
    assert header.elapsed == "00:00:06"
    assert header.disk.as_dict() == {"hours": "41"}
    assert header.recording
    assert header.can_stop
    assert not header.can_start


def test_a_window_without_control_can_look_but_not_stop(bed: SyntheticBedside) -> None:
    bed.status_changes = {"controller": "window-2"}
    bed.run(0.6)
    header = view_of(bed).header
    assert header.control is not None
    assert not header.can_stop
    bed.recording = False
    bed.run(0.6)
    assert not view_of(bed).header.can_start


def test_simulated_devices_put_the_watermark_on(bed: SyntheticBedside) -> None:
    assert view_of(bed).watermark is not None
    real = dataclasses.replace(bed.model.facts(), infos={}, status=None)
    assert resolve(Wish(), real).watermark is None


# ---- numbers (safety rules 6 to 8, 11)


def test_estimate_stands_with_interval_and_tag_beside_the_reference(bed: SyntheticBedside) -> None:
    sbp = row(view_of(bed), "SBP")
    low, high = (int(end) for end in sbp.estimate.interval.split("–"))
    assert low < int(sbp.estimate.text) < high
    assert sbp.estimate.tag == "tag-estimate"
    assert sbp.reference is not None
    assert int(sbp.reference.text) == pytest.approx(int(sbp.estimate.text) + 2, abs=1)
    assert not sbp.reference.muted


def test_abstained_parameters_show_a_dash_and_the_reason(bed: SyntheticBedside) -> None:
    cell = row(view_of(bed), "CO").estimate
    assert (cell.text, cell.interval) == ("—", "")
    assert cell.reason is not None
    assert cell.reason.id == "why-no-real-reference"


def test_the_last_value_is_never_held(bed: SyntheticBedside) -> None:
    bed.silent = {"edge.est", "edge.beats_abp"}
    bed.run(1.9)
    assert row(view_of(bed), "SBP").estimate.text != "—"
    bed.run(0.3)
    sbp = row(view_of(bed), "SBP")
    assert sbp.estimate.text == "—"
    assert sbp.estimate.reason is not None
    assert sbp.reference is not None
    assert sbp.reference.text == "—"


def test_no_interval_no_number(bed: SyntheticBedside) -> None:
    values = np.full((1, ESTIMATE_COLUMNS), np.nan, np.float32)
    values[0, 0], values[0, 3] = 120.0, 0.0
    n = bed.sent["edge.est"]
    bed.model.take([SampleBlock("edge.est", n, values, bed.clock.now_ns)])
    assert row(view_of(bed), "SBP").estimate.text == "—"


def _with_why(bed: SyntheticBedside, parameter: str, reason: str) -> Cell:
    """The newest estimate with a value and this reason."""
    info = bed.model.streams["edge.est"].info
    reasons = ["motion", "simulated", "no-real-reference"]
    bed.model.streams["edge.est"].info = dataclasses.replace(info, metadata={"reasons": json.dumps(reasons)})
    values = np.zeros((1, ESTIMATE_COLUMNS), np.float32)
    at = 4 * PARAMETERS.index(parameter)
    values[0, at : at + 4] = 5.2, 4.0, 6.4, reasons.index(reason) + 1
    n = bed.sent["edge.est"]
    bed.model.take([SampleBlock("edge.est", n, values, bed.clock.now_ns)])
    return row(view_of(bed), parameter).estimate


def test_a_simulated_value_is_shown_tagged(bed: SyntheticBedside) -> None:
    cell = _with_why(bed, "CO", "simulated")
    assert (cell.text, cell.tag) == ("5.2", "tag-simulated")


def test_any_other_reason_hides_the_value(bed: SyntheticBedside) -> None:
    assert _with_why(bed, "CO", "motion").text == "—"


def test_fewer_than_nine_calibration_subjects_claim_no_interval(bed: SyntheticBedside) -> None:
    card = {
        "per_parameter": {
            **CARD["per_parameter"],
            "SBP": {"n_real_subjects": 30, "n_calibration_subjects": 8},
        }
    }
    bed.model.card = card
    cell = row(view_of(bed), "SBP").estimate
    assert cell.text == "—"
    assert cell.reason is not None
    assert cell.reason.id == "why-no-real-reference"


def test_assumed_cvp_is_shown_as_assumed(bed: SyntheticBedside) -> None:
    cell = _with_why(bed, "SVR", "simulated")
    assert cell.reason is not None
    assert cell.reason.as_dict() == {"cvp": "5"}


def test_reference_is_grey_and_uncalibrated_until_a_calibration_is_seen() -> None:
    bed = SyntheticBedside()
    bed.run(5.0)
    view = view_of(bed)
    cell = row(view, "SBP").reference
    assert cell is not None
    assert cell.muted
    assert cell.reason is not None
    assert cell.reason.id == "uncalibrated"
    assert view.numerics.asks_calibration and not view.numerics.calibrated_again
    assert view.trend.muted_reference
    assert next(lane for lane in view.lanes if lane.key == "abp").muted
    heart = row(view, "HR").reference
    assert heart is not None
    assert not heart.muted


def test_a_monitor_that_calibrates_again_can_be_told_and_its_age_starts_anew() -> None:
    bed = SyntheticBedside()
    bed.run(5.0)
    for _ in range(2):
        bed.events.append(event("marker", bed.clock.monotonic_ns(), label=REFERENCE_CALIBRATED))
        bed.run(65.0, step_s=0.5)
        numbers = view_of(bed).numerics
        assert numbers.calibrated_again and not numbers.asks_calibration
        assert numbers.reference_note is not None and numbers.reference_note.id == "reference-age"
        age = numbers.reference_note.as_dict()["age"]
        assert age == "65 s", "of the last one, not of the first"


def test_a_link_lost_for_the_first_time_names_no_attempt() -> None:
    bed = SyntheticBedside(links=(LinkStatus("e4", "lost", "Empatica E4", "9ff167", error="cable out"),))
    bed.run(5.0)
    lost = next(b for b in view_of(bed).banners if b.key == "link-e4")
    assert "attempt" not in words(lost.message) and "cable out" in words(lost.message)


def test_without_a_volt_scale_there_is_no_pressure() -> None:
    bed = SyntheticBedside(calibrations=())
    bed.run(5.0)
    view = view_of(bed)
    cell = row(view, "SBP").reference
    assert cell is not None
    assert cell.text == "—"
    lane = next(lane for lane in view.lanes if lane.key == "abp")
    assert lane.unit == "V"
    assert lane.note is not None


def test_finger_change_ends_the_calibration(bed: SyntheticBedside) -> None:
    bed.events.append(event("marker", bed.clock.now_ns, label="finger changed"))
    bed.tell()
    cell = row(view_of(bed), "SBP").reference
    assert cell is not None
    assert cell.muted


def test_square_wave_asks_for_confirmation(bed: SyntheticBedside) -> None:
    bed.events.append(event("notice", bed.clock.now_ns, kind="square-wave"))
    bed.tell()
    asked = banner(view_of(bed), "calibration")
    assert asked is not None
    assert asked.action == "confirm-calibration"
    bed.events.append(event("marker", bed.clock.now_ns + 1, label="reference calibrated"))
    bed.tell()
    assert banner(view_of(bed), "calibration") is None


def test_square_wave_from_before_the_start_asks_at_its_end(bed: SyntheticBedside) -> None:
    bed.events.append(event("notice", bed.clock.now_ns, kind="quality-ok", ended="square-wave"))
    bed.tell()
    assert banner(view_of(bed), "calibration") is not None


def test_square_wave_confirmed_before_its_end_does_not_ask_again(bed: SyntheticBedside) -> None:
    now_ns = bed.clock.now_ns
    bed.events.append(event("notice", now_ns, kind="square-wave"))
    bed.events.append(event("marker", now_ns + 1, label="reference calibrated"))
    bed.events.append(event("notice", now_ns + 2, kind="quality-ok", ended="square-wave"))
    bed.tell()
    assert banner(view_of(bed), "calibration") is None


def test_kilopascal_switch(bed: SyntheticBedside) -> None:
    mmhg, kpa = row(view_of(bed), "SBP"), row(view_of(bed, pressure_unit="kPa"), "SBP")
    assert kpa.unit == "kPa"
    assert float(kpa.estimate.text) == pytest.approx(int(mmhg.estimate.text) * 0.1333, abs=0.1)


def test_footer_comes_from_the_card_and_names_what_was_never_checked(bed: SyntheticBedside) -> None:
    footer = view_of(bed).numerics.footer
    values = footer.as_dict()
    assert footer.id == "footer"
    assert values["kinds"] == ("Finapres",)
    assert values["n"] == "39"
    assert values["unchecked"] == ("Empatica E4", "CNAP 500")
    bed.model.card = {}
    assert view_of(bed).numerics.footer.id == "footer-no-card"


def test_cuff_reading_stands_with_its_time_and_can_be_withdrawn(bed: SyntheticBedside) -> None:
    at = bed.clock.now_ns
    cuff = event(
        "cuff", at, sbp_mmhg=124.0, dbp_mmhg=78.0, measured_at_ns=WALL + at, entered_at_ns=WALL + at + NS
    )
    bed.events.append(cuff)
    bed.tell()
    bed.run(2.0)
    view = view_of(bed)
    assert view.numerics.cuff is not None
    assert view.numerics.cuff.as_dict()["sbp"] == "124"
    mark = next(m for m in view.trend.marks if m.kind == "cuff")
    kpa = view_of(bed, pressure_unit="kPa")
    assert kpa.numerics.cuff is not None
    assert (kpa.numerics.cuff.as_dict()["sbp"], kpa.numerics.cuff.as_dict()["unit"]) == ("16.5", "kPa")
    assert next(m for m in kpa.trend.marks if m.kind == "cuff").label == "16.5/10.4"
    assert (mark.high, mark.low) == (124.0, 78.0)
    assert mark.t_s == pytest.approx(6.0, abs=0.01)
    bed.events.append(event("cuff-withdrawn", at + 1, event_id=cuff.event_id, why="slipped"))
    bed.tell()
    assert view_of(bed).numerics.cuff is None


# ---- health, trend, wishes


@pytest.mark.parametrize("stream_id", ["edge.est", "edge.beats_abp"])
def test_a_tile_of_rows_is_no_longer_green_after_two_seconds(bed: SyntheticBedside, stream_id: str) -> None:
    def state() -> str:
        return next(i.state for i in view_of(bed).health if i.stream_id == stream_id)

    bed.silent = {stream_id}
    bed.run(1.9)
    assert state() == "streaming"
    bed.run(0.3)
    assert state() == "silent"


def test_received_and_on_disk_are_told_apart(bed: SyntheticBedside) -> None:
    item = next(i for i in view_of(bed).health if i.stream_id == "adc.wave")
    counts = item.counts.as_dict()
    assert counts["received"] != counts["on_disk"]
    assert counts["received"] == "600"


def test_trend_is_hatched_where_nothing_was_estimated(bed: SyntheticBedside) -> None:
    bed.silent = {"edge.est"}
    bed.run(10.0)
    bed.silent = set()
    bed.run(5.0)
    trend = view_of(bed).trend
    assert len(trend.hatched) == 1
    t0, t1 = trend.hatched[0]
    assert t1 - t0 == pytest.approx(11.0, abs=1.5)
    sbp = trend.series[0]
    inside = (sbp.t_s > t0) & (sbp.t_s < t1)
    assert np.isnan(sbp.value[inside]).all()
    assert (sbp.low[np.isfinite(sbp.value)] < sbp.value[np.isfinite(sbp.value)]).all()
    assert sbp.dots.size


def test_an_hour_of_trend_is_thinned_but_keeps_its_widest_band(bed: SyntheticBedside) -> None:
    bed.clock.now_ns += 7200 * NS
    n, end_ns = 3600, bed.clock.now_ns
    values = np.zeros((n, ESTIMATE_COLUMNS), np.float32)
    values[:, 0], values[:, 1], values[:, 2] = 120.0, 110.0, 130.0
    values[1234, 1] = 85.0
    values[2000:2400, 0:3] = np.nan
    t_ns = end_ns - np.arange(n, 0, -1) * NS
    first = SampleBlock("edge.est", 0, values, end_ns, row_t_host_ns=t_ns)
    bed.model.streams["edge.est"].ring.clear()
    bed.start_ns = end_ns - n * NS
    bed.model.take([first, bed.status()])
    trend = view_of(bed, trend_span_s=3600).trend
    sbp = trend.series[0]
    assert 300 < sbp.value.size <= 722
    assert np.nanmin(sbp.low) == 85.0
    assert np.nanmean(sbp.value) == pytest.approx(120.0)
    assert len(trend.hatched) == 1
    assert trend.hatched[0][1] - trend.hatched[0][0] == pytest.approx(401, abs=3)


def test_undone_marker_leaves_the_trend(bed: SyntheticBedside) -> None:
    mark = event("marker", bed.clock.now_ns, label="cough")
    bed.events.append(mark)
    bed.tell()
    assert [m.label for m in view_of(bed).trend.marks] == ["reference calibrated", "cough"]
    bed.events.append(event("marker-undone", bed.clock.now_ns, event_id=mark.event_id))
    bed.tell()
    assert [m.label for m in view_of(bed).trend.marks] == ["reference calibrated"]


def test_ten_boxes_choose_what_is_shown(bed: SyntheticBedside) -> None:
    assert [r.parameter for r in view_of(bed).numerics.rows] == list(PARAMETERS)
    view = view_of(bed, parameters=frozenset({"HR"}), waves=frozenset({"ppg"}))
    assert [r.parameter for r in view.numerics.rows] == ["HR"]
    assert [lane.key for lane in view.lanes] == ["ppg"]
    assert len(view.health) == len(INFOS)


def test_clear_view_empties_the_trend_but_no_count(bed: SyntheticBedside) -> None:
    before, after = view_of(bed), view_of(bed, cleared_at_ns=bed.clock.now_ns)
    assert before.trend.series[0].value.size
    assert after.trend.series[0].value.size == 0
    assert after.health == before.health


def test_markers_only_while_recording(bed: SyntheticBedside) -> None:
    assert view_of(bed).can_mark
    bed.recording = False
    bed.run(0.6)
    assert not view_of(bed).can_mark


def test_no_session_says_so() -> None:
    bed = SyntheticBedside(recording=False)
    bed.run(3.0)
    view = view_of(bed)
    assert view.header.subject.id == "no-session"
    assert view.header.can_start
    assert view.header.elapsed == ""
    assert SessionStatus().state == "none"


def test_every_value_of_the_screen_is_finite_text(bed: SyntheticBedside) -> None:
    for numeric in view_of(bed).numerics.rows:
        for cell in (numeric.estimate, numeric.reference):
            if cell is not None and cell.text != "—":
                assert math.isfinite(float(cell.text))
