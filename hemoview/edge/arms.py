"""What happens on the arms: a cuff that inflates blanks what sits on that arm; a hand at an unknown height widens.

*Inflation* (events ``cuff-inflation``): windows that touch the span are blanked if the wristband sits on that arm, the
reference if the finger cuff does. Where a side is not known it may be that arm.

*Height of the hand*: after a turn of the wrist the pressure intervals are wider by what the turn may have changed, on
both sides, until somebody answers (``posture``, or the prompt's "same height"), until a cuff reading of later, or for
:data:`UNANSWERED_S`. An answer that tells another height than before keeps them wider by exactly that difference until
the next cuff reading: readings of before were made at the other height. Values never move.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from hemoview.dsp.arm import MMHG_PER_CM, Turned
from recorder.acquire.phase_clock import INFLATION_S
from recorder.schema import Event, Sites

UNANSWERED_S: Final = 900.0
"""A turn nobody answers for is taken for the arm's new place: 15 min, as a personalisation ages."""
RECOVERS_S: Final = 5.0
"""After the cuff is off blood comes back: reactive hyperaemia shows in the pulse for some seconds."""


@dataclass(slots=True)
class Inflations:
    """Spans in which a cuff was inflated, by arm; host times of one clock era.

    Args:
        sites: where the sensors sit; None = not told.
    """

    sites: Sites | None = None
    _spans: list[tuple[str, int, int | None]] = field(default_factory=list)

    def told(self, event: Event) -> None:
        """A ``cuff-inflation`` event."""
        arm, started = str(event.payload.get("arm", "unknown")), event.payload.get("state") == "started"
        open_no = next((n for n, (_, _, end) in enumerate(self._spans) if end is None), None)
        if open_no is not None:
            was_arm, begin, _ = self._spans[open_no]
            self._spans[open_no] = was_arm, begin, event.t_host_ns
        if started:
            self._spans = [*self._spans[-8:], (arm, event.t_host_ns, None)]

    def cut(self) -> None:
        """Another clock era."""
        self._spans = []

    def blanks_pulse(self, begin_ns: int, end_ns: int) -> bool:
        """The wristband's arm was squeezed at some time of the span."""
        return self._blank("wristband_side", begin_ns, end_ns)

    def blanks_pressure(self, begin_ns: int, end_ns: int) -> bool:
        """The arm of the finger cuff was."""
        return self._blank("finger_cuff_side", begin_ns, end_ns)

    def _blank(self, site: str, begin_ns: int, end_ns: int) -> bool:
        side = "unknown" if self.sites is None else str(getattr(self.sites, site))
        for arm, start_ns, stop_ns in self._spans:
            longest_ns = start_ns + round(INFLATION_S * 1e9)
            over_ns = min(longest_ns if stop_ns is None else stop_ns, longest_ns) + round(RECOVERS_S * 1e9)
            may_be = "unknown" in (arm, side) or arm == side
            if may_be and start_ns <= end_ns and over_ns >= begin_ns:
                return True
        return False


@dataclass(slots=True)
class HandHeight:
    """By how much the hand may be higher or lower than when the pressures were anchored.

    Args:
        height_cm: above the heart, as told last; None = never.
    """

    height_cm: float | None = None
    _moved_ns: int | None = None
    _turn_cm: float = 0.0
    _known_cm: float = 0.0

    def turned(self, wall_ns: int, turn: Turned) -> None:
        """The wrist lies otherwise. Of several turns nobody answered for the largest counts."""
        self._turn_cm = max(turn.height_cm, self._turn_cm) if self._waits(wall_ns) else turn.height_cm
        self._moved_ns = wall_ns

    def answered(self, told: dict[str, Any]) -> None:
        """A ``posture`` event; one without a height says nothing of it."""
        height = told.get("hand_height_cm")
        if isinstance(height, int | float):
            if self.height_cm is not None:
                self._known_cm = abs(float(height) - self.height_cm)
            self.height_cm = float(height)
            self._moved_ns = None

    def same(self) -> None:
        """Somebody said that the hand is as high as before."""
        self._moved_ns = None

    def anchored(self, measured_wall_ns: int) -> None:
        """A cuff reading: pressures are known anew, at the height that is now."""
        if self._moved_ns is None or measured_wall_ns >= self._moved_ns:
            self._moved_ns, self._known_cm = None, 0.0

    def widening_mmhg(self, wall_ns: int) -> float:
        """What the intervals of the pressures are wider by, on both sides."""
        return MMHG_PER_CM * max(self._turn_cm if self._waits(wall_ns) else 0.0, self._known_cm)

    def _waits(self, wall_ns: int) -> bool:
        return self._moved_ns is not None and 0 <= wall_ns - self._moved_ns <= UNANSWERED_S * 1e9
