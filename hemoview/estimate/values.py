"""What an estimate is: a value with its 90 % interval, or no value and the reason.

A value learned from simulation alone, shown only where a template asks for it, has no interval: with no real
subjects behind it none may be claimed (safety rule 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from hemoview.estimate.personalise import AnchorKind
from hemoview.estimate.reasons import Reason


@dataclass(frozen=True, slots=True)
class ParameterEstimate:
    """One parameter of one window.

    Args:
        value, low, high: in the parameter's unit, ``low ≤ value ≤ high``; all None where it abstains.
        reason: None = fine; ``simulated`` = a value without interval, to be tagged SIM; else why there is no value.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: Reason | None = None

    def __post_init__(self) -> None:
        has = tuple(number is not None for number in (self.value, self.low, self.high))
        wanted = {None: (True, True, True), "simulated": (True, False, False)}.get(
            self.reason, (False, False, False)
        )
        if has != wanted:
            raise ValueError(f"an estimate has a value with its interval or a reason, got {self}")
        if self.reason is None and not self.low <= self.value <= self.high:  # type: ignore[operator]
            raise ValueError(f"{self.value:g} is not within its interval {self.low} to {self.high}")

    @classmethod
    def abstained(cls, reason: Reason) -> Self:
        """No value, and why."""
        return cls(None, None, None, reason)


@dataclass(frozen=True, slots=True)
class Estimate:
    """All parameters of one window.

    Args:
        parameters: every one of ``PARAMETERS``.
        sqi: 0 to 1.
        personalisation_age_s: since the last point used; None = not personalised.
        infer_ms: time of the model; None where it did not run.
        personalised_by: what that last point was; None as for the age.
    """

    parameters: Mapping[str, ParameterEstimate]
    sqi: float
    personalisation_age_s: float | None
    infer_ms: float | None
    personalised_by: AnchorKind | None = None
