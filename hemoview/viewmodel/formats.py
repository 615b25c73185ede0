"""Numbers as they stand on the screen: digits of the field, one dash for nothing."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime

DASH = "—"
KPA_PER_MMHG = 0.133322
"""1 mmHg = 133.322 Pa (NIST SP 811)."""

DECIMALS = {"CO": 1, "CI": 1}
"""Digits after the point by parameter; others are whole numbers."""


def pressure_factor(unit: str) -> float:
    """What multiplies mmHg to give ``unit``."""
    return KPA_PER_MMHG if unit == "kPa" else 1.0


def decimals(parameter: str, unit: str) -> int:
    """Digits after the point."""
    return 1 if unit == "kPa" else DECIMALS.get(parameter, 0)


UNIT_WORDS = {"1": "", "uS": "µS", "Cel": "°C", "mm[Hg]": "mmHg"}
"""UCUM codes of the streams as they are written at a bedside."""


def unit_words(ucum: str) -> str:
    """A unit as shown."""
    return UNIT_WORDS.get(ucum, ucum)


def number(value: float, places: int) -> str:
    """A value, or a dash."""
    return f"{value:.{places}f}" if math.isfinite(value) else DASH


def interval(low: float, high: float, places: int) -> str:
    """``114–131``."""
    return f"{low:.{places}f}–{high:.{places}f}"


def clock_time(seconds: float) -> str:
    """Elapsed time ``00:12:31``."""
    whole = max(0, int(seconds))
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def time_of_day(wall_ns: int, utc_offset_s: int) -> str:
    """``14:05`` at the place of the screen."""
    seconds = (wall_ns // 1_000_000_000 + utc_offset_s) % 86_400
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"


def offset_here_s(wall_ns: int) -> int:
    """How far the clock on the wall was ahead of UTC at that moment: summer time may begin while a session runs."""
    return time.localtime(wall_ns // 1_000_000_000).tm_gmtoff


def day(wall_ns: int, utc_offset_s: int) -> str:
    """``2026-11-20`` at the place of the screen."""
    return datetime.fromtimestamp(wall_ns // 1_000_000_000 + utc_offset_s, UTC).date().isoformat()


def age(seconds: float) -> str:
    """``0.4 s``, ``35 s``, ``12 min``, ``3 h 05``."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d}"


def sentence(words: str) -> str:
    """A cause as a whole sentence: with a full stop, if it ends with no mark of its own."""
    words = words.strip()
    return words if not words or words[-1] in ".!?…" else f"{words}."


def count(value: int) -> str:
    """``48 213`` with thin spaces."""
    return f"{value:,}".replace(",", "\u2009")
