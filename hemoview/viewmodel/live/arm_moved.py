"""The wristband turned and nobody has said where the hand is: a line with the way to answer (safety rule 10)."""

from __future__ import annotations

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.guide_due import unanswered_turn
from hemoview.viewmodel.live.record_view import Banner
from hemoview.viewmodel.messages import say
from recorder.acquire.phase_clock import Moment


def arm_banners(facts: Facts) -> list[Banner]:
    """While the turn is unanswered. The window leaves it out where the strip asks the same."""
    if facts.status is None or not facts.recording:
        return []
    turned = unanswered_turn(facts.events, Moment(facts.now_ns, facts.wall_ns, facts.status.era).since_s)
    if turned is None:
        return []
    message = say(
        "arm-moved",
        angle=f"{float(turned.payload.get('angle_deg', 0.0)):.0f}",
        mmhg=f"{float(turned.payload.get('widens_mmhg', 0.0)):.0f}",
        since=formats.time_of_day(facts.wall_ns - (facts.now_ns - turned.t_host_ns), facts.utc_offset_s),
    )
    return [Banner("arm-moved", "warn", message, action="arm-moved")]
