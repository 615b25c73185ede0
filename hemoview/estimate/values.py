"""What an estimate is: a value with its 90 % interval, or no value and the reason. There is no third kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from hemoview.estimate.reasons import Reason


@dataclass(frozen=True, slots=True)
class ParameterEstimate:
    """One parameter of one window.

    Args:
        value, low, high: in the parameter's unit, ``low ≤ value ≤ high``; all None where it abstains.
        reason: None = fine; ``simulated`` = a value to be tagged SIM; else why there is no value.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: Reason | None = None

    def __post_init__(self) -> None:
        numbers = (self.value, self.low, self.high)
        if (self.reason in (None, "simulated")) != all(n is not None for n in numbers):
            raise ValueError(f"an estimate has a value with its interval or a reason, got {self}")
        if self.value is not None and not self.low <= self.value <= self.high:  # type: ignore[operator]
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
    """

    parameters: Mapping[str, ParameterEstimate]
    sqi: float
    personalisation_age_s: float | None
    infer_ms: float | None
