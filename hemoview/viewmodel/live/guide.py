"""The guide strip below the waves: phase, countdown, what is next, what is due. Prompts: no alarms, never modal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.facts import NS, Facts
from hemoview.viewmodel.live.guide_due import (
    Course,
    asks_height,
    course,
    cuff_in_s,
    posture_now,
    reminder_in_s,
    unanswered_turn,
)
from hemoview.viewmodel.messages import Message, say
from recorder.acquire import template as templates
from recorder.acquire.phase_clock import Moment
from recorder.acquire.template import Template

SOON_S: Final = 60.0
"""A cuff reading is announced this long before it is due."""
POSTURES: Final = ("unknown", "supine", "seated", "standing")
OVERDUE_S: Final = 120.0
"""From here on the prompt stands out."""

PhaseState = Literal["done", "running", "next", "left"]


@dataclass(frozen=True, slots=True)
class GuidePrompt:
    """A timed prompt. ``actions`` are ids of buttons, ``button-guide-<action>``; the first one is the usual one."""

    key: str
    message: Message
    actions: tuple[str, ...]
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class GuidePhase:
    """A phase in the list."""

    name: str
    minutes: float | None
    state: PhaseState


@dataclass(frozen=True, slots=True)
class GuideView:
    """The strip.

    Args:
        title: phase and its place, or what the protocol waits for; None without a protocol.
        countdown: ``07:12``; of an open phase its elapsed time with ``+``.
        fraction: of the phase, 0–1; None without an end.
        instruction: of the template, to the operator.
        following: what comes next.
        phases: the whole protocol.
        begins: index of the phase that "Begin phase" begins; None where there is none.
        can_end, can_extend: which buttons work.
        prompts: what is due, the most urgent first.
        posture: posture and height of the hand.
        checklist: lines to tick after Stop; empty while recording.
        default_checklist: the template names no lines of its own.
    """

    title: Message | None = None
    countdown: str = ""
    fraction: float | None = None
    instruction: str = ""
    following: Message | None = None
    phases: tuple[GuidePhase, ...] = ()
    begins: int | None = None
    can_end: bool = False
    can_extend: bool = False
    prompts: tuple[GuidePrompt, ...] = ()
    posture: Message | None = None
    checklist: tuple[str, ...] = ()
    default_checklist: bool = False
    recording: bool = False
    after: bool = False


def guide(facts: Facts) -> GuideView:
    """What the strip shows now."""
    if facts.status is not None and facts.status.session.state in ("sealing", "sealed"):
        return _after(facts)
    at = course_now(facts)
    if at is None:
        return GuideView()
    running = at.where.running
    return GuideView(
        title=_title(at),
        countdown=_countdown(at),
        fraction=_fraction(at),
        instruction=_instruction(at),
        following=_following(at),
        phases=tuple(_phase(at, i) for i in range(len(at.template.phases))),
        begins=at.where.next_index,
        can_end=running is not None,
        can_extend=running is not None and running.planned_s is not None,
        prompts=prompts(at, sites_of(facts)),
        posture=_posture(at, sites_of(facts)),
        recording=True,
    )


def course_now(facts: Facts) -> Course | None:
    """The open session's course; None without a session."""
    start_ns = facts.session_start_ns
    if not facts.recording or facts.status is None or start_ns is None or facts.header is None:
        return None
    now = Moment(facts.now_ns, facts.wall_ns, facts.status.era)
    return course(plan(facts.header), facts.events, now, session_s=(facts.now_ns - start_ns) / NS)


def plan(header: Mapping[str, Any]) -> Template:
    """The template of a session's header."""
    return templates.plan_of(header.get("template"))


def sites_of(facts: Facts) -> Mapping[str, Any]:
    """Where the sensors sit, as told at Start."""
    return (facts.header or {}).get("sites") or {}


def prompts(at: Course, sites: Mapping[str, Any]) -> tuple[GuidePrompt, ...]:
    """What is due now."""
    found = [_inflating(at) or _cuff(at, sites), _height(at), _finger(at), _skin(at)]
    return tuple(prompt for prompt in found if prompt is not None)


def _inflating(at: Course) -> GuidePrompt | None:
    if at.inflation is None:
        return None
    arm = say(f"guide-arm-{at.inflation.arm}")
    message = say("guide-inflating", arm=arm, seconds=f"{at.inflation.elapsed_s:.0f}")
    return GuidePrompt("inflating", message, ("reading", "end-inflation"))


def _cuff(at: Course, sites: Mapping[str, Any]) -> GuidePrompt | None:
    due_in_s = cuff_in_s(at)
    if due_in_s is None or due_in_s > SOON_S:
        return None
    side = str(sites.get("arm_cuff_side") or "unknown")
    inflate = (f"inflate-{side}",) if side in ("left", "right") else ("inflate-left", "inflate-right")
    message = (
        say("guide-cuff-soon", seconds=f"{due_in_s:.0f}")
        if due_in_s > 0
        else say("guide-cuff-due", age=formats.age(-due_in_s))
    )
    return GuidePrompt("cuff", message, (*inflate, "reading", "cuff-skip"), overdue=due_in_s < -OVERDUE_S)


def _height(at: Course) -> GuidePrompt | None:
    """A turn found in the samples says what it does to the numbers; one that was marked changes none."""
    turned, actions = unanswered_turn(at.events, at.now.since_s), ("height", "same-height")
    if turned is None:
        return GuidePrompt("arm-moved", say("guide-arm-moved"), actions) if asks_height(at) else None
    age_s = at.now.since_s(turned)
    message = say(
        "guide-arm-turned",
        angle=f"{float(turned.payload.get('angle_deg', 0.0)):.0f}",
        mmhg=f"{float(turned.payload.get('widens_mmhg', 0.0)):.0f}",
        age=formats.age(age_s),
    )
    return GuidePrompt("arm-moved", message, actions, overdue=age_s > OVERDUE_S)


def _finger(at: Course) -> GuidePrompt | None:
    due_in_s = reminder_in_s(at, "finger-switch")
    if due_in_s is None or due_in_s > 0:
        return None
    minutes = f"{at.template.reminders.finger_switch_min:g}"
    return GuidePrompt(
        "finger-switch", say("guide-finger-switch", minutes=minutes), ("finger-done", "finger-later")
    )


def _skin(at: Course) -> GuidePrompt | None:
    due_in_s = reminder_in_s(at, "skin-check")
    if due_in_s is None or due_in_s > 0:
        return None
    return GuidePrompt("skin-check", say("guide-skin-check"), ("skin-done", "skin-later"))


def _title(at: Course) -> Message | None:
    phases, running = at.template.phases, at.where.running
    if not phases:
        return None
    if running is not None:
        return say("guide-phase", number=running.index + 1, total=len(phases), name=running.name)
    if at.where.begun is None:
        return say("guide-not-begun", total=len(phases))
    return say("guide-through") if at.where.next_index is None else say("guide-between")


def _countdown(at: Course) -> str:
    running = at.where.running
    if running is None:
        return ""
    left_s = running.remaining_s
    return f"+{_minutes(running.elapsed_s)}" if left_s is None else _minutes(max(0.0, left_s + 0.999))


def _minutes(seconds: float) -> str:
    """``07:12``, ``1:07:12``."""
    whole = max(0, int(seconds))
    hours = f"{whole // 3600}:" if whole >= 3600 else ""
    return f"{hours}{whole % 3600 // 60:02d}:{whole % 60:02d}"


def _fraction(at: Course) -> float | None:
    running = at.where.running
    if running is None or not running.planned_s:
        return None
    return min(1.0, max(0.0, running.elapsed_s / running.planned_s))


def _instruction(at: Course) -> str:
    phases, running = at.template.phases, at.where.running
    index = running.index if running is not None else at.where.next_index
    return phases[index].instruction if index is not None and index < len(phases) else ""


def _following(at: Course) -> Message | None:
    phases, index = at.template.phases, at.where.next_index
    if index is None or not phases:
        return say("guide-last") if at.where.running is not None else None
    phase = phases[index]
    if phase.duration_min is None:
        return say("guide-next-open", name=phase.name)
    return say("guide-next", name=phase.name, minutes=f"{phase.duration_min:g}")


def _phase(at: Course, index: int) -> GuidePhase:
    phase, running = at.template.phases[index], at.where.running
    state: PhaseState = "left"
    if running is not None and running.index == index:
        state = "running"
    elif index in at.where.done:
        state = "done"
    elif index == at.where.next_index:
        state = "next"
    return GuidePhase(phase.name, phase.duration_min, state)


def _posture(at: Course, sites: Mapping[str, Any]) -> Message:
    posture, height_cm = posture_now(at, sites)
    known = say(f"guide-posture-{posture}") if posture in POSTURES else posture
    if height_cm is None:
        return say("guide-posture", posture=known)
    return say("guide-posture-height", posture=known, height=f"{height_cm:+g}")


def _after(facts: Facts) -> GuideView:
    """After Stop: clean, charge, next subject."""
    lines = plan(facts.header or {}).checklist.after
    return GuideView(checklist=lines, default_checklist=not lines, after=True)
