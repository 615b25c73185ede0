"""The closed form of a beat against what is known of a windkessel."""

from dataclasses import replace

import numpy as np
import pytest

from recorder.devices.sim.population import random_subject
from recorder.devices.sim.subject import SimSubject
from recorder.devices.sim.vessels import (
    compliance_for_pulse_pressure,
    pressure_taps,
    resting_beat,
    resting_finger_wave,
)
from recorder.devices.sim.windkessel import aortic_pressure, flow, reservoir

SUBJECTS = [SimSubject(), *(random_subject(np.random.default_rng(n)) for n in range(5))]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_diastole_decays_with_r_times_c(subject):
    beat = resting_beat(subject)
    t_s = np.linspace(beat.lvet_s, beat.period_s, 50)
    decay = np.log(reservoir(beat, t_s))
    slope = np.polyfit(t_s, decay, 1)[0]
    assert -1.0 / slope == pytest.approx(beat.r * beat.c, rel=1e-9)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_mean_flow_is_rate_times_stroke_volume(subject):
    beat = resting_beat(subject)
    t_s = (np.arange(200_000) + 0.5) * (beat.period_s / 200_000)
    assert flow(beat, t_s).mean() * 60 / 1000 == pytest.approx(subject.co_l_min, rel=1e-4)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_mean_pressure_over_venous_is_output_times_resistance(subject):
    beat = resting_beat(subject)
    t_s = (np.arange(20_000) + 0.5) * (beat.period_s / 20_000)
    integrated = aortic_pressure(beat, t_s).mean()
    ohm = subject.cvp_mmhg + subject.co_l_min * 1000 / 60 * subject.r_total
    assert integrated == pytest.approx(ohm, rel=1e-3)
    assert beat.mean_mmhg == pytest.approx(ohm, rel=1e-9)
    assert subject.map_mmhg == pytest.approx(ohm, rel=1e-9)


def test_the_closed_form_solves_the_differential_equation():
    beat = replace(resting_beat(SimSubject()), zc=0.0)
    t_s = np.linspace(0.0, beat.period_s, 40_001)
    x = reservoir(beat, t_s)
    inflow = (flow(beat, t_s) - x / beat.r) / beat.c
    steps = np.diff(x) / np.diff(t_s)
    between = 0.5 * (inflow[1:] + inflow[:-1])
    away_from_the_valve = np.abs(t_s[1:] - beat.lvet_s) > 1e-3
    np.testing.assert_allclose(steps[away_from_the_valve], between[away_from_the_valve], atol=0.05)


def test_a_steady_beat_repeats_itself():
    beat = resting_beat(SimSubject())
    assert beat.x_end_mmhg == pytest.approx(beat.x0_mmhg, abs=1e-9)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_way_to_the_finger_keeps_the_mean_and_amplifies_the_pulse(subject):
    beat = resting_beat(subject)
    aorta = aortic_pressure(beat, np.arange(256) * (beat.period_s / 256))
    finger = resting_finger_wave(subject)
    assert finger.mean() == pytest.approx(aorta.mean(), abs=1e-9)
    assert finger.max() > aorta.max() - 1.0
    assert pressure_taps(subject, 250.0).sum() == pytest.approx(1.0, abs=1e-12)


def test_more_reflection_gives_a_higher_finger_systole():
    peaks = [resting_finger_wave(SimSubject(reflection=gamma)).max() for gamma in (0.0, 0.2, 0.5)]
    assert peaks[0] < peaks[1] < peaks[2]


@pytest.mark.parametrize("pulse_mmhg", [40.0, 55.0, 75.0])
def test_compliance_is_found_for_a_pulse_pressure(pulse_mmhg):
    subject = SimSubject()
    compliance = compliance_for_pulse_pressure(subject, pulse_mmhg)
    assert np.ptp(resting_finger_wave(subject, compliance)) == pytest.approx(pulse_mmhg, abs=0.02)


def test_no_body_has_any_compliance():
    assert compliance_for_pulse_pressure(SimSubject(), 5.0) == pytest.approx(5.0, abs=1e-4)
    assert compliance_for_pulse_pressure(SimSubject(), 300.0) == pytest.approx(0.4, abs=1e-4)
