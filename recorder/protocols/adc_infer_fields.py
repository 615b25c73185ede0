"""What a column of numbers is: a frame counter, a clock, a constant, or a converted quantity. Pure, over frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.protocols.adc_findings import FieldKind

Ints = NDArray[np.int64]

MOSTLY: Final = 0.8
"""Lost frames and damage leave at least so many steps of a counter or clock as they should be."""

CLEAN: Final = 0.95
"""Steps of a clock that do not go back."""

CLOCK_SPREAD: Final = 0.25
"""Steps of a device's clock vary less than this share of their median; a microcontroller's by a few µs of 10 ms."""

RATE_FIT: Final = 0.1
"""A clock's step and the rate of arrival agree within so much; else the column only rises."""

WORD: Final = 2**32


@dataclass(frozen=True, slots=True)
class Column:
    """One judged column. ``modulo``: of a counter, 0 where its end was not seen; ``step``: of a clock, its units."""

    kind: FieldKind
    modulo: int = 0
    step: float = 0.0


def judge(values: Ints, rate_hz: float, width: int | None = None) -> Column:
    """What ``values`` ``(n,)`` of consecutive frames are.

    Args:
        values: as sent.
        rate_hz: frames a second by arrival, 0 if unknown.
        width: bytes of a packed field, None of a text column.
    """
    if values.size < 3 or (values == values[0]).all():
        return Column("constant")
    modulo = counts_frames(values, width)
    if modulo is not None:
        return Column("counter", modulo)
    clock = _clock(values, rate_hz, width)
    return clock if clock is not None else Column("channel")


def counts_frames(values: Ints, width: int | None = None) -> int | None:
    """Modulo of a counter of frames, 0 if its end was not seen; None if it is none. Its range is then ``width``'s."""
    if width is not None:
        ones = float(np.mean(np.diff(values) % 256**width == 1))
        return 256**width if ones >= MOSTLY else None
    steps = np.diff(values)
    backwards = np.flatnonzero(steps < 0)
    ones = float(np.mean(steps == 1)) + len(backwards) / steps.size
    if ones < MOSTLY or len(backwards) > steps.size / 8 or not (steps == 1).any():
        return None
    if not len(backwards):
        return 0
    tops = values[backwards] + 1 - values[backwards + 1] * (values[backwards + 1] < 3)
    top = int(values.max()) + 1
    return _usual_modulo(top) if (np.abs(tops - top) < 8).all() else None


def _usual_modulo(top: int) -> int:
    """A lost frame may have hidden the very last count: the next power of two or of ten, if it is that near."""
    usual = [2**n for n in range(3, 33)] + [10**n for n in range(2, 10)]
    return next((m for m in usual if top <= m <= top + 8), top)


def _clock(values: Ints, rate_hz: float, width: int | None) -> Column | None:
    """A stamp that rises by nearly the same step with every frame, and by as much as the frames arrive."""
    if width is not None and width < 4:
        return None
    steps = np.diff(values) % WORD
    step = float(np.median(steps))
    if step < 2 or step > WORD / 8:
        return None
    near = np.abs(steps - step) <= max(1.0, CLOCK_SPREAD * step)
    if np.mean(near) < MOSTLY or np.mean(steps > WORD / 2) > 1 - CLEAN:
        return None
    mean = float(steps[near].mean())
    for kind, per_s in (("clock", 1e6), ("clock-ms", 1e3)):
        if rate_hz and abs(mean * rate_hz / per_s - 1) <= RATE_FIT:
            return Column(kind, step=mean)  # type: ignore[arg-type]
    return None


def roughness(values: Ints) -> float:
    """Median step over the spread of the values: small for a signal, about 0.3 for bytes that mean nothing alone."""
    low, high = np.percentile(values, [2, 98])
    span = float(high - low)
    return float(np.median(np.abs(np.diff(values)))) / span if span > 0 else 0.0


def bits_of(low: int, high: int) -> int | None:
    """Bits of the smallest usual converter that gives these counts; None with a sign."""
    return next((n for n in (8, 10, 12, 14, 16, 18, 20, 24) if high < 2**n), 32) if low >= 0 else None
