"""Where a protocol stands, from nothing but stored events: any recorder or window that reads them knows the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from recorder.acquire.template_parts import Phase
from recorder.schema import CUFF_INFLATION, Event

STARTED, EXTENDED, ENDED = "phase-started", "phase-extended", "phase-ended"
PHASE_KINDS: Final = (ENDED, STARTED, EXTENDED)
"""In the order in which they count at one moment: a phase ends before the next one starts."""

INFLATION_S: Final = 90.0
"""An inflation that nobody ended is over after this: oscillometric cuffs need 30 to 60 s, and one repeat."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, in both clocks. Host times of different eras are never subtracted; then the wall clock tells."""

    host_ns: int
    wall_ns: int
    era: int

    def since_s(self, event: Event) -> float:
        """Seconds of the session's clock since a stored event."""
        if event.era == self.era:
            return (self.host_ns - event.t_host_ns) / 1e9
        return (self.wall_ns - event.wall_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Running:
    """The phase that goes on. ``planned_s`` is None where only somebody ends it."""

    index: int
    name: str
    started: Event
    elapsed_s: float
    planned_s: float | None

    @property
    def remaining_s(self) -> float | None:
        """Seconds left; below 0 it is over and not yet ended. None without an end."""
        return None if self.planned_s is None else self.planned_s - self.elapsed_s


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the protocol stands.

    Args:
        running: the phase that goes on.
        next_index: the phase after the last one that was begun; None where there is none left.
        begun: the protocol clock's own marker, the first phase's start; None before it.
        clock_s: seconds since then.
        last_ended: the newest end of a phase.
        done: indices of phases that have ended.
    """

    running: Running | None
    next_index: int | None
    begun: Event | None
    clock_s: float | None
    last_ended: Event | None
    done: frozenset[int]


@dataclass(frozen=True, slots=True)
class Inflation:
    """An arm cuff that inflates: sensors on this arm are blanked."""

    arm: str
    started: Event
    elapsed_s: float


def progress(phases: Sequence[Phase], events: Iterable[Event], now: Moment) -> Progress:
    """Read the phase events of a session, in whatever order they come."""
    told = sorted((e for e in events if e.kind in PHASE_KINDS), key=_order)
    begun = next((e for e in told if e.kind == STARTED), None)
    running: Running | None = None
    last_index, last_ended, done = -1, None, set()
    for event in told:
        if event.kind == STARTED:
            last_index = int(event.payload["index"])
            running = _running(event, now)
        elif event.kind == EXTENDED and running is not None and running.planned_s is not None:
            longer_s = running.planned_s + float(event.payload["by_s"])
            running = Running(running.index, running.name, running.started, running.elapsed_s, longer_s)
        elif event.kind == ENDED:
            running, last_ended = None, event
            done.add(int(event.payload["index"]))
    following = last_index + 1
    return Progress(
        running,
        following if following < len(phases) else None,
        begun,
        None if begun is None else now.since_s(begun),
        last_ended,
        frozenset(done),
    )


def inflation(events: Iterable[Event], now: Moment) -> Inflation | None:
    """The last inflation whose end is not stored; after :data:`INFLATION_S` it is over all the same."""
    found: Event | None = None
    for event in events:
        if event.kind == CUFF_INFLATION:
            found = event if event.payload.get("state") == "started" else None
    if found is None:
        return None
    elapsed_s = now.since_s(found)
    return Inflation(str(found.payload.get("arm", "unknown")), found, elapsed_s)


def _running(event: Event, now: Moment) -> Running:
    planned = event.payload.get("duration_s")
    return Running(
        int(event.payload["index"]),
        str(event.payload.get("name", "")),
        event,
        now.since_s(event),
        None if planned is None else float(planned),
    )


def _order(event: Event) -> tuple[int, int, int]:
    return event.era, event.t_host_ns, PHASE_KINDS.index(event.kind)
