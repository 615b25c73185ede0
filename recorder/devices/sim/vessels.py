"""From the aorta to the finger and the wrist: tube load, tissue, optics – as short causal filters.

``H(f) = (1+Γ)·e^(−jωT) / (1+Γ·e^(−2jωT))``, ``Γ = γ/(1+jf/fc)``: the mean stays, the pulse grows on its way out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recorder.devices.sim.subject import SimSubject
from recorder.devices.sim.windkessel import Beat, aortic_pressure, ejection_time_s, steady_x0

Array = NDArray[np.float64]

REFLECTION_CORNER_HZ = 8.0
"""Γ falls above it (methods §F.2)."""
CUFF_BANDWIDTH_HZ = 30.0
"""What a finger-cuff monitor passes on (our assumption); also keeps the filter free of ringing."""
WRIST_SHARE = 0.87
"""Transit time to the wrist over that to the finger."""
_SPECTRUM = 8192


def tube_load(f_hz: Array, transit_s: float, reflection: float) -> NDArray[np.complex128]:
    """Complex ``H`` at ``f_hz`` ``(n,)``; 1 at 0 Hz."""
    gamma = reflection / (1.0 + 1j * f_hz / REFLECTION_CORNER_HZ)
    delay = np.exp(-2j * np.pi * f_hz * transit_s)
    return np.asarray((1.0 + gamma) * delay / (1.0 + gamma * delay * delay))


def _frequencies_hz(n: int, dt_s: float) -> Array:
    return np.asarray(np.fft.rfftfreq(n, dt_s), dtype=np.float64)


def low_pass(f_hz: Array, corner_hz: float) -> NDArray[np.complex128]:
    """Second-order Butterworth."""
    s = 1j * f_hz / corner_hz
    return np.asarray(1.0 / (1.0 + np.sqrt(2.0) * s + s * s))


def high_pass(f_hz: Array, corner_hz: float) -> NDArray[np.complex128]:
    """First order; all ones when ``corner_hz`` is 0."""
    if corner_hz <= 0:
        return np.ones(f_hz.shape, dtype=np.complex128)
    s = 1j * f_hz / corner_hz
    return np.asarray(s / (1.0 + s))


def pressure_taps(subject: SimSubject, rate_hz: float, share: float = 1.0) -> Array:
    """Filter ``(n_taps,)`` aorta → a site along the arm; its taps add up to 1, so the mean is kept exactly."""
    f = _frequencies_hz(_SPECTRUM, 1.0 / rate_hz)
    response = tube_load(f, subject.transit_finger_s * share, subject.reflection) * low_pass(
        f, CUFF_BANDWIDTH_HZ
    )
    taps = np.fft.irfft(response)[: int(1.2 * rate_hz)]
    return np.asarray(taps / taps.sum())


@dataclass(frozen=True, slots=True)
class Optics:
    """An optical sensor.

    Args:
        high_pass_hz, low_pass_hz: its own band; 0 = open below.
        sign: +1 = a pulse points up, −1 as raw light does.
        share: where it sits, 1 = finger tip.
        size: usual half height of a pulse in its own unit.
        noise: SD of the sensor noise over ``size``.
    """

    high_pass_hz: float = 0.5
    low_pass_hz: float = 8.0
    sign: int = 1
    share: float = WRIST_SHARE
    size: float = 45.0
    noise: float = 0.015


E4_OPTICS = Optics()
"""Wristband BVP: band-passed, tens of units high."""
FINGER_OPTICS = Optics(high_pass_hz=0.0, low_pass_hz=12.0, share=1.0, size=1.0, noise=0.004)
"""A transmission finger clip."""


def optics_taps(subject: SimSubject, optics: Optics, rate_hz: float) -> Array:
    """Filter ``(n_taps,)`` tissue volume → sensor signal."""
    f = _frequencies_hz(_SPECTRUM, 1.0 / rate_hz)
    corner_hz = min(subject.ppg_low_pass_hz, optics.low_pass_hz)
    taps = np.fft.irfft(low_pass(f, corner_hz) * high_pass(f, optics.high_pass_hz))
    seconds = 0.6 if optics.high_pass_hz <= 0 else min(1.0 / optics.high_pass_hz, 4.0)
    return np.asarray(optics.sign * taps[: int(seconds * rate_hz)])


def tissue_volume(subject: SimSubject, pressure_mmhg: Array, contact_mmhg: Array) -> Array:
    """Arterial volume under the sensor, arctan law, dimensionless; ``contact_mmhg`` presses from outside."""
    return np.asarray(
        np.arctan((pressure_mmhg - subject.tissue_p50_mmhg - contact_mmhg) / subject.tissue_width_mmhg)
    )


def resting_beat(subject: SimSubject, compliance: float | None = None) -> Beat:
    """The beat this subject repeats when nothing changes."""
    beat = Beat(
        start_s=0.0,
        period_s=60.0 / subject.hr_per_min,
        lvet_s=ejection_time_s(subject.hr_per_min),
        sv_ml=subject.sv_ml,
        r=subject.r_total * (1.0 - subject.zc_fraction),
        zc=subject.r_total * subject.zc_fraction,
        c=subject.compliance_ml_per_mmhg if compliance is None else compliance,
        x0_mmhg=0.0,
        cvp0_mmhg=subject.cvp_mmhg,
        cvp1_mmhg=subject.cvp_mmhg,
    )
    return replace(beat, x0_mmhg=steady_x0(beat))


def resting_finger_wave(subject: SimSubject, compliance: float | None = None, n: int = 256) -> Array:
    """One period ``(n,)`` of the resting pressure at the finger, mmHg."""
    beat = resting_beat(subject, compliance)
    wave = aortic_pressure(beat, np.arange(n, dtype=np.float64) * (beat.period_s / n))
    f = _frequencies_hz(n, beat.period_s / n)
    response = tube_load(f, subject.transit_finger_s, subject.reflection) * low_pass(f, CUFF_BANDWIDTH_HZ)
    return np.asarray(np.fft.irfft(np.fft.rfft(wave) * response, n))


def compliance_for_pulse_pressure(subject: SimSubject, pulse_mmhg: float) -> float:
    """Compliance, mL/mmHg, that gives ``pulse_mmhg`` at the finger at rest (bisection, kept to 0.4–5)."""
    low, high = 0.4, 5.0
    for _ in range(24):
        middle = 0.5 * (low + high)
        if float(np.ptp(resting_finger_wave(subject, middle))) > pulse_mmhg:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
