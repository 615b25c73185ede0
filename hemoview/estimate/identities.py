"""What holds between the ten parameters whatever a model says.

CO = HR·SV/1000 · CI = CO/BSA · SI = SV/BSA · SVR = 80·(MAP − CVP)/CO · SVRI = SVR·BSA · DBP < MAP < SBP.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from recorder.schema.subject import ASSUMED_CVP_MMHG

LEAST_PULSE_MMHG = 10.0
MAP_PART = (0.15, 0.62)
"""Where the mean of an arterial beat lies between diastolic and systolic; integrated form factors are 0.33–0.42."""

Span = tuple[float, float, float]
"""(value, low, high)."""


def cardiac_output_l_per_min(hr_per_min: float, sv_ml: float) -> float:
    """CO = HR·SV/1000."""
    return hr_per_min * sv_ml / 1000.0


def stroke_volume_ml(co_l_per_min: float, hr_per_min: float) -> float:
    """SV = 1000·CO/HR."""
    return 1000.0 * co_l_per_min / hr_per_min


def per_area(value: float, bsa_m2: float) -> float:
    """CI from CO, SI from SV."""
    return value / bsa_m2


def systemic_resistance(map_mmhg: float, co_l_per_min: float, cvp_mmhg: float = ASSUMED_CVP_MMHG) -> float:
    """SVR = 80·(MAP − CVP)/CO, dyn·s/cm⁵."""
    return 80.0 * (map_mmhg - cvp_mmhg) / co_l_per_min


def resistance_index(svr: float, bsa_m2: float) -> float:
    """SVRI = SVR·BSA, dyn·s·m²/cm⁵."""
    return svr * bsa_m2


def pressures_hold(sbp: float, map_: float, dbp: float) -> bool:
    """DBP < MAP < SBP with a pulse, and a mean where an artery has it."""
    pulse = sbp - dbp
    return pulse >= LEAST_PULSE_MMHG and MAP_PART[0] <= (map_ - dbp) / pulse <= MAP_PART[1]


def span_of(relation: Callable[..., float], *spans: Span) -> Span:
    """``relation`` applied to values with intervals: the value, and the extremes over all corners (each relation
    here is monotone in each argument). Wider than a joint interval would be, never narrower.
    """
    corners = [relation(*corner) for corner in product(*((low, high) for _, low, high in spans))]
    value = relation(*(value for value, _, _ in spans))
    return value, min(value, *corners), max(value, *corners)
