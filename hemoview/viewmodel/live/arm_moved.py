"""The wristband turned and nobody has said where the hand is: a line with the way to answer (safety rule 10)."""

from __future__ import annotations

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.record_view import Banner
from hemoview.viewmodel.messages import say
from recorder.schema import Event

ANSWERED_BY = ("posture", "reminder", "cuff")
UNANSWERED_S = 900.0
"""As the edge process waits (``hemoview.edge.arms``)."""


def arm_banners(facts: Facts) -> list[Banner]:
    """Until a posture with height, "same height", a cuff reading, or a quarter of an hour."""
    turned = next((e for e in reversed(facts.events) if e.kind == "arm-moved"), None)
    if turned is None or not facts.recording or facts.now_ns - turned.t_host_ns > UNANSWERED_S * 1e9:
        return []
    if any(_answers(event, turned) for event in facts.events):
        return []
    message = say(
        "arm-moved",
        angle=f"{float(turned.payload.get('angle_deg', 0.0)):.0f}",
        mmhg=f"{float(turned.payload.get('widens_mmhg', 0.0)):.0f}",
        since=formats.time_of_day(facts.wall_ns - (facts.now_ns - turned.t_host_ns), facts.utc_offset_s),
    )
    return [Banner("arm-moved", "warn", message, action="arm-moved")]


def _answers(event: Event, turned: Event) -> bool:
    if event.t_host_ns <= turned.t_host_ns or event.kind not in ANSWERED_BY:
        return False
    if event.kind == "posture":
        return event.payload.get("hand_height_cm") is not None
    return event.kind == "cuff" or event.payload.get("what") == "arm-moved"
