"""A label is the median of enough steady, plausible beats, or a reason."""

from __future__ import annotations

import numpy as np
import pytest

from hemoview.dsp.abp_beats import PressureBeat
from hemoview.labels.reference.pressure import beats_between, label_of, pulse_lag_s
from recorder.devices.sim.physiology import FINGER_OPTICS, SimSubject, simulate


def beats(sbp: list[float], dbp: float = 70.0, hr: float = 60.0) -> list[PressureBeat]:
    return [
        PressureBeat(i * 100.0, i * 100.0 + 100, s, dbp + 0.4 * (s - dbp), dbp, hr, 1.0)
        for i, s in enumerate(sbp)
    ]


def test_one_odd_beat_moves_no_median() -> None:
    label = label_of(beats([120, 121, 119, 120, 180, 120, 120, 121, 119]), 10.0)
    assert label.reason is None and label.sbp == 120 and label.dbp == 70 and label.hr == pytest.approx(60)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (beats([120] * 5), "too-few-beats"),
        (beats([120, 120, 120, 124, 124, 124, 129, 129, 129]), "unsteady"),
        (beats([250] * 9), "out-of-range"),
        (beats([80] * 9, dbp=68), "out-of-range"),
        (beats([90] * 9, dbp=28), "out-of-range"),
    ],
)
def test_a_window_without_a_label_says_why(found: list[PressureBeat], reason: str) -> None:
    label = label_of(found, 10.0)
    assert label.reason == reason and np.isnan([label.sbp, label.map, label.dbp, label.hr]).all()


def test_five_seconds_need_half_the_beats() -> None:
    assert label_of(beats([120] * 3), 5.0).reason is None
    assert label_of(beats([120] * 2), 5.0).reason == "too-few-beats"


def test_labels_of_a_wave_are_the_truth_of_its_beats() -> None:
    recording = simulate(SimSubject(), 60.0, 3, "rest", optics=FINGER_OPTICS)
    truth = recording.beats
    for begin_s in (12.0, 25.5, 40.0):
        found = beats_between(recording.abp_mmhg, recording.abp_hz, begin_s, begin_s + 10)
        label = label_of(found, 10.0)
        inside = (truth["t_s"] >= begin_s) & (truth["t_s"] < begin_s + 10)
        assert abs(len(found) - inside.sum()) <= 1
        assert label.sbp == pytest.approx(np.median(truth["sbp_mmhg"][inside]), abs=1.0)
        assert label.map == pytest.approx(np.median(truth["map_mmhg"][inside]), abs=1.0)
        assert label.hr == pytest.approx(truth["hr_per_min"][inside].mean(), abs=1.5)


def test_a_hole_in_the_wave_leaves_no_beats() -> None:
    recording = simulate(SimSubject(), 30.0, 3, "rest", optics=FINGER_OPTICS)
    wave = recording.abp_mmhg.copy()
    wave[1500] = np.nan
    assert beats_between(wave, recording.abp_hz, 10.0, 20.0) == []
    assert beats_between(wave, recording.abp_hz, 50.0, 60.0) == []


@pytest.mark.parametrize("lag_s", [0.0, 0.34, 0.6])
def test_the_lag_of_a_display_is_found(lag_s: float) -> None:
    recording = simulate(SimSubject(), 80.0, 5, "rest", optics=FINGER_OPTICS, ppg_hz=100.0)
    own = pulse_lag_s(recording.abp_mmhg, recording.ppg, 100.0)
    n = round(lag_s * 100)
    later = np.concatenate((np.full(n, np.nan), recording.ppg))[: len(recording.ppg)]
    assert 0 <= own < 0.15
    assert pulse_lag_s(recording.abp_mmhg, later, 100.0) == pytest.approx(own + lag_s, abs=0.01)
    assert np.isnan(pulse_lag_s(np.full(8000, np.nan), recording.ppg, 100.0))
