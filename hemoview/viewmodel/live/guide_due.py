"""What is due in a guided session, from the template and stored events: seconds until then, below 0 it is overdue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from recorder.acquire.phase_clock import INFLATION_S, Inflation, Moment, Progress, inflation, progress
from recorder.acquire.template import Template
from recorder.schema import ARM_MOVED, FINGER_CHANGED, SKIN_CHECKED, Event

SNOOZE_S: Final = 300.0
"""A reminder put off comes back after this long."""

TURN_ANSWERED_BY: Final = ("posture", "reminder", "cuff")
UNANSWERED_S: Final = 900.0
"""As the edge process waits (``hemoview.edge.arms``)."""

_MARKED: Final = {"finger-switch": FINGER_CHANGED, "skin-check": SKIN_CHECKED}


@dataclass(frozen=True, slots=True)
class Course:
    """A guided session at one moment.

    Args:
        template: its plan.
        where: phases done, running and left.
        inflation: the arm cuff that inflates.
        now: of the station's clocks.
        session_s: seconds since the session began.
        events: those that still count: without undone markers and withdrawn readings, oldest first.
    """

    template: Template
    where: Progress
    inflation: Inflation | None
    now: Moment
    session_s: float
    events: tuple[Event, ...]

    @property
    def clock_s(self) -> float | None:
        """The protocol's clock; a template without phases runs on that of the session. None before the first phase."""
        return self.where.clock_s if self.template.phases else self.session_s

    def last_s(self, *found: Event | None) -> float | None:
        """Seconds since the newest of these."""
        return min((self.now.since_s(e) for e in found if e is not None), default=None)

    def newest(self, kind: str, **payload: object) -> Event | None:
        """The newest event of a kind with these values."""
        fitting = (
            e for e in reversed(self.events) if e.kind == kind and payload.items() <= e.payload.items()
        )
        return next(fitting, None)


def course(template: Template, events: Sequence[Event], now: Moment, *, session_s: float) -> Course:
    """Read the events of a session."""
    kept = tuple(counted(events))
    found = inflation(kept, now)
    if found is not None and found.elapsed_s >= INFLATION_S:
        found = None
    return Course(template, progress(template.phases, kept, now), found, now, session_s, kept)


def counted(events: Iterable[Event]) -> Iterable[Event]:
    """Events that were neither undone nor withdrawn."""
    told = tuple(events)
    gone = {e.payload.get("event_id") for e in told if e.kind in ("marker-undone", "cuff-withdrawn")}
    return (e for e in told if e.event_id not in gone)


def cuff_in_s(at: Course) -> float | None:
    """Seconds until the arm cuff is due; None: no reading is scheduled, or the protocol has not begun."""
    plan, clock_s = at.template.cuff, at.clock_s
    if not plan.any or clock_s is None:
        return None
    answered_s = at.last_s(at.newest("cuff"), at.newest("reminder", what="cuff"))
    dues: list[float] = []
    if answered_s is not None and answered_s < clock_s:
        if plan.every_min is not None:
            dues.append(plan.every_min * 60 - answered_s)
    else:
        first_min = plan.every_min if plan.first_after_min is None else plan.first_after_min
        if first_min is not None:
            dues.append(first_min * 60 - clock_s)
    ended_s = at.last_s(at.where.last_ended)
    if plan.at_phase_ends and ended_s is not None and (answered_s is None or ended_s < answered_s):
        dues.append(-ended_s)
    return min(dues, default=None)


def reminder_in_s(at: Course, what: str) -> float | None:
    """Seconds until ``finger-switch`` or ``skin-check`` is asked about; None: never."""
    minutes = {
        "finger-switch": at.template.reminders.finger_switch_min,
        "skin-check": at.template.reminders.skin_check_min,
    }[what]
    if minutes is None:
        return None
    done_s = at.last_s(
        at.newest("marker", label=_MARKED[what]), at.newest("reminder", what=what, state="done")
    )
    due_in_s = minutes * 60 - (at.session_s if done_s is None else done_s)
    put_off_s = at.last_s(at.newest("reminder", what=what, state="skipped"))
    return due_in_s if put_off_s is None else max(due_in_s, SNOOZE_S - put_off_s)


def asks_height(at: Course) -> bool:
    """An arm was moved, as marked, and nobody has said since where the hand is (rule 10)."""
    moved_s = at.last_s(at.newest("marker", label=ARM_MOVED))
    told_s = at.last_s(at.newest("posture"), at.newest("reminder", what="arm-moved"))
    return moved_s is not None and (told_s is None or told_s > moved_s)


def unanswered_turn(events: Sequence[Event], since_s: Callable[[Event], float]) -> Event | None:
    """The turn that widens the pressures: until a posture with height, "same height", a cuff reading, or a quarter of
    an hour. ``since_s``: seconds since an event.
    """
    turned = next((e for e in reversed(events) if e.kind == "arm-moved"), None)
    if turned is None or since_s(turned) > UNANSWERED_S:
        return None
    told = any(_answers(event) and since_s(event) < since_s(turned) for event in events)
    return None if told else turned


def _answers(event: Event) -> bool:
    if event.kind not in TURN_ANSWERED_BY:
        return False
    if event.kind == "posture":
        return event.payload.get("hand_height_cm") is not None
    return event.kind == "cuff" or event.payload.get("what") == "arm-moved"


def posture_now(at: Course, sites: Mapping[str, object]) -> tuple[str, float | None]:
    """Posture and height of the hand above the heart, cm: as told last, else as at Start."""
    told = at.newest("posture")
    source = sites if told is None else told.payload
    height = source.get("hand_height_cm")
    return str(source.get("posture") or "unknown"), float(height) if isinstance(height, int | float) else None
