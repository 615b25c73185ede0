"""The virtual subject: the few numbers that make one person's circulation, wrist and finger."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

from recorder.devices.sim.windkessel import DYN_PER_MMHG_S_ML
from recorder.errors import ConfigError
from recorder.schema import body_surface_m2

MODEL_VERSION = "wk3-1"
"""Rises whenever the same seed would give other samples."""

Rhythm = Literal["sinus", "atrial-fibrillation", "paced"]
ARM_LENGTH_PER_HEIGHT = 0.36
"""Aortic arch to finger tip over body height, both m: what makes a transit time of 30 to 80 ms."""


@dataclass(frozen=True, slots=True)
class SimSubject:
    """One virtual person at rest.

    Args:
        age_y, sex, height_cm, weight_kg: as a subject form has them.
        hr_per_min, sv_ml, svr_dyn, cvp_mmhg: resting state; ``svr_dyn`` (dyn·s/cm⁵) is the whole resistance.
        compliance_ml_per_mmhg: arterial compliance at resting pressure.
        zc_fraction: characteristic impedance over the whole resistance.
        reflection: Γ at 0 Hz at the end of the arm, 0 to 0.6.
        pwv_m_s: pulse wave velocity along the arm.
        tissue_gain: size of the optical pulse, 1 = usual.
        tissue_p50_mmhg, tissue_width_mmhg: centre and width of the arctan pressure-volume law of the wrist.
        ppg_low_pass_hz: smoothing by the tissue, second order.
        breaths_per_min, rsa_per_min, ppv: breathing and what it does to rate and stroke volume.
        svr_wander, hr_wander_per_min: spread of the slow random states.
        motion_fraction: share of time in which the wrist moves.
        rhythm: sinus, atrial fibrillation, or paced at ``hr_per_min`` without any variation.
    """

    age_y: int = 40
    sex: Literal["female", "male"] = "male"
    height_cm: float = 175.0
    weight_kg: float = 72.0
    hr_per_min: float = 74.0
    sv_ml: float = 84.0
    svr_dyn: float = 1050.0
    cvp_mmhg: float = 5.0
    compliance_ml_per_mmhg: float = 1.8
    zc_fraction: float = 0.06
    reflection: float = 0.25
    pwv_m_s: float = 10.0
    tissue_gain: float = 1.0
    tissue_p50_mmhg: float = 75.0
    tissue_width_mmhg: float = 30.0
    ppg_low_pass_hz: float = 6.5
    breaths_per_min: float = 15.0
    rsa_per_min: float = 3.0
    ppv: float = 0.08
    svr_wander: float = 0.07
    hr_wander_per_min: float = 3.0
    motion_fraction: float = 0.1
    rhythm: Rhythm = "sinus"

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"virtual subject: {name} {value:g} is outside {low:g} to {high:g}")
        if self.sex not in ("female", "male") or self.rhythm not in get_args(Rhythm):
            raise ConfigError(f"virtual subject: sex {self.sex!r} or rhythm {self.rhythm!r} is unknown")

    @property
    def bsa_m2(self) -> float:
        """Body surface area, m²."""
        return body_surface_m2(self.height_cm, self.weight_kg)

    @property
    def co_l_min(self) -> float:
        """Resting cardiac output, L/min."""
        return self.hr_per_min * self.sv_ml / 1000.0

    @property
    def map_mmhg(self) -> float:
        """Resting mean pressure, mmHg: CVP + SVR·CO/80."""
        return self.cvp_mmhg + self.svr_dyn * self.co_l_min / 80.0

    @property
    def r_total(self) -> float:
        """Whole resistance, mmHg·s/mL."""
        return self.svr_dyn / DYN_PER_MMHG_S_ML

    @property
    def transit_finger_s(self) -> float:
        """One-way travel time of the pulse from aorta to finger, s."""
        return ARM_LENGTH_PER_HEIGHT * self.height_cm / 100.0 / self.pwv_m_s

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """A subject from a few of its fields; the rest stays at rest-of-the-world values.

        Raises:
            ConfigError: a field is unknown or out of range.
        """
        unknown = set(value) - {f.name for f in fields(cls)}
        if unknown:
            raise ConfigError(f"virtual subject: unknown field {', '.join(sorted(unknown))}")
        return cls(**value)


_LIMITS: dict[str, tuple[float, float]] = {
    "age_y": (16, 95),
    "height_cm": (130, 215),
    "weight_kg": (30, 200),
    "hr_per_min": (35, 150),
    "sv_ml": (25, 160),
    "svr_dyn": (300, 4000),
    "cvp_mmhg": (-2, 20),
    "compliance_ml_per_mmhg": (0.3, 6),
    "zc_fraction": (0, 0.2),
    "reflection": (0, 0.6),
    "pwv_m_s": (4, 25),
    "tissue_gain": (0.01, 10),
    "tissue_width_mmhg": (5, 2000),
    "ppg_low_pass_hz": (3, 15),
    "breaths_per_min": (4, 40),
    "rsa_per_min": (0, 15),
    "ppv": (0, 0.3),
    "svr_wander": (0, 0.3),
    "hr_wander_per_min": (0, 15),
    "motion_fraction": (0, 1),
}


def config_hash(subject: SimSubject, script: Any, seed: int) -> str:
    """SHA-256 of everything that decides the samples: subject, script, seed, model version."""
    text = json.dumps([MODEL_VERSION, subject.to_json(), script, seed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
