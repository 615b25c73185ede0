"""One beat of a three-element windkessel, in closed form.

``q(t) = A·sin(πt/L)·e^(−1.2t/L)`` while the valve is open (L), 0 after; ``dx/dt = (q − x/R)/C`` with ``x`` the pressure
over the venous side; aortic pressure ``= Pcv + x + Zc·q``. Because q is a damped sine the solution is elementary, so
a beat costs one vectorised expression and no integration error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DYN_PER_MMHG_S_ML = 80.0 / 0.06
"""1 mmHg·s/mL in dyn·s/cm⁵ as bedside medicine rounds it: SVR = 80·(MAP − CVP)/CO with CO in L/min."""

FLOW_DAMPING = 1.2
"""Skews the ejected flow to an early peak (methods §F.2)."""


@dataclass(frozen=True, slots=True)
class Beat:
    """All that shapes one beat.

    Args:
        start_s: valve opening, s of patient time.
        period_s: to the next opening.
        lvet_s: ejection time.
        sv_ml: stroke volume.
        r, zc: peripheral resistance and characteristic impedance, mmHg·s/mL.
        c: compliance, mL/mmHg.
        x0_mmhg: pressure over the venous side at the opening.
        cvp0_mmhg, cvp1_mmhg: venous (and chest) pressure at start and end; linear between.
        pulse_gain: size of the optical pulse by vasomotor tone.
        manoeuvre: what the subject is doing.
    """

    start_s: float
    period_s: float
    lvet_s: float
    sv_ml: float
    r: float
    zc: float
    c: float
    x0_mmhg: float
    cvp0_mmhg: float
    cvp1_mmhg: float
    pulse_gain: float = 1.0
    manoeuvre: str = "rest"

    @property
    def end_s(self) -> float:
        """Opening of the next beat, s."""
        return self.start_s + self.period_s

    @property
    def hr_per_min(self) -> float:
        """Instantaneous rate."""
        return 60.0 / self.period_s

    @property
    def x_end_mmhg(self) -> float:
        """Pressure over the venous side at the end of the beat."""
        return float(reservoir(self, np.array([self.period_s]))[0])

    @property
    def mean_mmhg(self) -> float:
        """Mean aortic pressure of the beat, mmHg, exact by conservation of volume."""
        stored_ml = self.c * (self.x_end_mmhg - self.x0_mmhg)
        over_venous = (self.r * (self.sv_ml - stored_ml) + self.zc * self.sv_ml) / self.period_s
        return over_venous + 0.5 * (self.cvp0_mmhg + self.cvp1_mmhg)


def ejection_time_s(hr_per_min: float) -> float:
    """Left ventricular ejection time, s (LVET = 0.413 − 0.0017·HR, kept inside the beat)."""
    return min(max(0.413 - 0.0017 * hr_per_min, 0.15), 0.55 * 60.0 / hr_per_min)


def _flow_terms(beat: Beat) -> tuple[float, float, float]:
    """Amplitude (mL/s), angular frequency (1/s) and damping (1/s) of the ejected flow."""
    w = np.pi / beat.lvet_s
    b = FLOW_DAMPING / beat.lvet_s
    amplitude = beat.sv_ml * (b * b + w * w) / (w * (1.0 + np.exp(-FLOW_DAMPING)))
    return float(amplitude), float(w), float(b)


def flow(beat: Beat, t_s: Array) -> Array:
    """Aortic flow, mL/s, at ``t_s`` ``(n,)`` after the opening."""
    amplitude, w, b = _flow_terms(beat)
    open_s = np.minimum(t_s, beat.lvet_s)
    return np.maximum(amplitude * np.sin(w * open_s) * np.exp(-b * open_s), 0.0)


def reservoir(beat: Beat, t_s: Array) -> Array:
    """Pressure over the venous side, mmHg, ``(n,)`` at ``t_s`` after the opening."""
    amplitude, w, b = _flow_terms(beat)
    rate = 1.0 / (beat.r * beat.c)
    a = rate - b
    open_s = np.minimum(t_s, beat.lvet_s)
    driven = np.exp(-b * open_s) * (a * np.sin(w * open_s) - w * np.cos(w * open_s)) + w * np.exp(
        -rate * open_s
    )
    x = beat.x0_mmhg * np.exp(-rate * open_s) + amplitude / beat.c * driven / (a * a + w * w)
    return np.asarray(x * np.exp(-rate * (t_s - open_s)))


def aortic_pressure(beat: Beat, t_s: Array) -> Array:
    """Aortic pressure, mmHg, ``(n,)`` at ``t_s`` after the opening."""
    venous = beat.cvp0_mmhg + (beat.cvp1_mmhg - beat.cvp0_mmhg) * (t_s / beat.period_s)
    return np.asarray(venous + reservoir(beat, t_s) + beat.zc * flow(beat, t_s))


def steady_x0(beat: Beat) -> float:
    """The ``x0`` that repeats itself: start and end of the beat at the same pressure."""
    end = beat.x_end_mmhg
    keep = float(np.exp(-beat.period_s / (beat.r * beat.c)))
    return (end - beat.x0_mmhg * keep) / (1.0 - keep)
