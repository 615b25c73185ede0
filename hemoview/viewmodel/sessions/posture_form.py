"""Posture and height of the hand, told during a session (safety rule 10). A fact; raw is never corrected by it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal

from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.sessions.start_problems import HAND_HEIGHT_CM

MMHG_PER_CM: Final = 0.77
"""Hydrostatic pressure of blood, 1.05 g/cm³ (safety rule 10)."""

Why = Literal["posture", "arm-moved"]


@dataclass(frozen=True, slots=True)
class PostureForm:
    """As typed. ``mark`` is False where the marker is there already and only the height was asked for."""

    posture: str = "unknown"
    hand_height_cm: str = ""
    why: Why = "posture"
    mark: bool = True
    operator: str = ""


@dataclass(frozen=True, slots=True)
class PostureView:
    """``request`` are the arguments of ``posture``; ``effect`` what the height means, in mmHg."""

    problem: Message | None
    effect: Message | None
    request: dict[str, Any] | None


def examine(form: PostureForm) -> PostureView:
    """Judge the form."""
    typed = form.hand_height_cm.strip().replace(",", ".").replace("−", "-")
    height: float | None = None
    if typed:
        try:
            height = float(typed)
        except ValueError:
            height = math.nan
        if not HAND_HEIGHT_CM[0] <= height <= HAND_HEIGHT_CM[1]:
            low, high = (f"{end:g}" for end in HAND_HEIGHT_CM)
            return PostureView(say("posture-height-wrong", low=low, high=high), None, None)
    elif form.why == "arm-moved":
        return PostureView(say("posture-height-needed"), None, None)
    request = {
        "posture": form.posture,
        "hand_height_cm": height,
        "why": form.why,
        "mark": form.mark,
        "operator": form.operator,
    }
    return PostureView(None, None if not height else _effect(height), request)


def _effect(height_cm: float) -> Message:
    """A hand below the heart reads too high."""
    mmhg = f"{abs(height_cm) * MMHG_PER_CM:.0f}"
    return say("posture-reads-low" if height_cm > 0 else "posture-reads-high", mmhg=mmhg)
