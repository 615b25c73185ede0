"""What the subject is told to do, and when. Each manoeuvre is a row of targets the circulation drifts to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recorder.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Effect:
    """Where a manoeuvre pushes the circulation, as differences from rest.

    Args:
        log_svr, log_sv: natural logarithm of the factor on resistance and stroke volume.
        hr_per_min: direct change of heart rate, before the baroreflex adds its own.
        cvp_mmhg: chest and venous pressure.
        setpoint_mmhg: by how much the baroreflex is reset.
        breaths_per_min: breathing rate to follow, None = the subject's own.
        sweat: extra skin-conductance responses per minute.
    """

    log_svr: float = 0.0
    log_sv: float = 0.0
    hr_per_min: float = 0.0
    cvp_mmhg: float = 0.0
    setpoint_mmhg: float = 0.0
    breaths_per_min: float | None = None
    sweat: float = 0.0


TAU_S = {"log_svr": 10.0, "log_sv": 2.5, "hr_per_min": 6.0, "cvp_mmhg": 0.8, "setpoint_mmhg": 8.0}
"""Time constants: venous return acts within a few beats, vessels need ten seconds; hence the drop on standing."""

MANOEUVRES: dict[str, Effect] = {
    "rest": Effect(),
    # cold-pressor: about +20 mmHg MAP through resistance (methods §F.2)
    "cold-pressor": Effect(log_svr=0.24, hr_per_min=5, log_sv=-0.03, setpoint_mmhg=20, sweat=12),
    "hand-grip": Effect(log_svr=0.06, hr_per_min=14, log_sv=-0.02, setpoint_mmhg=16, sweat=5),
    "stand": Effect(log_svr=0.22, hr_per_min=12, log_sv=-0.28, setpoint_mmhg=0, sweat=3),
    "valsalva": Effect(log_svr=0.15, hr_per_min=8, log_sv=-0.75, cvp_mmhg=25, sweat=6),
    "slow-breathing": Effect(breaths_per_min=6, hr_per_min=-2),
    "vasodilator": Effect(log_svr=-0.28, hr_per_min=2, setpoint_mmhg=-8),
}


@dataclass(frozen=True, slots=True)
class Step:
    """Do ``do`` from ``at_s`` for ``for_s`` seconds."""

    at_s: float
    do: str
    for_s: float

    def __post_init__(self) -> None:
        if self.do not in MANOEUVRES:
            raise ConfigError(f"script: {self.do!r} is unknown; use one of {', '.join(MANOEUVRES)}")
        if not (math.isfinite(self.at_s) and self.for_s > 0):
            raise ConfigError(f"script: {self.do} needs a start and a length above 0 s")


@dataclass(frozen=True, slots=True)
class Script:
    """Steps in time; repeated every ``period_s`` where there is one."""

    steps: tuple[Step, ...] = ()
    period_s: float | None = None

    def at(self, t_s: float) -> str:
        """What is being done at ``t_s``; ``rest`` where nothing is."""
        t_s = t_s % self.period_s if self.period_s and t_s >= 0 else t_s
        active = [s.do for s in self.steps if s.at_s <= t_s < s.at_s + s.for_s]
        return active[-1] if active else "rest"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"steps": [[s.at_s, s.do, s.for_s] for s in self.steps], "period_s": self.period_s}


_DEMO = Script(
    (
        Step(45, "cold-pressor", 60),
        Step(165, "stand", 60),
        Step(285, "valsalva", 15),
        Step(360, "hand-grip", 60),
        Step(480, "slow-breathing", 60),
        Step(600, "vasodilator", 90),
    ),
    period_s=780,
)
NAMED: dict[str, Script] = {"rest": Script(), "demo": _DEMO}


def parse_script(value: str | Sequence[dict[str, Any]] | Script) -> Script:
    """``"rest"``, ``"demo"`` or ``[{"at_s":60,"do":"cold-pressor","for_s":90}, …]`` → a script.

    Raises:
        ConfigError: unknown name, manoeuvre or field.
    """
    if isinstance(value, Script):
        return value
    if isinstance(value, str):
        if value not in NAMED:
            raise ConfigError(f"script {value!r} is unknown; use {' or '.join(NAMED)} or a list of steps")
        return NAMED[value]
    try:
        return Script(tuple(Step(**step) for step in value))
    except TypeError as error:
        raise ConfigError(f"script: a step has at_s, do and for_s ({error})") from error
