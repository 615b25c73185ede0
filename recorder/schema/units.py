"""The ten parameters in the order used by every array and file, and their units."""

from __future__ import annotations

from typing import Final

PARAMETERS: Final = ("SBP", "MAP", "DBP", "HR", "CO", "CI", "SV", "SI", "SVR", "SVRI")
PRESSURES: Final = ("SBP", "MAP", "DBP")

PARAMETER_UNITS: Final = {
    "SBP": "mmHg",
    "MAP": "mmHg",
    "DBP": "mmHg",
    "HR": "/min",
    "CO": "L/min",
    "CI": "L/min/m²",
    "SV": "mL",
    "SI": "mL/m²",
    "SVR": "dyn·s/cm⁵",
    "SVRI": "dyn·s·m²/cm⁵",
}
