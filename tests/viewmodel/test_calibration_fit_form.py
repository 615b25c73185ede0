"""Volt → mmHg on screen, judged without one: entries, the fit's verdict, its picture, the levels of a rectangle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from calibration_files import recording, stick
from hypothesis import given
from hypothesis import strategies as st
from synthetic_bedside import SyntheticBedside, pulse

from hemoview.viewmodel.devices.calibration_wizard import (
    FitForm,
    choices,
    examine,
    outcome,
    overlay,
    sessions_with,
)
from hemoview.viewmodel.live.scale_form import levels_now, rectangle
from hemoview.viewmodel.review.sessions import SessionRow
from recorder.clock import Clock
from recorder.errors import RecorderError
from recorder.host.calibrate import Comparison, compare


def compared(folder: Path, **changes: object) -> Comparison:
    form = FitForm(str(stick(folder, **changes)), str(recording(folder)), "", "OP1")  # type: ignore[arg-type]
    view = examine(form, "adc.wave", "abp")
    assert view.order is not None, view
    return compare(view.order, Clock())


def test_the_monitors_own_file_gives_a_line_that_may_be_kept(tmp_path: Path) -> None:
    found = compared(tmp_path)
    told = outcome(found)
    assert told.keep and told.verdict.id == "fit-good"
    values = {k: v for line in told.lines for k, v in line.as_dict().items()}
    assert float(str(values["gain"])) == pytest.approx(100.0, rel=0.01)
    assert float(str(values["rmse"])) < 1.5 and float(str(values["r"])) > 0.99
    picture = overlay(found)
    assert 9.0 < picture.t_s[-1] - picture.t_s[0] <= 10.0
    assert np.nanmax(np.abs(picture.file_mmhg - picture.adc_mmhg)) < 4.0


def test_another_patients_file_is_refused_and_nothing_can_be_kept(tmp_path: Path) -> None:
    told = outcome(compared(tmp_path, seed=2))
    assert not told.keep and told.level == "danger"
    assert {line.id for line in told.lines} >= {"fit-residual", "fit-poor-todo"}
    assert "fit-line" not in {line.id for line in told.lines}, "a scale that is refused is not shown as one"


def test_every_field_is_asked_for(tmp_path: Path) -> None:
    view = examine(FitForm(), "adc.wave", "abp")
    assert {p.field for p in view.problems} == {"file", "session", "operator"} and view.order is None
    view = examine(FitForm(str(tmp_path / "no.csv")), "adc.wave", "abp")
    assert ("file", "fit-no-file") in {(p.field, p.message.id) for p in view.problems}


def test_a_file_whose_name_does_not_tell_asks_when_it_began(tmp_path: Path) -> None:
    form = FitForm(str(stick(tmp_path, name="export.csv")), str(recording(tmp_path)), "", "OP1")
    view = examine(form, "adc.wave", "abp")
    assert view.asks_began and [p.field for p in view.problems] == ["began"]
    assert [p.field for p in examine(replace(form, began="today"), "adc.wave", "abp").problems] == ["began"]
    told = examine(replace(form, began="2026-09-21T14:13:35"), "adc.wave", "abp")
    assert told.order is not None and told.order.file_starts is not None


def test_a_file_of_another_hour_is_said_in_words(tmp_path: Path) -> None:
    form = FitForm(str(stick(tmp_path, name="x.csv")), str(recording(tmp_path)), "2020-01-01T00:00:00", "OP1")
    order = examine(form, "adc.wave", "abp").order
    assert order is not None
    with pytest.raises(RecorderError, match="choose the file of this recording"):
        compare(order, Clock())


def test_recordings_with_that_input_are_offered_newest_first(tmp_path: Path) -> None:
    recording(tmp_path)
    (one,) = sessions_with(tmp_path, "adc.wave")
    assert one.shown.as_dict()["pseudonym"] == "P-014"
    rows = [
        SessionRow("/a", "a", "sealed", start_wall_ns=1, streams=("adc.wave",)),
        SessionRow("/b", "b", "open", start_wall_ns=3, streams=("adc.wave",)),
        SessionRow("/c", "c", "sealed", start_wall_ns=2, streams=("e4.bvp",)),
        SessionRow("/d", "d", "erased", start_wall_ns=4, streams=("adc.wave",)),
    ]
    found = choices(rows, "adc.wave")
    assert [(c.folder, c.shown.id) for c in found] == [("/b", "fit-session-open"), ("/a", "fit-session-of")]


@given(
    st.floats(0.0, 2.0), st.floats(0.1, 3.0), st.integers(20, 120), st.integers(0, 99), st.floats(0.0, 0.003)
)
def test_both_levels_of_a_rectangle_are_read(
    low: float, step: float, half: int, phase: int, noise: float
) -> None:
    n = np.arange(600)
    volts = low + step * ((n + phase) // half % 2) + np.random.default_rng(1).normal(0, noise, n.size)
    found = rectangle(volts)
    assert found is not None
    assert found == pytest.approx((low, low + step), abs=0.01)


def test_a_pulse_wave_a_flat_line_and_one_step_are_no_rectangle() -> None:
    t_s = np.arange(600) / 100
    assert rectangle(0.76 + 0.46 * pulse(t_s)) is None
    assert rectangle(np.full(600, 1.2)) is None
    assert rectangle(np.where(t_s < 3, 0.4, 1.6)) is None
    assert rectangle(np.full(600, np.nan)) is None
    bed = SyntheticBedside()
    bed.run(7.0)
    assert levels_now(bed.model.streams, now_ns=bed.clock.now_ns) is None
    assert levels_now({}, now_ns=1) is None
