"""Two points typed at the bedside become a signed record, or a word on what is missing; the three ages stand apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic_bedside import CALIBRATION, NS, SyntheticBedside, event

from hemoview.viewmodel.live.numerics import numerics
from hemoview.viewmodel.live.record_view import NumericsView, Wish
from hemoview.viewmodel.live.scale_form import AdcNow, ScaleForm, adc_now, examine
from recorder.schema import Calibration

ADC = AdcNow("adc.wave", "abp", 0.8)
GOOD = ScaleForm("0.5", "40", "1,7", "160", "OP1")


def seen(bed: SyntheticBedside) -> NumericsView:
    return numerics(Wish(), bed.model.facts())


def test_two_points_are_a_request_for_the_channel_that_is_there() -> None:
    view = examine(GOOD, ADC, wall_ns=7)
    assert view.problem is None and view.request is not None and view.line is not None
    assert view.line.as_dict() == {"gain": "100.0", "offset": "− 10.0"}
    made = Calibration.from_json(view.request)
    assert (made.stream_id, made.channel, made.operator, made.wall_ns) == ("adc.wave", "abp", "OP1", 7)
    assert made.points_v_mmhg == ((0.5, 40.0), (1.7, 160.0))


@pytest.mark.parametrize(
    ("changes", "problem", "why"),
    [
        ({"volt_1": " "}, "scale-incomplete", "type the volt of point 1"),
        ({"mmhg_2": "abc"}, "scale-incomplete", "mmHg of point 2 'abc' is not a number"),
        ({"mmhg_2": "inf"}, "scale-incomplete", "is not a number"),
        ({"operator": ""}, "scale-incomplete", "operator code"),
        ({"mmhg_2": "60"}, "scale-refused", "too near"),
        ({"mmhg_1": "250"}, "scale-refused", "pressure falls as voltage rises"),
    ],
)
def test_what_is_missing_or_implausible_is_said(changes: dict[str, str], problem: str, why: str) -> None:
    view = examine(replace(GOOD, **changes), ADC, wall_ns=7)
    assert view.request is None and view.line is None and view.problem is not None
    assert view.problem.id == problem
    assert why in str(view.problem.as_dict()["why"])


def test_without_an_analogue_input_there_is_nothing_to_calibrate() -> None:
    view = examine(GOOD, None, wall_ns=7)
    assert view.request is None and view.problem is not None and view.problem.id == "scale-no-adc"


def test_the_live_volt_is_that_of_the_last_second_and_never_old() -> None:
    bed = SyntheticBedside()
    assert adc_now({}, now_ns=0) is None
    assert adc_now(bed.model.streams, now_ns=bed.clock.now_ns) == AdcNow("adc.wave", "abp", None)
    bed.run(5.0)
    found = adc_now(bed.model.streams, now_ns=bed.clock.now_ns)
    assert found is not None and found.volt is not None
    assert 0.76 <= found.volt <= 1.3
    later = adc_now(bed.model.streams, now_ns=bed.clock.now_ns + 3 * NS)
    assert later == AdcNow("adc.wave", "abp", None)


def test_only_a_reference_without_scale_asks_and_only_the_window_in_control() -> None:
    bed = SyntheticBedside(calibrations=())
    bed.run(3.0)
    assert seen(bed).asks_scale
    assert seen(bed).scale_note is None
    bed.status_changes = {"controller": "window-2"}
    bed.run(0.6)
    assert not seen(bed).asks_scale


def test_a_refused_record_is_no_scale() -> None:
    bed = SyntheticBedside(calibrations=(replace(CALIBRATION, accepted=False),))
    bed.run(3.0)
    assert seen(bed).asks_scale
    assert seen(bed).scale_note is None


def test_three_ages_have_three_names() -> None:
    bed = SyntheticBedside()
    bed.events = [event("marker", bed.start_ns, label="reference calibrated")]
    bed.run(6.0)
    view = seen(bed)
    assert not view.asks_scale
    notes = (view.reference_note, view.scale_note, view.estimate_note)
    assert [note.id for note in notes if note] == ["reference-age", "adc-calibrated", "personalised-cuff"]
    assert view.scale_note is not None
    assert view.scale_note.as_dict()["date"] == "2026-11-18"
