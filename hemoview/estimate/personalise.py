"""Fits the estimate to the person in the bed: an offset from 1 to 5 reference readings, shrunk by how much they tell.

offset = n/(n + κ) · mean(reference − estimate then), κ = within-subject over between-subject variance of the model's
error, from the card. The estimate *then* is the median over the good windows around the reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Literal, TypeVar

from recorder.schema import PRESSURES

AnchorKind = Literal["cuff", "reference"]
T = TypeVar("T")

MOST_ANCHORS = 5
"""Older readings than the last five tell more of the past than of now."""
BEFORE_S, AFTER_S = 45.0, 15.0
"""Windows that end this long before to this long after a reading are compared with it. A cuff on the arm of the sensor
stops the pulse while it is inflated; the quality gate leaves those windows out."""
LEAST_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class Anchor:
    """One reference reading.

    Args:
        anchor_id: of the event it came from; a withdrawal names it.
        wall_ns: UTC time of the measurement, ns since 1970.
        kind: ``cuff`` or ``reference`` (the arterial wave).
        reference: parameter -> reading.
        predicted: parameter -> what the model said then; empty until known.
    """

    anchor_id: str
    wall_ns: int
    kind: AnchorKind
    reference: Mapping[str, float]
    predicted: Mapping[str, float] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Reading and estimate are both known."""
        return bool(self.predicted)

    def with_predictions(self, means: Sequence[Mapping[str, float]], least: int = LEAST_WINDOWS) -> Anchor:
        """The anchor joined with the model's means of the good windows around it, if they are enough.

        A cuff that shows no mean gets the one with the estimate's own form: DBP + f·(SBP − DBP).

        Args:
            means: of the good windows.
            least: so many must know a parameter; fewer than three only offline, where a set holds no more.
        """
        if len(means) < max(1, least):
            return self
        known = {
            p: [mean[p] for mean in means if p in mean] for p in dict.fromkeys(p for m in means for p in m)
        }
        predicted = {p: median(values) for p, values in known.items() if len(values) >= least}
        reference = dict(self.reference)
        cuff = "SBP" in reference and "DBP" in reference
        if cuff and "MAP" not in reference and all(p in predicted for p in PRESSURES):
            pulse = predicted["SBP"] - predicted["DBP"]
            form = (predicted["MAP"] - predicted["DBP"]) / pulse if pulse > 0 else 0.4
            reference["MAP"] = reference["DBP"] + form * (reference["SBP"] - reference["DBP"])
        return replace(self, reference=reference, predicted=predicted)


@dataclass(frozen=True, slots=True)
class Personalisation:
    """The anchors of one session, oldest first. A new session starts empty: a subject never carries over."""

    anchors: tuple[Anchor, ...] = ()

    def with_anchor(self, anchor: Anchor) -> Personalisation:
        """One more (or the same id again, replaced); the newest ``MOST_ANCHORS`` stay."""
        others = [a for a in self.anchors if a.anchor_id != anchor.anchor_id]
        kept = sorted([*others, anchor], key=lambda a: a.wall_ns)
        return Personalisation(tuple(kept[-MOST_ANCHORS:]))

    def without(self, anchor_id: str) -> Personalisation:
        """Withdrawn: as if it had never been."""
        return Personalisation(tuple(a for a in self.anchors if a.anchor_id != anchor_id))

    def joined(self, windows: Iterable[tuple[int, Mapping[str, float]]]) -> Personalisation:
        """Anchors still waiting for their estimate get it from ``(end of window, wall ns; model means)``."""
        if all(a.usable for a in self.anchors):
            return self
        held = list(windows)
        return Personalisation(
            tuple(a if a.usable else a.with_predictions(around(a.wall_ns, held)) for a in self.anchors)
        )

    def age_s(self, wall_ns: int) -> float | None:
        """Since the last usable reading; None where there is none."""
        usable = [a.wall_ns for a in self.anchors if a.usable]
        return max(0.0, (wall_ns - max(usable)) / 1e9) if usable else None

    @property
    def newest_kind(self) -> AnchorKind | None:
        """What the last usable reading was; None where there is none."""
        usable = [a for a in self.anchors if a.usable]
        return max(usable, key=lambda a: a.wall_ns).kind if usable else None

    def knows(self, parameter: str) -> bool:
        """Some reading has this parameter and can be compared with what the model said of it."""
        return any(parameter in a.reference and parameter in a.predicted for a in self.anchors)

    def offset(self, parameter: str, kappa: float | None) -> float:
        """What to add to the model's value; 0 where no reading has this parameter or the card knows no κ."""
        gaps = [
            a.reference[parameter] - a.predicted[parameter]
            for a in self.anchors
            if a.usable and parameter in a.reference and parameter in a.predicted
        ]
        return shrunk_offset(gaps, kappa) if kappa is not None else 0.0


def shrunk_offset(differences: Sequence[float], kappa: float) -> float:
    """n/(n + κ) · mean of ``reference − estimate``; 0 of none."""
    n = len(differences)
    return sum(differences) / (n + kappa) if n else 0.0


def around(wall_ns: int, windows: Iterable[tuple[int, T]]) -> list[T]:
    """What was said of the windows ``(end, ns; said)`` that a reading at ``wall_ns`` is compared with."""
    return [said for end_ns, said in windows if -BEFORE_S <= (end_ns - wall_ns) / 1e9 <= AFTER_S]
