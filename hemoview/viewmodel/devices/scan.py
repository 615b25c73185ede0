"""Scanner or fingers? A scanner types a whole code within a blink and ends it with Enter. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SLOWEST_KEY_MS = 40
"""Between two characters of a keyboard-wedge scanner; usual are 1 to 20 ms, a quick typist needs over 60."""
SHORTEST = 4
"""Fewer characters may be two fingers rolled over the keys."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Characters typed in a row, with the time of each key press, ms."""

    text: str = ""
    times_ms: tuple[int, ...] = ()

    def then(self, character: str, t_ms: int) -> Keys:
        """One more; after a pause a row begins anew."""
        if self.times_ms and t_ms - self.times_ms[-1] <= SLOWEST_KEY_MS:
            return Keys(self.text + character, (*self.times_ms, t_ms))
        return Keys(character, (t_ms,))


def scanned(keys: Keys, enter_ms: int) -> str:
    """The code, if these keys and the Enter after them came from a scanner; else empty."""
    if len(keys.text) < SHORTEST or enter_ms - keys.times_ms[-1] > SLOWEST_KEY_MS:
        return ""
    return keys.text.strip() if _fast(keys.times_ms) else ""


def _fast(times_ms: Sequence[int]) -> bool:
    return times_ms[-1] - times_ms[0] <= SLOWEST_KEY_MS * (len(times_ms) - 1)
