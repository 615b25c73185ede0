"""What a lane's bottom and top stand for: grows at once, shrinks slowly, stops at round numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]

SHRINK_BELOW = 0.55
"""A range shrinks once the signal fills less than this part of it."""


@dataclass(frozen=True, slots=True)
class RangeRule:
    """How a lane chooses its range.

    Args:
        step: ends lie on multiples of it; None = wherever the signal asks.
        least: never a smaller span than this.
        margin: part of the signal's span left free above and below.
    """

    step: float | None = None
    least: float = 1e-6
    margin: float = 0.12


def extent(values: NDArray[np.float32]) -> Range | None:
    """Lowest and highest finite value, None where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else None


def fit_range(current: Range | None, signal: Range | None, rule: RangeRule) -> Range:
    """The range to draw ``signal`` in, staying with ``current`` while that still serves."""
    if signal is None:
        return current or (0.0, rule.least)
    wanted = _wanted(signal, rule)
    if current is None:
        return wanted
    inside = current[0] <= signal[0] and signal[1] <= current[1]
    filled = (signal[1] - signal[0]) / (current[1] - current[0])
    roomy = filled < SHRINK_BELOW and (wanted[1] - wanted[0]) < 0.8 * (current[1] - current[0])
    return current if inside and not roomy else wanted


def ticks(value_range: Range, step: float | None, most: int) -> tuple[float, ...]:
    """Values to label: the ends, and the steps between them where ``most`` labels leave room."""
    low, high = value_range
    if step is None:
        return (low, (low + high) / 2, high) if most >= 3 else (low, high)
    n = round((high - low) / step)
    every = next((k for k in range(1, n + 1) if n // k < most), n)
    return tuple(low + i * step for i in range(0, n + 1, every))


def _wanted(signal: Range, rule: RangeRule) -> Range:
    low, high = signal
    pad = max(high - low, rule.least * 0.5) * rule.margin
    low, high = low - pad, high + pad
    missing = rule.least - (high - low)
    if missing > 0:
        low, high = low - missing / 2, high + missing / 2
    if rule.step is None:
        return low, high
    return math.floor(low / rule.step) * rule.step, math.ceil(high / rule.step) * rule.step
