"""How many frames are missing? A counter that wraps, a clock that wraps, and what arrival says. Pure."""

from __future__ import annotations

from dataclasses import dataclass

CLOCK_MODULO_US = 2**32
"""A microcontroller's microseconds are 32 bits and wrap every 71.6 min."""
BACKLOG_S = 300.0
"""A link that nobody read may hold so much: then two frames arrive together that were taken long apart."""
_SLACK_S = 1.0
_SLACK_SHARE = 0.005
_JUST_STARTED_S = 60.0


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
    by_arrival = (after.t_host_ns - before.t_host_ns) * 1e-9 * rate_hz - 1
    if before.stamp_us is not None and after.stamp_us is not None:
        if _restarted(before.stamp_us, after.stamp_us, after.counter, rate_hz):
            return None
        by_clock = ((after.stamp_us - before.stamp_us) % CLOCK_MODULO_US) * 1e-6 * rate_hz - 1
        missing = _nearest(counted, by_clock, modulo)
        possible = by_clock - by_arrival <= BACKLOG_S * rate_hz
        return missing if possible and abs(missing - by_clock) <= _slack(rate_hz, by_clock, modulo) else None
    slack = _slack(rate_hz, by_arrival, modulo)
    if relinked:
        missing = _nearest(counted, by_arrival, modulo)
        return missing if abs(missing - by_arrival) <= slack else None
    return counted if counted - by_arrival <= slack else None


def _restarted(before_us: int, after_us: int, counter: int, rate_hz: float) -> bool:
    """Clock and counter both began anew a moment ago; a clock that merely wrapped has another count beside it."""
    since_s = after_us * 1e-6
    return after_us < before_us and since_s < _JUST_STARTED_S and abs(counter / rate_hz - since_s) < _SLACK_S


def _nearest(counted: int, expected: float, modulo: int) -> int:
    return counted + modulo * max(0, round((expected - counted) / modulo))


def _slack(rate_hz: float, frames: float, modulo: int) -> float:
    return min(_SLACK_S * rate_hz + _SLACK_SHARE * abs(frames), modulo / 2)
