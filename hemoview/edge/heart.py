"""Whose heart is it? The beats of both devices, compared every 5 s, and an answer that does not flicker."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import numpy as np

from hemoview.dsp.shared_heart import LONGEST_S, SPAN_S, Beats, Comparison, Verdict, compare

LOOK_EVERY_S: Final = 5
KEPT_NS: Final = round((SPAN_S + 20.0) * 1e9)
"""Beats come to light up to 3 s late, and one device may lag."""
LEAST_QUALITY: Final = 0.6
"""Correlation with the mean beat below which a beat is not believed; it still bounds no interval."""
STILL_G: Final = 0.04
"""RMS acceleration around a beat above which it is not believed (decision 0009: there a broken rule is motion)."""
AROUND_NS: Final = (1_500_000_000, 1_000_000_000)
"""What around a beat may move it, before and after."""
LOOKS_NEEDED: Final = 3
"""Looks in a row that must agree before two hearts are said, and before that is taken back."""
RENEWED_S: Final = 60.0
"""Enough beats for so long that say neither: what was said before rests on nothing any more."""

VERDICTS: Final[tuple[Verdict, ...]] = ("cannot-tell", "same", "different")
WHYS: Final = ("", "too-few-beats", "no-variability", "unsure")


@dataclass(frozen=True, slots=True)
class Looked:
    """One look: what the beats of the last 45 s say, and what is said after all looks so far."""

    verdict: Verdict
    found: Comparison


class HeartGuard:
    """Beats in, a verdict every 5 s out; knows no clock of its own."""

    def __init__(self) -> None:
        self.verdict: Verdict = "cannot-tell"
        self.compared = False
        """There were enough beats to compare, at least once since :meth:`begin`."""
        self.usable_s = (0.0, 0.0)
        """Signal of each device that can be compared, since it was made: whole intervals between believed beats."""
        self._beats: tuple[deque[tuple[int, bool]], deque[tuple[int, bool]]] = deque(), deque()
        self._alike: Verdict = "cannot-tell"
        self._times = 0

    def begin(self, verdict: Verdict = "cannot-tell") -> None:
        """Another subject, or the same one met half-way with what was said of them before."""
        self.cut()
        self.verdict, self.compared = verdict, verdict != "cannot-tell"
        self._alike, self._times = "cannot-tell", 0

    def cut(self) -> None:
        """Times do not follow those before: another clock era, or a link that was lost and may lag otherwise now. What
        is said stays until there is enough to compare again.
        """
        for beats in self._beats:
            beats.clear()

    @property
    def allows_reference(self) -> bool:
        """Nothing speaks against the reference being of the same person, and something could have."""
        return self.compared and self.verdict != "different"

    def pulse(self, t_ns: int, quality: float, motion_g: float | None) -> None:
        """A beat of the first device; ``motion_g`` around it, None where nobody measured."""
        self._add(0, t_ns, usable=quality >= LEAST_QUALITY and (motion_g is None or motion_g <= STILL_G))

    def pressure(self, t_ns: int, quality: float) -> None:
        """A beat of the second device."""
        self._add(1, t_ns, usable=quality >= LEAST_QUALITY)

    def look(self) -> Looked:
        """Compare, and say what holds now."""
        found = compare(*self._seconds())
        self._judge(found)
        return Looked(self.verdict, found)

    def _add(self, device: int, t_ns: int, *, usable: bool) -> None:
        beats = self._beats[device]
        if not beats or t_ns > beats[-1][0]:  # the clock of a stream may be set back by a few ms
            self._count(device, beats[-1] if beats else (0, False), (t_ns, usable))
            beats.append((t_ns, usable))
        while beats[0][0] < t_ns - KEPT_NS:
            beats.popleft()

    def _count(self, device: int, last: tuple[int, bool], beat: tuple[int, bool]) -> None:
        interval_s = (beat[0] - last[0]) / 1e9
        if last[1] and beat[1] and interval_s <= LONGEST_S:
            first, second = self.usable_s
            self.usable_s = (first, second + interval_s) if device else (first + interval_s, second)

    def _seconds(self) -> tuple[Beats, Beats]:
        base = min((beats[0][0] for beats in self._beats if beats), default=0)
        first, second = (
            Beats(
                np.array([t - base for t, _ in beats], dtype=np.int64) / 1e9,
                np.array([usable for _, usable in beats], dtype=np.bool_),
            )
            for beats in self._beats
        )
        return first, second

    def _judge(self, found: Comparison) -> None:
        if found.why == "too-few-beats":
            return
        self.compared = True
        self._times = self._times + 1 if found.verdict == self._alike else 1
        self._alike = found.verdict
        needed = {
            "same": LOOKS_NEEDED if self.verdict == "different" else 1,
            "different": LOOKS_NEEDED,
            "cannot-tell": round(RENEWED_S / LOOK_EVERY_S),
        }
        if self._times >= needed[found.verdict]:
            self.verdict = found.verdict


def row_of(looked: Looked) -> list[float]:
    """As the row of the stream it becomes; columns as :data:`COLUMNS`."""
    found = looked.found
    return [
        float(VERDICTS.index(looked.verdict)),
        float(VERDICTS.index(found.verdict)),
        float(WHYS.index(found.why)),
        found.log_ratio,
        float(found.n_beats),
        found.span_s,
        found.lag_s,
        found.matched,
        found.spread_s,
        found.correlation,
        *found.rates_per_min,
    ]


COLUMNS: Final = (
    ("verdict", "1"),
    ("look", "1"),
    ("why", "1"),
    ("log_ratio", "1"),
    ("n_beats", "1"),
    ("span_s", "s"),
    ("lag_s", "s"),
    ("matched", "1"),
    ("spread_s", "s"),
    ("correlation", "1"),
    ("pulse_per_min", "/min"),
    ("pressure_per_min", "/min"),
)
"""``verdict``: what is said; ``look``: what the last 45 s alone say; both 0 cannot tell, 1 same, 2 different."""


def evidence_of(row: list[float]) -> dict[str, Any]:
    """The payload of the stored event that tells a change of verdict, out of a row."""
    named = dict(zip((name for name, _ in COLUMNS), row, strict=True))
    verdict, why = VERDICTS[int(named.pop("verdict"))], WHYS[int(named.pop("why"))]
    look = VERDICTS[int(named.pop("look"))]
    numbers = {name: round(value, 4) if isfinite(value) else None for name, value in named.items()}
    return {"verdict": verdict, "look": look, "why": why, **numbers}
