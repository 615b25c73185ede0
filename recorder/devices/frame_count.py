"""How many frames are missing? A counter that wraps, a clock that wraps, and what arrival says. Pure."""

from __future__ import annotations

from dataclasses import dataclass

CLOCK_MODULO_US = 2**32
"""A microcontroller's microseconds are 32 bits and wrap every 71.6 min."""
_SLACK_S = 1.0
_SLACK_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class FrameMark:
    """What the last frame before a hole, or the first after it, carried.

    Args:
        counter: frame counter as sent.
        stamp_us: the device's clock as sent, None if it has none.
        t_host_ns: arrival.
    """

    counter: int
    stamp_us: int | None
    t_host_ns: int


def missing_frames(
    before: FrameMark, after: FrameMark, *, modulo: int, rate_hz: float, relinked: bool = False
) -> int | None:
    """Frames lost between two marks; None where the device must have restarted and nobody can tell.

    The counter gives the number modulo ``modulo``. The device's clock, where there is one, tells how often it
    wrapped and whether it is the same count at all. Without one arrival must do: frames cannot have been taken
    faster than time passed, and over a new connection (``relinked``) not slower either.
    """
    counted = (after.counter - before.counter - 1) % modulo
    if before.stamp_us is not None and after.stamp_us is not None:
        elapsed_us = (after.stamp_us - before.stamp_us) % CLOCK_MODULO_US
        by_clock = elapsed_us * 1e-6 * rate_hz - 1
        missing = counted + modulo * max(0, round((by_clock - counted) / modulo))
        return missing if abs(missing - by_clock) <= _slack(rate_hz, by_clock) else None
    by_arrival = (after.t_host_ns - before.t_host_ns) * 1e-9 * rate_hz - 1
    slack = _slack(rate_hz, by_arrival)
    if relinked:
        counted += modulo * max(0, round((by_arrival - counted) / modulo))
        return counted if abs(counted - by_arrival) <= slack else None
    return counted if counted - by_arrival <= slack else None


def _slack(rate_hz: float, frames: float) -> float:
    return _SLACK_S * rate_hz + _SLACK_SHARE * abs(frames)
