"""Follows, while a reference wave streams, how wide the interval must be on this person: quantile tracking.

θ is the part by which the half widths of the card's interval are stretched. Every 5 s an interval that was shown is
compared with what the reference says of the very same window: θ ← θ + γ·(missed − α). Whatever the errors do, as long
as they are bounded, the share of misses then tends to α or stays below it (Gibbs & Candès 2021; the step without its
other terms: Angelopoulos, Candès & Tibshirani 2023; sizes: methods §D.4, decision 0018).

Prequential by construction: an interval is given before the reference of its window is known, and changes θ for later
ones only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from hemoview.dsp.abp_beats import PressureBeat
from hemoview.dsp.windows import HOP_S, WINDOW_S
from hemoview.estimate.identities import Span
from hemoview.estimate.values import Estimate
from recorder.schema import PRESSURES

if TYPE_CHECKING:
    from hemoview.labels.reference.pressure import PressureLabel

ALPHA: Final = 0.1
GAMMA: Final = 0.1
"""Step: a miss stretches the interval by 9 % of the card's, a hit takes back 1 % (chosen in decision 0018)."""
FLOOR: Final = -0.5
"""Least θ: never narrower than half of what the card says. Calm so far is no proof of calm in the next minute."""
STEP_S: Final = 5.0
SETTLE_S: Final = 4.0
"""A window is scored when every beat in it must have been told: a beat is known 3 s after it began, and travels."""
KEPT_S: Final = 60.0
"""Beats are kept so long; estimates that come later than that are compared with nothing."""
LEAST_COVERED: Final = 0.7
"""Part of the window that good beats must fill; a square wave, a flat line or a flush leaves a hole in it."""
GOOD_BEAT: Final = 0.8
HOLD_S: Final = 60.0
"""So long after the newest comparison θ holds as it is; then it is frozen."""


def stepped(theta: float, *, missed: bool) -> float:
    """θ after one comparison."""
    return max(FLOOR, theta + GAMMA * (float(missed) - ALPHA))


@dataclass(frozen=True, slots=True)
class Widening:
    """What tracking does to the card's interval.

    Args:
        code: how a stored row tells it: 1 tracked, 2 frozen (0 is the card's own interval).
        factor: of its half widths, at least ``1 + FLOOR``.
        least_below, least_above: half widths it has at least, in the parameter's unit.
    """

    code: Literal[1, 2]
    factor: float
    least_below: float = 0.0
    least_above: float = 0.0

    def applied(self, span: Span) -> Span:
        """The interval as it is shown; the value stays."""
        value, low, high = span
        below = max(self.factor * (value - low), self.least_below)
        above = max(self.factor * (high - value), self.least_above)
        return value, value - below, value + above


@dataclass(frozen=True, slots=True)
class Tracked:
    """State of one pressure.

    Args:
        theta: see the module.
        personal: whether it was learned on personalised intervals.
        scored_ns: end of the newest window compared, UTC ns.
        below, above: half widths of that window's interval.
    """

    theta: float
    personal: bool
    scored_ns: int
    below: float
    above: float

    def widening(self, wall_ns: int, expiry_s: float) -> Widening | None:
        """For a window that ends at ``wall_ns``: θ as it is; then frozen, stretching what the card says at this age
        but never narrowing it, nor below the newest tracked interval; None once the card lets nothing be used.
        """
        age_s = (wall_ns - self.scored_ns) / 1e9
        if age_s <= HOLD_S:
            return Widening(1, 1.0 + self.theta)
        if age_s <= expiry_s:
            return Widening(2, 1.0 + max(0.0, self.theta), self.below, self.above)
        return None


@dataclass(frozen=True, slots=True)
class _Shown:
    """Intervals that wait for the reference of their window."""

    wall_ns: int
    personal: bool
    spans: Mapping[str, Span]


class Tracking:
    """Of one session whose operator chose that the reference wave personalises.

    Args:
        window_s: length of the windows that are estimated.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self.states: Mapping[str, Tracked] = {}
        self._valid = False
        self._shown: deque[_Shown] = deque()
        self._beats: deque[tuple[int, PressureBeat]] = deque()
        self._next_ns = self._newest_ns = self._from_ns = 0

    def reset(self, *, valid: bool) -> None:
        """The reference stepped (calibrated again, another finger) or is in doubt: all that was learned is void.
        Nothing further is learned until it is ``valid``, that is, somebody saw it calibrate itself.
        """
        self.forget()
        self.states, self._next_ns, self._valid = {}, 0, valid

    def void(self) -> None:
        """The reference was another person's: all that was learned is void. Whether it may be learned from stays."""
        self.reset(valid=self._valid)

    def forget(self) -> None:
        """The reference was lost for a moment: no window that begins before this is compared."""
        self._shown.clear()
        self._beats.clear()
        self._from_ns = self._newest_ns

    def doubt(self) -> None:
        """The reference calibrates itself or changes fingers: nothing is learned until somebody says that it is
        calibrated (safety rule 8).
        """
        self.forget()
        self._valid = False

    def beat(self, wall_ns: int, beat: PressureBeat) -> None:
        """A beat of the reference in mmHg; ``wall_ns`` of its onset."""
        if self._valid and beat.quality >= GOOD_BEAT:
            self._beats.append((wall_ns, beat))
            while self._beats[0][0] < wall_ns - KEPT_S * 1e9:
                self._beats.popleft()

    def shown(self, wall_ns: int, estimate: Estimate) -> None:
        """An estimate was given for the window that ends at ``wall_ns``."""
        spans = {
            p: (one.value, one.low, one.high)
            for p in PRESSURES
            if (one := estimate.parameters[p]).value is not None
            and one.low is not None
            and one.high is not None
        }
        if spans and self._valid:
            self._shown.append(_Shown(wall_ns, estimate.personalisation_age_s is not None, spans))

    def widenings(self, wall_ns: int, *, personal: bool, expiry_s: float) -> dict[str, Widening]:
        """What to do to the intervals of the window that ends at ``wall_ns``, from what is certain by then.

        Args:
            wall_ns: end of the window, UTC ns.
            personal: the intervals are personalised; a correction learned on cold ones is not theirs.
            expiry_s: longest time the card lets a reference reading be used.
        """
        self._settle(wall_ns)
        found = {
            p: state.widening(wall_ns, expiry_s)
            for p, state in self.states.items()
            if state.personal == personal
        }
        return {p: widening for p, widening in found.items() if widening is not None}

    # ---- inside

    def _settle(self, wall_ns: int) -> None:
        """Compare what was shown with the reference, oldest first."""
        set_back, self._newest_ns = wall_ns < self._newest_ns, wall_ns
        if set_back:  # the calendar was
            self.reset(valid=self._valid)
        while self._shown and self._shown[0].wall_ns <= wall_ns - SETTLE_S * 1e9:
            self._score(self._shown.popleft())

    def _score(self, shown: _Shown) -> None:
        begin_ns = shown.wall_ns - round(self._window_s * 1e9)
        while self._beats and self._beats[0][0] < begin_ns:
            self._beats.popleft()
        if shown.wall_ns < self._next_ns or begin_ns < self._from_ns:
            return
        label = reference_of([b for t, b in self._beats if t < shown.wall_ns], self._window_s)
        if label is None:
            return
        self._next_ns = shown.wall_ns + round((STEP_S - HOP_S / 2) * 1e9)
        reference = {"SBP": label.sbp, "MAP": label.map, "DBP": label.dbp}
        scored = {p: self._compared(p, reference[p], shown) for p in shown.spans}
        self.states = {**self.states, **scored}

    def _compared(self, parameter: str, reference: float, shown: _Shown) -> Tracked:
        value, low, high = shown.spans[parameter]
        before = self.states.get(parameter)
        theta = before.theta if before is not None and before.personal == shown.personal else 0.0
        theta = stepped(theta, missed=not low <= reference <= high)
        return Tracked(theta, shown.personal, shown.wall_ns, value - low, high - value)


def reference_of(beats: list[PressureBeat], window_s: float = WINDOW_S) -> PressureLabel | None:
    """What the reference says of a window, by the rules of training labels; None where its beats do not fill it.

    Args:
        beats: the good ones that begin in the window, in mmHg, in order.
        window_s: its length.
    """
    from hemoview.labels.reference.pressure import label_of  # noqa: PLC0415 – its room is 30 MB, needed by sessions that track

    if sum(60.0 / b.hr_per_min for b in beats) < LEAST_COVERED * window_s:
        return None
    label = label_of(beats, window_s)
    return label if label.reason is None else None
