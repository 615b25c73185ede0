"""Beat after beat: slow random states, breathing, baroreflex and manoeuvres decide the next beat."""

from __future__ import annotations

import math
from bisect import bisect_right

import numpy as np

from recorder.devices.sim.manoeuvres import MANOEUVRES, TAU_S, Script
from recorder.devices.sim.subject import SimSubject
from recorder.devices.sim.vessels import resting_beat
from recorder.devices.sim.windkessel import Beat, ejection_time_s

SVR_TAU_S = 90.0
HR_TAU_S = 60.0
SV_TAU_S = 60.0
SV_WANDER = 0.03
MAYER_HZ = 0.1
MAYER_HR_PER_MIN = 1.2
MAYER_LOG_SVR = 0.015
BAROREFLEX_PER_MIN_PER_MMHG = -0.7
BAROREFLEX_LAG_S = 3.0
"""Slow states and reflex of methods §F.2."""
FILLING_EXPONENT = 0.35
"""Stroke volume follows the length of the beat before it, to this power."""
AF_CV = 0.19
"""Spread of beat lengths over their mean in atrial fibrillation."""


class OrnsteinUhlenbeck:
    """A random state that returns to 0: exact for any step length."""

    def __init__(self, rng: np.random.Generator, sd: float, tau_s: float) -> None:
        self._rng, self._sd, self._tau_s = rng, sd, tau_s
        self.value = sd * float(rng.standard_normal())

    def step(self, dt_s: float) -> float:
        """Advance by ``dt_s``, return the new value."""
        keep = math.exp(-dt_s / self._tau_s)
        self.value = self.value * keep + self._sd * math.sqrt(1 - keep * keep) * float(
            self._rng.standard_normal()
        )
        return self.value


class Breathing:
    """Breaths one after the other, each a little different; asked for phases in order of time."""

    def __init__(self, rng: np.random.Generator, subject: SimSubject, script: Script, start_s: float) -> None:
        self._rng, self._rate, self._script = rng, subject.breaths_per_min, script
        self._starts = [start_s]

    def phase(self, t_s: float) -> float:
        """Phase at ``t_s``, rad; 0 = start of inspiration."""
        while self._starts[-1] <= t_s:
            self._starts.append(self._starts[-1] + self._next_length_s(self._starts[-1]))
        if len(self._starts) > 64:
            del self._starts[:32]
        k = max(bisect_right(self._starts, t_s), 1)
        begin, end = self._starts[k - 1], self._starts[k]
        return 2 * math.pi * (t_s - begin) / (end - begin)

    def _next_length_s(self, t_s: float) -> float:
        asked = MANOEUVRES[self._script.at(t_s)].breaths_per_min
        spread = 0.1 if asked is None else 0.03
        return 60.0 / (asked or self._rate) * math.exp(spread * float(self._rng.standard_normal()))


class Heart:
    """Makes the beats of one subject; ``next_beat()`` as often as wanted. Deterministic by its generator."""

    def __init__(self, subject: SimSubject, script: Script, rng: np.random.Generator, start_s: float) -> None:
        breath_rng, svr_rng, hr_rng, sv_rng, self._rng = rng.spawn(5)
        self._subject, self._script = subject, script
        self.breathing = Breathing(breath_rng, subject, script, start_s)
        self._svr = OrnsteinUhlenbeck(svr_rng, subject.svr_wander, SVR_TAU_S)
        self._hr = OrnsteinUhlenbeck(hr_rng, subject.hr_wander_per_min, HR_TAU_S)
        self._sv = OrnsteinUhlenbeck(sv_rng, SV_WANDER, SV_TAU_S)
        self._pushed = dict.fromkeys(TAU_S, 0.0)
        self._sensed_mmhg = subject.map_mmhg
        self._last = resting_beat(subject)
        self._t_s = start_s
        self._x_mmhg = self._last.x0_mmhg
        self._cvp_mmhg = subject.cvp_mmhg

    def next_beat(self) -> Beat:
        """The next beat."""
        subject, t_s, dt_s = self._subject, self._t_s, self._last.period_s
        manoeuvre = self._script.at(t_s)
        self._drift(manoeuvre, dt_s)
        phase = self.breathing.phase(t_s)
        mayer = math.sin(2 * math.pi * MAYER_HZ * t_s)
        svr_factor = math.exp(self._svr.step(dt_s) + self._pushed["log_svr"] + MAYER_LOG_SVR * mayer)
        period_s = 60.0 / self._rate(phase, mayer, dt_s)
        sv_ml = self._stroke_volume(phase, dt_s)
        r_total = subject.r_total * svr_factor
        cvp1 = subject.cvp_mmhg + self._pushed["cvp_mmhg"]
        stiffening = min(max(subject.map_mmhg / self._sensed_mmhg, 0.6), 1.5) ** 0.7
        beat = Beat(
            start_s=t_s,
            period_s=period_s,
            lvet_s=ejection_time_s(60.0 / period_s),
            sv_ml=sv_ml,
            r=r_total * (1 - subject.zc_fraction),
            zc=subject.r_total * subject.zc_fraction,
            c=subject.compliance_ml_per_mmhg * stiffening,
            x0_mmhg=self._x_mmhg,
            cvp0_mmhg=self._cvp_mmhg,
            cvp1_mmhg=cvp1,
            pulse_gain=min(max(svr_factor**-1.2, 0.3), 2.0),
            manoeuvre=manoeuvre,
        )
        self._remember(beat)
        return beat

    def _drift(self, manoeuvre: str, dt_s: float) -> None:
        target = MANOEUVRES[manoeuvre]
        for name, tau_s in TAU_S.items():
            self._pushed[name] += (getattr(target, name) - self._pushed[name]) * (1 - math.exp(-dt_s / tau_s))

    def _rate(self, phase: float, mayer: float, dt_s: float) -> float:
        subject = self._subject
        setpoint = subject.map_mmhg + self._pushed["setpoint_mmhg"]
        rate = (
            subject.hr_per_min
            + self._hr.step(dt_s)
            + self._pushed["hr_per_min"]
            + BAROREFLEX_PER_MIN_PER_MMHG * (self._sensed_mmhg - setpoint)
        )
        if subject.rhythm == "paced":
            rate = subject.hr_per_min
        elif subject.rhythm == "atrial-fibrillation":
            rate /= min(max(1.0 + AF_CV * float(self._rng.standard_normal()), 0.5), 1.7)
        else:
            rate += subject.rsa_per_min * math.sin(phase) + MAYER_HR_PER_MIN * mayer
        return min(max(rate, 35.0), 190.0)

    def _stroke_volume(self, phase: float, dt_s: float) -> float:
        subject = self._subject
        filling = math.pow(self._last.period_s * subject.hr_per_min / 60.0, FILLING_EXPONENT)
        breath = 1.0 - 0.5 * subject.ppv * math.sin(phase)
        sv = subject.sv_ml * math.exp(self._sv.step(dt_s) + self._pushed["log_sv"]) * filling * breath
        return max(sv, 8.0)

    def _remember(self, beat: Beat) -> None:
        keep = math.exp(-beat.period_s / BAROREFLEX_LAG_S)
        self._sensed_mmhg = self._sensed_mmhg * keep + beat.mean_mmhg * (1 - keep)
        self._last, self._t_s = beat, beat.end_s
        self._x_mmhg, self._cvp_mmhg = beat.x_end_mmhg, beat.cvp1_mmhg
