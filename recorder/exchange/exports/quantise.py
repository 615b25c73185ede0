"""The step of formats that hold counts: never coarser than what is stored where that fits, and nothing is clipped.

EDF tells its scale by the physical values of its smallest and largest count, in 8 characters each; WFDB by a gain and a
baseline. A value read back is within half a step of the value exported; where the stored counts fit it is that value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.exchange.exports.exported import Column, Floats

EDF_COUNTS: Final = 32_000
"""Largest count; the smallest, −32 000, stands for "no sample", so that values end one above it."""
_EDF_CHARS: Final = 8
_ROOM: Final = 0.99
"""Of the counts in use: what the ends gain by being written in 8 characters must not clip."""
_MULTIPLES: Final = (1, 2, 5)
WFDB_MISSING: Final = {16: -(2**15), 32: -(2**31)}
_FLOAT_STEPS: Final = 1e8
"""Steps over the range of floats in WFDB's 32 bits."""
_FINER: Final = 1024


@dataclass(frozen=True, slots=True)
class EdfScale:
    """The four numbers of an EDF signal; ``low`` and ``high`` are texts of at most 8 characters."""

    low: str
    high: str

    @property
    def step(self) -> float:
        """Physical distance of neighbouring counts."""
        return (float(self.high) - float(self.low)) / (2 * EDF_COUNTS)

    def counts(self, values: Floats) -> NDArray[np.int16]:
        """Values → counts; what is no number becomes the count of "no sample"."""
        middle = (float(self.high) + float(self.low)) / 2
        with np.errstate(invalid="ignore"):
            found = np.rint((values - middle) / self.step)
        found = np.where(np.isfinite(values), found, -EDF_COUNTS)
        return found.astype(np.int16)


def edf_scale(column: Column, places: int | None = None) -> EdfScale:
    """The finest scale whose ends fit into 8 characters and that holds every value of a column.

    Args:
        places: decimals of the text, of a decimal stream.
    """
    low, high = _range(column)
    for step in _steps(column, places, (high - low) / (2 * EDF_COUNTS)):
        for middle in dict.fromkeys((column.offset, 0.0, _middle(low, high, step))):
            ends = _ends(middle, step)
            if ends is None:
                continue
            scale = EdfScale(*ends)
            least, most = float(ends[0]) + scale.step, float(ends[1])
            if least <= low - scale.step / 2 and high + scale.step / 2 <= most:
                return scale
    raise ValueError(f"{column.name}: {low:g} to {high:g} does not fit into EDF")


def _ends(middle: float, step: float) -> tuple[str, str] | None:
    low, high = _eight(middle - EDF_COUNTS * step), _eight(middle + EDF_COUNTS * step)
    if low is None or high is None or not float(low) < float(high):
        return None
    off = max(abs(float(low) - (middle - EDF_COUNTS * step)), abs(float(high) - (middle + EDF_COUNTS * step)))
    return (low, high) if off <= 0.2 * step else None


def _eight(value: float) -> str | None:
    """The nearest number that 8 characters hold."""
    for digits in range(15, 0, -1):
        text = f"{value:.{digits}g}"
        if "e" not in text and len(text) <= _EDF_CHARS:
            return text
    return None


def _middle(low: float, high: float, step: float) -> float:
    """About the middle of the values, in round steps, so that the ends are short texts."""
    coarse = 1000 * step
    return round((low + high) / 2 / coarse) * coarse


def _steps(column: Column, places: int | None, least: float) -> Iterator[float]:
    """Steps to try, finest first: the stored one, its multiples, then round numbers."""
    stored = column.step if places is None else 10.0**-places
    if stored:
        power = 0
        while stored * 10**power < 2e4 * max(least, stored):
            yield from (stored * m * 10**power for m in _MULTIPLES)
            power += 1
    yield from _round_steps(least / _ROOM)


def _round_steps(least: float) -> Iterator[float]:
    power = math.floor(math.log10(least)) if least > 0 else -4
    for exponent in range(max(power, -7), max(power, -7) + 12):
        yield from (m * 10.0**exponent for m in _MULTIPLES if m * 10.0**exponent >= least)


@dataclass(frozen=True, slots=True)
class WfdbScale:
    """Physical value = (count − baseline) · step; ``bits`` 16 or 32."""

    step: float
    baseline: int
    bits: int

    def counts(self, values: Floats, bits: int) -> NDArray[Any]:
        """Values → counts of so many bits; what is no number becomes the format's own "no sample"."""
        with np.errstate(invalid="ignore"):
            found = np.rint(values / self.step) + self.baseline
        found = np.where(np.isfinite(values), found, WFDB_MISSING[bits])
        return found.astype("<i2" if bits == 16 else "<i4")


def wfdb_scale(column: Column, places: int | None = None) -> WfdbScale:
    """The stored step wherever 32 bits hold it, else the finest round one."""
    low, high = _range(column)
    step = column.step if places is None else 10.0**-places
    offset = column.offset
    if step:
        shift = -offset / step
        if abs(shift - round(shift)) > 1e-6 or abs(shift) > 2**30:
            step, shift = step / _FINER, 0.0
        scale = _fitting(low, high, step, round(shift))
        if scale is not None:
            return scale
    finest = max((high - low) / _FLOAT_STEPS, max(abs(low), abs(high)) / 2**30, 1e-12)
    power = math.floor(math.log10(finest))
    for exponent, m in ((e, m) for e in range(power, power + 3) for m in _MULTIPLES):
        if m * 10.0**exponent >= finest:
            found = _fitting(low, high, m * 10.0**exponent, 0)
            if found is not None:
                return found
    raise ValueError(f"{column.name}: {low:g} to {high:g} does not fit into WFDB")


def _fitting(low: float, high: float, step: float, baseline: int) -> WfdbScale | None:
    ends = (round(low / step) + baseline, round(high / step) + baseline)
    for bits in (16, 32):
        if all(abs(end) < 2 ** (bits - 1) - 1 for end in ends):
            return WfdbScale(step, baseline, bits)
    return None


def _range(column: Column) -> tuple[float, float]:
    if not (math.isfinite(column.low) and math.isfinite(column.high)):
        return 0.0, 0.0
    return column.low, column.high


def grid(rates_hz: list[float], longest_s: int = 60) -> int | None:
    """The shortest whole number of seconds in which every rate has a whole number of samples; None if none is short."""
    for seconds in range(1, longest_s + 1):
        if all(abs(rate * seconds - round(rate * seconds)) < 1e-9 * rate * seconds for rate in rates_hz):
            return seconds
    return None


def within(edges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans joined where they touch or overlap, in order."""
    joined: list[tuple[int, int]] = []
    for a, b in sorted(edges):
        if joined and a <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], b))
        else:
            joined.append((a, b))
    return joined


__all__ = ["EDF_COUNTS", "EdfScale", "WfdbScale", "edf_scale", "grid", "wfdb_scale", "within"]
