"""Who is recorded – by pseudonym only – with what is needed to compute, and where the sensors sit."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

Sex = Literal["female", "male", "other", "unknown"]
Side = Literal["left", "right", "unknown"]

ASSUMED_CVP_MMHG = 5.0
"""Central venous pressure assumed for SVR where none is given (safety rule 11); always shown as assumed."""

_Area = TypeVar("_Area", float, NDArray[np.float64])


def body_surface_m2(height_cm: _Area, weight_kg: _Area) -> _Area:
    """Body surface area, m² (DuBois & DuBois 1916: 0.007184·W^0.425·H^0.725, kg and cm); NaN where one is NaN."""
    area: _Area = 0.007184 * weight_kg**0.425 * height_cm**0.725
    return area


_PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject: pseudonym and the few facts the estimates need.

    Args:
        pseudonym: 1 to 32 letters, digits, '.', '_' or '-'; never a name.
        sex: as recorded for the study.
        age_y: whole years; 90 stands for "90 or older"; never a date of birth.
        height_cm, weight_kg: for body surface area.
        cvp_mmhg: measured central venous pressure, if there is one.

    Raises:
        ValueError: the pseudonym or a value is out of range.
    """

    pseudonym: str
    sex: Sex = "unknown"
    age_y: int | None = None
    height_cm: float | None = None
    weight_kg: float | None = None
    cvp_mmhg: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "age_y", _whole_years(self.age_y))
        if not _PSEUDONYM.match(self.pseudonym):
            shown = self.pseudonym if len(self.pseudonym) <= 40 else f"{self.pseudonym[:40]}…"
            raise ValueError(f"pseudonym {shown!r}: use 1 to 32 letters, digits, '.', '_' or '-'")
        for name, value, low, high in (
            ("age", self.age_y, 0, 90),
            ("height", self.height_cm, 40, 250),
            ("weight", self.weight_kg, 2, 400),
            ("CVP", self.cvp_mmhg, -5, 40),
        ):
            _within(name, value, low, high)

    @property
    def bsa_m2(self) -> float | None:
        """Body surface area, m²; None where height or weight is not known."""
        if self.height_cm is None or self.weight_kg is None:
            return None
        return body_surface_m2(self.height_cm, self.weight_kg)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sites:
    """Where the sensors sit; an inflation blanks only sensors on that arm (safety rule 10)."""

    wristband_side: Side = "unknown"
    finger_cuff_side: Side = "unknown"
    arm_cuff_side: Side = "unknown"
    posture: str = "unknown"
    hand_height_cm: float | None = None


def _whole_years(age_y: float | None) -> float | None:
    """A foreign file's 53.0 years are 53."""
    return math.floor(age_y) if isinstance(age_y, float) and math.isfinite(age_y) else age_y


@dataclass(frozen=True, slots=True)
class Consent:
    """Reference to a signed consent: no name, just which paper and what it allows (safety rule 14)."""

    version: str
    date: str
    record: bool = True
    upload: bool = False
    reuse_for_training: bool = False
    feedback: bool = False

    def __post_init__(self) -> None:
        if not self.version.strip() or not re.match(r"\d{4}-\d\d-\d\d\Z", self.date):
            raise ValueError("consent needs the version of the form and a date, year-month-day")
        if not self.record:
            raise ValueError("consent does not allow recording")

    def allows(self, use: Use) -> bool:
        """Whether this scope was given."""
        return bool(getattr(self, use))


Use = Literal["record", "upload", "reuse_for_training", "feedback"]
"""What a consent may allow; a scope not given excludes the session from that use (safety rule 14)."""
USES: tuple[Use, ...] = get_args(Use)

RHYTHMS = ("sinus", "atrial-fibrillation", "extrasystoles", "paced", "other")
PERFUSIONS = ("normal", "cool", "poor")
_MONK = (1, 10)
_WRIST_CM = (8.0, 30.0)
_FREE_TEXT = 120


@dataclass(frozen=True, slots=True)
class Details:
    """What may explain how well light and pressure meet at the wrist: optional, consented, never required (safety 16).

    Args:
        skin_tone: Monk scale, 1 (lightest) to 10 (darkest).
        rhythm: one of :data:`RHYTHMS`.
        perfusion: one of :data:`PERFUSIONS`, of the hand as touched.
        vasoactive_drugs: which, and at what rate; no brand of a person's own list, no name.
        wrist_cm: circumference below the wristband.
        tattoo: there is ink below the sensor.
        consented: the person agreed that these are kept.

    Raises:
        ValueError: a value is out of range, or one is told without consent.
    """

    skin_tone: int | None = None
    rhythm: str | None = None
    perfusion: str | None = None
    vasoactive_drugs: str | None = None
    wrist_cm: float | None = None
    tattoo: bool | None = None
    consented: bool = False

    def __post_init__(self) -> None:
        _within("skin tone", self.skin_tone, *_MONK)
        _within("wrist circumference", self.wrist_cm, *_WRIST_CM)
        for name, value, known in (
            ("rhythm", self.rhythm, RHYTHMS),
            ("perfusion", self.perfusion, PERFUSIONS),
        ):
            if value is not None and value not in known:
                raise ValueError(f"{name} {value!r} is none of {', '.join(known)}")
        if self.vasoactive_drugs is not None and len(self.vasoactive_drugs) > _FREE_TEXT:
            raise ValueError(f"vasoactive drugs: at most {_FREE_TEXT} characters")
        if self.given and not self.consented:
            raise ValueError(f"{', '.join(self.given)}: kept only with consent")

    @property
    def given(self) -> dict[str, Any]:
        """Those that were told."""
        told = asdict(self)
        return {name: value for name, value in told.items() if value is not None and name != "consented"}


def _within(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} {value:g} is outside {low:g} to {high:g}")
