"""The recorder's part in guiding a session: phases that end and begin by themselves, inflations that end, facts of
posture. Everything is a stored event, so that neither a killed window nor a killed recorder changes anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from recorder.acquire import template as templates
from recorder.acquire.commands import Verb
from recorder.acquire.hub import Hub
from recorder.acquire.phase_clock import (
    ENDED,
    EXTENDED,
    INFLATION_S,
    PHASE_KINDS,
    STARTED,
    Moment,
    Progress,
    Running,
    inflation,
    progress,
)
from recorder.acquire.sessions import Sessions
from recorder.acquire.template import Template
from recorder.acquire.wire import Request
from recorder.clock import Clock
from recorder.errors import SessionError
from recorder.schema import (
    ARM_MOVED,
    CUFF_INFLATES,
    CUFF_INFLATION,
    FINGER_CHANGED,
    SKIN_CHECKED,
    Event,
    Marker,
)

Answer = dict[str, Any]

EXTEND_MIN: Final = (0.5, 240.0)
TWICE_S: Final = 2.0
"""The same touch within so many real seconds is the same one."""
HAND_HEIGHT_CM: Final = (-100.0, 100.0)
REMINDED: Final = {"cuff": "", "finger-switch": FINGER_CHANGED, "skin-check": SKIN_CHECKED, "arm-moved": ""}
"""What the operator is reminded of, and the marker that says it was done."""


class Guide:
    """Guides the open session of a station. Commands and the station's pulse call it, one at a time.

    Args:
        hub: where its events go, and come from.
        sessions: which one is open.
        clock: host time.
    """

    def __init__(self, hub: Hub, sessions: Sessions, clock: Clock) -> None:
        self._hub, self._sessions, self._clock = hub, sessions, clock
        self._lock = threading.RLock()
        self._session_id = ""
        self._plan = Template("")
        self._events: dict[str, Event] = {}
        self._event_no = 0

    # ---- by the clock

    def look(self) -> None:
        """From the pulse: what is over ends, at the moment it was over; what begins by itself begins."""
        if self._sessions.state != "open":
            return
        with self._lock:
            self._refresh()
            now = self._now()
            running = self._progress(now).running
            if running is not None and running.remaining_s is not None and running.remaining_s <= 0:
                self._end(running, "time", self._over_at(running.started, running.remaining_s, now))
            found = inflation(self._events.values(), now)
            if found is not None and found.elapsed_s >= INFLATION_S:
                over_at = self._over_at(found.started, INFLATION_S - found.elapsed_s, now)
                self.end_inflation("timeout", over_at)

    def stopping(self) -> None:
        """The session ends: what goes on ends with it."""
        if self._sessions.state != "open":
            return
        with self._lock:
            self._refresh()
            now = self._now()
            if (running := self._progress(now).running) is not None:
                self._end(running, "stopped", now.host_ns, chain=False)
            self.end_inflation("stopped")

    # ---- by hand

    def begin(self, request: Request) -> Answer:
        """``begin_phase {index?, operator?}``: the next phase, or that one; the running one ends before it."""
        self._sessions.need_open()
        with self._lock:
            self._refresh()
            now = self._now()
            where = self._progress(now)
            wanted = request.args.get("index")
            index = where.next_index if wanted is None else int(wanted)
            if index is None or not 0 <= index < len(self._plan.phases):
                raise SessionError("phase: there is none left to begin; the protocol is through")
            if (
                where.running is not None
                and where.running.index == index
                and self._just(where.running.started)
            ):
                return {"event_id": where.running.started.event_id, "index": index}
            if where.running is not None:
                self._end(where.running, "next", now.host_ns, chain=False)
            event = self._begin(index, now.host_ns, _operator(request), request.request_id)
            return {"event_id": event.event_id, "index": index}

    def end(self, request: Request) -> Answer:
        """``end_phase {operator?}``; once more within a moment changes nothing."""
        with self._lock:
            self._sessions.need_open()
            self._refresh()
            last = self._progress(self._now()).last_ended
            if last is not None and last.payload["reason"] == "operator" and self._just(last):
                return {"index": int(last.payload["index"])}
            running, now = self._need_running()
            self._end(running, "operator", now.host_ns, operator=_operator(request))
            return {"index": running.index}

    def extend(self, request: Request) -> Answer:
        """``extend_phase {minutes, operator?}``."""
        minutes = float(request.args["minutes"])
        if not EXTEND_MIN[0] <= minutes <= EXTEND_MIN[1]:
            raise SessionError(f"phase: {minutes:g} min is outside {EXTEND_MIN[0]:g} to {EXTEND_MIN[1]:g}")
        with self._lock:
            running, _ = self._need_running()
            payload = {
                "index": running.index,
                "by_s": minutes * 60,
                "operator": _operator(request),
            }
            event = self._hub.event(EXTENDED, payload, event_id=request.request_id)
            return {"event_id": event.event_id}

    def inflate(self, request: Request) -> Answer:
        """``inflate {arm?, operator?, source?}``: the marker, and the span in which sensors on that arm are blanked."""
        self._sessions.need_open()
        args = request.args
        marker = Marker(CUFF_INFLATES, str(args.get("source", "button")), _operator(request), args.get("key"))
        event = self._hub.event("marker", asdict(marker), event_id=request.request_id)
        self.marked(event, args.get("arm"))
        return {"event_id": event.event_id}

    def marked(self, event: Event, arm: object = None) -> None:
        """A marker was stored; that of an inflation begins one on ``arm``, or on the arm the cuff sits on."""
        if event.payload.get("label") != CUFF_INFLATES:
            return
        with self._lock:
            self._refresh()
            found, arm = inflation(self._events.values(), self._now()), self._arm(arm)
            if found is not None and found.arm == arm and self._just(found.started):
                return
            self.end_inflation("next", event.t_host_ns)
            payload = {"arm": arm, "state": "started", "marker": event.event_id}
            self._hub.event(CUFF_INFLATION, payload, event.t_host_ns, f"{event.event_id}-inflation")

    def undone(self, event_id: str) -> None:
        """A marker was undone; the inflation it began ends."""
        with self._lock:
            self._refresh()
            found = inflation(self._events.values(), self._now())
            if found is not None and found.started.payload.get("marker") == event_id:
                self.end_inflation("undone")

    def end_inflation(self, why: str, t_host_ns: int | None = None) -> None:
        """The arm is free again: a reading was entered, the time is over, or somebody says so."""
        with self._lock:
            self._refresh()
            found = inflation(self._events.values(), self._now())
            if found is None:
                return
            payload = {"arm": found.arm, "state": "ended", "why": why}
            self._hub.event(CUFF_INFLATION, payload, t_host_ns, f"{found.started.event_id}-end")

    def remind(self, request: Request) -> Answer:
        """``reminder {what, state, operator?}``: done or skipped; done makes the marker that belongs to it."""
        self._sessions.need_open()
        what, state = str(request.args["what"]), str(request.args["state"])
        operator = _operator(request)
        if what not in REMINDED or state not in ("done", "skipped"):
            raise SessionError(f"reminder: {what} {state} is not known; nothing was stored")
        payload = {"what": what, "state": state, "operator": operator}
        event = self._hub.event("reminder", payload, event_id=request.request_id)
        if state == "done" and REMINDED[what]:
            self._mark(REMINDED[what], "button", operator, event.t_host_ns, f"{event.event_id}-marker")
        return {"event_id": event.event_id}

    def pose(self, request: Request) -> Answer:
        """``posture {posture, hand_height_cm?, why?, mark?, operator?}``: a fact from now on, no correction of raw."""
        self._sessions.need_open()
        args = request.args
        height = args.get("hand_height_cm")
        if height is not None and not HAND_HEIGHT_CM[0] <= float(height) <= HAND_HEIGHT_CM[1]:
            raise SessionError(f"hand height: {float(height):g} cm is outside -100 to 100; type it again")
        operator, why = _operator(request), str(args.get("why") or "posture")
        posture = str(args.get("posture") or "unknown")[:40]
        payload = {
            "posture": posture,
            "hand_height_cm": None if height is None else float(height),
            "reason": why,
            "operator": operator,
        }
        event = self._hub.event("posture", payload, event_id=request.request_id)
        if args.get("mark", True):
            label = ARM_MOVED if why == "arm-moved" else f"posture: {posture}"
            self._mark(label, "button", operator, event.t_host_ns, f"{event.event_id}-marker")
        return {"event_id": event.event_id}

    def check(self, request: Request) -> Answer:
        """``checklist {when, ticked, left, operator?}``: what was ticked before Start, and what was not."""
        self._sessions.need_open()
        args = request.args
        payload = {
            "when": str(args["when"]),
            "ticked": [str(line)[:200] for line in args.get("ticked", ())][:20],
            "left": [str(line)[:200] for line in args.get("left", ())][:20],
            "operator": _operator(request),
        }
        event = self._hub.event("checklist", payload, event_id=request.request_id)
        return {"event_id": event.event_id}

    # ---- inside

    def _begin(
        self, index: int, t_host_ns: int, operator: str, event_id: str, *, by_itself: bool = False
    ) -> Event:
        phase = self._plan.phases[index]
        payload = {
            "index": index,
            "name": phase.name,
            "duration_s": phase.duration_s,
            "operator": operator,
            "by_itself": by_itself,
        }
        event = self._hub.event(STARTED, payload, t_host_ns, event_id)
        self._mark(phase.marker_at_start, "automatic", operator, t_host_ns, f"{event_id}-marker")
        return event

    def _end(
        self,
        running: Running,
        reason: str,
        t_host_ns: int,
        *,
        operator: str = "",
        chain: bool = True,
    ) -> None:
        """The running phase ends; its id makes sure that it does so once."""
        event_id = f"{running.started.event_id}-end"
        payload = {"index": running.index, "name": running.name, "reason": reason, "operator": operator}
        self._hub.event(ENDED, payload, t_host_ns, event_id)
        if running.index >= len(self._plan.phases):
            return
        self._mark(
            self._plan.phases[running.index].marker_at_end,
            "automatic",
            operator,
            t_host_ns,
            f"{event_id}-marker",
        )
        following = running.index + 1
        if chain and following < len(self._plan.phases) and self._plan.phases[following].begins_by_itself:
            self._begin(following, t_host_ns, operator, f"{event_id}-next", by_itself=True)

    def _mark(self, label: str, source: str, operator: str, t_host_ns: int, event_id: str) -> None:
        if label:
            event = self._hub.event("marker", asdict(Marker(label, source, operator)), t_host_ns, event_id)
            self.marked(event)

    def _over_at(self, started: Event, remaining_s: float, now: Moment) -> int:
        """Host time at which something was over; not before this era, whose recorder is the first to tell."""
        over_at = now.host_ns + round(remaining_s * 1e9)
        return over_at if started.era == now.era else max(over_at, self._hub.era.monotonic_ns)

    def _just(self, event: Event) -> bool:
        """A finger that touches twice means once."""
        return self._now().since_s(event) < TWICE_S * self._clock.speed

    def _need_running(self) -> tuple[Running, Moment]:
        self._sessions.need_open()
        self._refresh()
        now = self._now()
        running = self._progress(now).running
        if running is None:
            raise SessionError("phase: none is running; begin one first")
        return running, now

    def _progress(self, now: Moment) -> Progress:
        return progress(self._plan.phases, self._events.values(), now)

    def _now(self) -> Moment:
        return Moment(self._clock.monotonic_ns(), self._clock.wall_ns(), self._hub.era.number)

    def _arm(self, arm: object) -> str:
        header = self._sessions.header
        sites = header.sites if header else None
        known = str(arm) if arm in ("left", "right") else (sites.arm_cuff_side if sites else "unknown")
        return str(known)

    def _refresh(self) -> None:
        """The events of this session that count here; those seen before are not looked at again."""
        header = self._sessions.header
        session_id = header.session_id if header else ""
        if session_id != self._session_id:
            self._session_id, self._events, self._event_no = session_id, {}, 0
            self._plan = templates.plan_of(header.template if header else None)
        event_no = self._hub.event_no
        if event_no != self._event_no:
            kinds = (*PHASE_KINDS, CUFF_INFLATION)
            told = self._hub.events_since(self._event_no)
            self._events |= {e.event_id: e for e in told if e.kind in kinds}
            self._event_no = event_no


def table(guide: Guide) -> dict[str, Verb]:
    """The verbs of the guide."""

    def ended(request: Request) -> Answer:
        guide.end_inflation(str(request.args.get("why") or "operator"))
        return {}

    verbs: dict[str, Callable[[Request], Answer]] = {
        "begin_phase": guide.begin,
        "end_phase": guide.end,
        "extend_phase": guide.extend,
        "inflate": guide.inflate,
        "end_inflation": ended,
        "reminder": guide.remind,
        "posture": guide.pose,
        "checklist": guide.check,
    }
    return {name: Verb(run) for name, run in verbs.items()}


def _operator(request: Request) -> str:
    return str(request.args.get("operator") or "")
