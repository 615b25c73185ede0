"""The anchors of the session that is going on: cuff readings, and where the operator chose so the arterial wave."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from hemoview.dsp.abp_beats import PressureBeat
from hemoview.estimate.personalise import MOST_ANCHORS, Anchor, Personalisation
from hemoview.estimate.tracking import Tracking
from recorder.schema.rules import AnchorFrom

REFERENCE_EVERY_S = 300.0
REFERENCE_SPAN_S = 30.0
REFERENCE_BEATS = 15
REFERENCE_QUALITY = 0.8
"""A reference anchor: median of at least so many good, calibrated beats of the last 30 s, every 5 min."""
REMEMBERED_S = 900.0
"""A cuff reading entered up to this long after it was measured finds the estimates of its time."""


class Anchoring:
    """What personalises, and what the model said at the time.

    Args:
        anchor_from: which readings count at first.
    """

    def __init__(self, anchor_from: AnchorFrom) -> None:
        self._from = anchor_from
        self._cuffs, self._references = Personalisation(), Personalisation()
        """Cuff readings are kept whether they count now or not: another choice may make them count again."""
        self.tracking = None if anchor_from == "cuff" else Tracking()
        """How wide the interval must be, by the reference; None where the operator did not choose it."""
        self._reference_valid = self._in_doubt = False
        self._of_this_person = True
        self._predictions: deque[tuple[int, Mapping[str, float]]] = deque()
        self._pressures: deque[tuple[int, PressureBeat]] = deque()

    @property
    def personal(self) -> Personalisation:
        """The newest readings that count."""
        if self._from == "cuff":
            return self._cuffs
        counted = self._references.anchors + (self._cuffs.anchors if self._from == "both" else ())
        return Personalisation(tuple(sorted(counted, key=lambda a: a.wall_ns)[-MOST_ANCHORS:]))

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """Every reading that is kept, those that do not count now included."""
        return self._cuffs.anchors + self._references.anchors

    def choose(self, anchor_from: AnchorFrom) -> None:
        """The operator chose otherwise in the midst of a session. What the reference taught ends with its choice, and
        is not taken up again; cuff readings of before count again as soon as cuffs do.
        """
        before, self._from = self._from, anchor_from
        if anchor_from == "cuff":
            self.tracking, self._references = None, Personalisation()
        elif before == "cuff":
            self.tracking = Tracking()
            self.tracking.reset(valid=self._reference_valid and not self._in_doubt)

    @property
    def follows_reference(self) -> bool:
        """The operator chose the arterial wave, and somebody saw it calibrated. Whether it is of this person may not
        be known yet.
        """
        return self.tracking is not None and self._reference_valid

    def judge_person(self, *, same: bool) -> None:
        """Whether the reference may be taken for this person's (safety rule 1). A foreign one never personalises, and
        what it said until somebody noticed no longer does.
        """
        if self._of_this_person and not same:
            self._drop_reference()
            if self.tracking is not None:
                self.tracking.void()
        self._of_this_person = same

    def cuff(self, event_id: str, reading: Mapping[str, Any]) -> None:
        """A cuff reading was stored (payload of a ``cuff`` event)."""
        if not any(a.anchor_id == event_id for a in self._cuffs.anchors):
            self._cuffs = self._cuffs.with_anchor(cuff_anchor(event_id, reading)).joined(self._predictions)

    def withdraw(self, event_id: str) -> None:
        """A reading was withdrawn: as if it had never been."""
        self._cuffs = self._cuffs.without(event_id)

    def judge_reference(self, *, valid: bool) -> None:
        """An operator saw the monitor calibrate itself, or changed the finger: until it is seen to be calibrated the
        reference never personalises, and what it said before a step no longer does (safety rule 8).
        """
        self._reference_valid, self._in_doubt = valid, False
        self.recalibrated()

    def doubt(self) -> None:
        """The reference calibrates itself: nothing is learned from it until somebody says that it is calibrated."""
        self._in_doubt = True
        if self.tracking is not None:
            self.tracking.doubt()

    def recalibrated(self) -> None:
        """The arterial wave steps here: what it said before no longer personalises (safety rule 8)."""
        self._drop_reference()
        if self.tracking is not None:
            self.tracking.reset(valid=self._reference_valid)

    def _drop_reference(self) -> None:
        self._pressures.clear()
        self._references = Personalisation()

    def predicted(self, wall_ns: int, mean: Mapping[str, float]) -> None:
        """What the model said of a good window that ended at ``wall_ns``."""
        self._predictions.append((wall_ns, mean))
        while self._predictions[0][0] < wall_ns - REMEMBERED_S * 1e9:
            self._predictions.popleft()
        self._join(self._predictions)

    def learn_from(self, other: Anchoring) -> None:
        """Take over what the model said, as another of the same session computed it."""
        self._join(other._predictions)

    def go_on_from(self, other: Anchoring) -> None:
        """Take over what the reference taught another of the same session up to now."""
        if not self.follows_reference or not other.follows_reference:
            return
        self._of_this_person = other._of_this_person
        self.tracking, self._pressures = other.tracking, other._pressures
        for anchor in other._references.anchors:
            self._references = self._references.with_anchor(anchor)

    def pressure(self, wall_ns: int, beat: PressureBeat) -> None:
        """A beat of the arterial wave, in mmHg."""
        if not self._of_this_person:
            return
        self._pressures.append((wall_ns, beat))
        while self._pressures[0][0] < wall_ns - REFERENCE_SPAN_S * 1e9:
            self._pressures.popleft()
        if self.tracking is not None:
            self.tracking.beat(wall_ns, beat)

    def look(self, wall_ns: int) -> None:
        """Make a reference anchor if one is due."""
        if self._from == "cuff" or not self._reference_valid or not self._of_this_person:
            return
        made = [a.wall_ns for a in self._references.anchors]
        if made and wall_ns - max(made) < REFERENCE_EVERY_S * 1e9:
            return
        since_ns = wall_ns - REFERENCE_SPAN_S * 1e9
        good = [b for t, b in self._pressures if t >= since_ns and b.quality >= REFERENCE_QUALITY]
        if len(good) >= REFERENCE_BEATS:
            at_ns = wall_ns - round(REFERENCE_SPAN_S / 2 * 1e9)
            reading = {
                "SBP": median(b.sbp for b in good),
                "MAP": median(b.map for b in good),
                "DBP": median(b.dbp for b in good),
            }
            made_now = Anchor(f"reference-{at_ns}", at_ns, "reference", reading)
            self._references = self._references.with_anchor(made_now).joined(self._predictions)

    def _join(self, predictions: Iterable[tuple[int, Mapping[str, float]]]) -> None:
        held = tuple(predictions)
        self._cuffs, self._references = self._cuffs.joined(held), self._references.joined(held)


def cuff_anchor(event_id: str, reading: Mapping[str, Any]) -> Anchor:
    """A stored cuff reading as an anchor; its mean pressure only where the cuff showed one."""
    pressures = {"SBP": float(reading["sbp_mmhg"]), "DBP": float(reading["dbp_mmhg"])}
    if reading.get("map_mmhg") is not None:
        pressures["MAP"] = float(reading["map_mmhg"])
    return Anchor(event_id, int(reading["measured_at_ns"]), "cuff", pressures)
