"""What happened at a moment: markers, cuff readings, and every other stored event."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Event:
    """A stored fact with a time. Everything that is not a sample is one of these.

    Args:
        event_id: unique in its session (a UUID, also the idempotency id of the command that made it).
        kind: ``marker``, ``marker-undone``, ``gap``, ``cuff``, ``cuff-withdrawn``, ``calibration``, ``link``,
            ``notice``, ``era``, ``disk``, ``control``, ``session``, ``rule`` …
        t_host_ns: host monotonic time it is about.
        wall_ns: UTC wall time when it was stored, ns since 1970.
        era: clock era of ``t_host_ns``.
        payload: plain JSON values.
    """

    event_id: str
    kind: str
    t_host_ns: int
    wall_ns: int
    era: int = 0
    payload: dict[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not self.event_id or not self.kind:
            raise ValueError("an event needs an id and a kind")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`."""
        return cls(**{k: v for k, v in value.items() if k in cls.__dataclass_fields__})


REFERENCE_CALIBRATED = "reference calibrated"
"""Label of the marker by which an operator confirms that the monitor has calibrated itself (safety rule 8)."""

FINGER_CHANGED = "finger changed"
"""Label of the marker that ends the validity of the reference's calibration."""

CO_CALIBRATED = "CO calibrated"
"""Label of the marker from which on cardiac output and what follows from it is calibrated (a monitor's ``HDcal``)."""

BEARING = (REFERENCE_CALIBRATED, FINGER_CHANGED, CO_CALIBRATED)
"""Labels that decide when the reference counts."""

CUFF_INFLATES = "cuff inflates"
"""Label of the marker that says so; it begins a span ``cuff-inflation`` (safety rule 10)."""

CUFF_INFLATION = "cuff-inflation"
"""Kind of the events at both ends of that span.

``{"arm": "left" | "right" | "unknown", "state": "started" | "ended"}``; an unknown arm may be either.
"""

ARM_MOVED = "arm move"
"""Label of the marker after which the height of the hand is asked for."""

SKIN_CHECKED = "skin checked"
"""Label of the marker that says that somebody looked at the skin under the sensors."""


UNCONFIRMED = "unconfirmed"
"""Kind of the event from whose time on nobody has confirmed that it is still the same person (safety rule 3)."""

CONFIRMED = "subject-confirmed"
"""Kind of the event that answers it; its payload's ``same`` says whether it is."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A mark made live, by key, button, wristband tag or command.

    Args:
        label: what it says, e.g. ``arm move``.
        source: ``key``, ``button``, ``e4-tag``, ``command``, ``automatic``.
        operator: code of the operator, never a name.
        key: number key 1–9 it was made with.
        note: free text.
    """

    label: str
    source: str
    operator: str = ""
    key: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not self.label.strip():
            raise ValueError("a marker needs a label")
        if self.key is not None and not 1 <= self.key <= 9:
            raise ValueError(f"marker key {self.key} is not 1 to 9")


SBP_RANGE_MMHG = (60, 260)
DBP_RANGE_MMHG = (30, 160)


@dataclass(frozen=True, slots=True)
class CuffReading:
    """An upper-arm cuff value typed by a person.

    Args:
        sbp_mmhg, dbp_mmhg: the reading.
        map_mmhg: if the cuff shows it.
        measured_at_ns: UTC wall time of the measurement, ns since 1970.
        entered_at_ns: UTC wall time of the entry.
        entered_by: operator code.
        arm: ``left`` or ``right``.
        posture: ``supine``, ``seated``, ``standing``, …
        device: which cuff.

    Raises:
        ValueError: SBP ≤ DBP, a MAP not between them, or out of any plausible range (safety rule 9: such a
            reading is asked for again, by the screen; it can never be stored).
    """

    sbp_mmhg: float
    dbp_mmhg: float
    measured_at_ns: int
    entered_at_ns: int
    entered_by: str = ""
    map_mmhg: float | None = None
    arm: str = ""
    posture: str = ""
    device: str = ""

    def __post_init__(self) -> None:
        if not self.dbp_mmhg < self.sbp_mmhg:
            raise ValueError(
                f"cuff reading {self.sbp_mmhg:g}/{self.dbp_mmhg:g}: systolic must be above diastolic"
            )
        if self.map_mmhg is not None and not self.dbp_mmhg < self.map_mmhg < self.sbp_mmhg:
            raise ValueError(
                f"cuff mean {self.map_mmhg:g} is not between {self.dbp_mmhg:g} and {self.sbp_mmhg:g}"
            )
        for name, value, (low, high) in (
            ("systolic", self.sbp_mmhg, SBP_RANGE_MMHG),
            ("diastolic", self.dbp_mmhg, DBP_RANGE_MMHG),
        ):
            if not low <= value <= high:
                raise ValueError(f"cuff {name} {value:g} mmHg is outside {low} to {high}")


@dataclass(frozen=True, slots=True)
class Amendment:
    """A correction of what was written about a session; samples are never rewritten.

    Args:
        field: what is corrected, e.g. ``subject.pseudonym``, ``note``.
        old, new: plain JSON values.
        who: operator code.
        why: reason.
        wall_ns: when, UTC ns since 1970.
    """

    field: str
    old: Any
    new: Any
    who: str
    why: str
    wall_ns: int

    def __post_init__(self) -> None:
        if not self.field or not self.why.strip():
            raise ValueError("an amendment names a field and a reason")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)
