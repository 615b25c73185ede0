"""Round numbers for axes, and times as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_TIME_STEPS_S = (
    *(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400),
)


def nice_step(span: float, about: int) -> float:
    """The step 1, 2 or 5 · 10^n that cuts ``span`` into about so many pieces."""
    raw = max(span, 1e-12) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999))


def nice_range(low: float, high: float, about: int = 4) -> tuple[float, float]:
    """A range on round numbers that holds both ends, so that it changes seldom while panning."""
    if high <= low:
        middle, half = (low + high) / 2, max(abs(low) * 0.05, 0.5)
        low, high = middle - half, middle + half
    step = nice_step(high - low, about)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def value_ticks(low: float, high: float, about: int = 4) -> tuple[float, ...]:
    """Round values inside a range."""
    step = nice_step(high - low, about)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(i * step for i in range(first, last + 1))


def time_ticks(t0_s: float, t1_s: float, about: int) -> tuple[float, ...]:
    """Round elapsed times inside a span, seconds."""
    raw = (t1_s - t0_s) / max(about, 1)
    step = next((s for s in _TIME_STEPS_S if s >= raw), _TIME_STEPS_S[-1])
    return tuple(i * step for i in range(math.ceil(t0_s / step), math.floor(t1_s / step) + 1))


def elapsed_text(t_s: float, step_s: float = 1.0) -> str:
    """``1:02:03``; with tenths or hundredths where the step asks for them."""
    places = 0 if step_s >= 1 else 1 if step_s >= 0.1 else 2
    ticks = round(abs(t_s) * 10**places)
    whole, fraction = divmod(ticks, 10**places)
    text = f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    sign = "-" if t_s < 0 and ticks else ""
    return f"{sign}{text}.{fraction:0{places}d}" if places else f"{sign}{text}"


def zone_of(name: str, utc_offset_s: int) -> tzinfo:
    """The session's time zone; its fixed offset where this system does not know the name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone(timedelta(seconds=utc_offset_s))


def wall_time(wall_ns: int, zone: tzinfo) -> datetime:
    """UTC ns → local time of the session."""
    return datetime.fromtimestamp(wall_ns / 1e9, UTC).astimezone(zone)


def length_text(seconds: float) -> str:
    """``1 h 02 min``, ``12 min 05 s`` or ``8 s``."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole // 60 % 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
