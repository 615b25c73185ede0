"""What is known of a session beside its samples: its subject, rules, calibrations, readings, and where the arm is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hemoview.dsp.arm import Turned
from hemoview.edge.anchoring import Anchoring
from hemoview.edge.arms import HandHeight, Inflations
from hemoview.edge.heart import HeartGuard
from hemoview.estimate.estimator import Body
from recorder.clock import ClockEra
from recorder.schema import (
    FINGER_CHANGED,
    REFERENCE_CALIBRATED,
    UNCONFIRMED,
    Calibration,
    Event,
    Sites,
)
from recorder.schema.rules import RULE, AnchorFrom, EstimateRules


@dataclass(frozen=True, slots=True)
class Options:
    """What holds where a session does not say (:class:`~recorder.schema.rules.EstimateRules`).

    Args:
        anchor_from: which readings personalise.
        show_simulated: parameters learned from simulation alone get values, tagged.
    """

    anchor_from: AnchorFrom = "cuff"
    show_simulated: bool = False


class Knowledge:
    """Told by events; asked by the pipeline that computes from samples.

    Args:
        options: for sessions that do not say.
        heart: whether both devices are on one person; None with only one of them.
    """

    def __init__(self, options: Options, heart: HeartGuard | None) -> None:
        self.options, self.session_id, self.heart = options, "", heart
        self._body, self._rules = Body(), EstimateRules()
        self._anchoring = self._fresh_anchoring()
        self._inflations, self._hand = Inflations(), HandHeight()
        self._eras: dict[int, ClockEra] = {}
        self._calibrations: dict[str, Calibration] = {}
        self._said_calibrated = ""
        self._heard: set[str] = set()
        self._unconfirmed = False

    @property
    def anchoring(self) -> Anchoring:
        """The anchors of the session that is going on."""
        return self._anchoring

    @property
    def remembers(self) -> bool:
        """The session so far bears on what comes: readings personalise, or a reference is followed. A process that
        meets it half-way has to :func:`hemoview.edge.memory.recall` it.
        """
        return bool(self._anchoring.anchors) or self._anchoring.follows_reference

    def begin_session(
        self,
        session_id: str,
        body: Body,
        rules: EstimateRules | None = None,
        sites: Sites | None = None,
    ) -> None:
        """Another session: nothing of the subject before carries over. The same one again changes only the body, which
        may have been corrected meanwhile.

        Args:
            session_id: of the recorder.
            body: of its subject.
            rules: it begins with.
            sites: where the sensors sit; None = not told.
        """
        self._body = body
        if session_id != self.session_id:
            self.session_id, self._unconfirmed = session_id, False
            self._said_calibrated, self._heard = "", set()
            self._rules = rules or EstimateRules()
            if self.heart is not None:
                self.heart.begin()
            self._anchoring = self._fresh_anchoring()
            self._inflations = Inflations(sites)
            self._hand = HandHeight(sites.hand_height_cm if sites else None)

    def _fresh_anchoring(self) -> Anchoring:
        """Of a reference nobody has compared yet, where there is something to compare it with."""
        anchoring = Anchoring(self._rules.anchor_from or self.options.anchor_from)
        anchoring.judge_person(same=self.heart is None)
        return anchoring

    def know_eras(self, eras: Iterable[ClockEra]) -> None:
        """Wall anchors of clock eras, for the age of cuff readings."""
        self._eras |= {era.number: era for era in eras}

    def know_calibration(self, calibration: Calibration) -> None:
        """mmHg of an arterial wave from its time on."""
        if calibration.accepted and calibration.calibration_id not in self._calibrations:
            self._calibrations[calibration.calibration_id] = calibration
            self._anchoring.recalibrated()

    def know_turn(self, event: Event) -> None:
        """A turn of the wrist that was told before this process followed the session."""
        turn = Turned(0, float(event.payload["angle_deg"]))
        self._hand.turned(self._wall_ns(event.t_host_ns, event.era), turn)

    @property
    def _shows_simulated(self) -> bool:
        chosen = self._rules.show_simulated
        return self.options.show_simulated if chosen is None else chosen

    # ---- events

    def _on_cuff(self, event: Event) -> None:
        if self._unconfirmed:
            return  # nobody knows whose arm it was
        self._anchoring.cuff(event.event_id, event.payload)
        self._hand.anchored(int(event.payload["measured_at_ns"]))

    def _on_inflation(self, event: Event) -> None:
        self._inflations.told(event)

    def _on_posture(self, event: Event) -> None:
        self._hand.answered(event.payload)

    def _on_reminder(self, event: Event) -> None:
        if event.payload.get("what") == "arm-moved":
            self._hand.same()

    def _on_cuff_withdrawn(self, event: Event) -> None:
        self._anchoring.withdraw(str(event.payload["event_id"]))

    def _on_marker(self, event: Event) -> None:
        """A word on the reference's calibration. Told again, as after a restart of the recorder, it is no other."""
        label = event.payload.get("label")
        if label in (REFERENCE_CALIBRATED, FINGER_CHANGED) and event.event_id not in self._heard:
            self._heard.add(event.event_id)
            self._said_calibrated = event.event_id
            self._anchoring.judge_reference(valid=label == REFERENCE_CALIBRATED)

    def _on_marker_undone(self, event: Event) -> None:
        """Whatever the last word on the reference's calibration was: taken back, it is in doubt."""
        if event.payload.get("event_id") == self._said_calibrated:
            self._said_calibrated = ""
            self._anchoring.judge_reference(valid=False)

    def _on_unconfirmed(self, _: Event) -> None:
        """Nobody knows whose samples follow: no estimate, and nothing is learned (safety rule 3)."""
        self._unconfirmed = True

    def _on_rule(self, event: Event) -> None:
        """The operator changed a rule of the session; told again, it is no other change."""
        if event.event_id not in self._heard:
            self._heard.add(event.event_id)
            self._rules = self._rules.after([event])
            self._anchoring.choose(self._rules.anchor_from or self.options.anchor_from)

    def _on_calibration(self, event: Event) -> None:
        self.know_calibration(Calibration.from_json(event.payload))

    def _on_era(self, event: Event) -> None:
        self._inflations.cut()
        self.know_eras([ClockEra.from_json(event.payload)])

    def _wall_ns(self, t_host_ns: int, era: int) -> int:
        """UTC time of a host time. An era nobody told of has no calendar; it only occurs without a session."""
        known = self._eras.get(era)
        return known.wall_at(t_host_ns) if known is not None else t_host_ns


ON_EVENT: Final[Mapping[str, Callable[[Knowledge, Event], None]]] = {
    "cuff": Knowledge._on_cuff,
    "cuff-withdrawn": Knowledge._on_cuff_withdrawn,
    "cuff-inflation": Knowledge._on_inflation,
    "posture": Knowledge._on_posture,
    "reminder": Knowledge._on_reminder,
    "calibration": Knowledge._on_calibration,
    "marker": Knowledge._on_marker,
    "marker-undone": Knowledge._on_marker_undone,
    "era": Knowledge._on_era,
    UNCONFIRMED: Knowledge._on_unconfirmed,
    RULE: Knowledge._on_rule,
}
