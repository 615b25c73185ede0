"""Facts of a guided session, so many seconds in, and what its strip prompts for."""

from __future__ import annotations

from typing import Any

from synthetic_bedside import NS, SyntheticBedside, event

from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.guide import GuideView
from recorder.acquire.template import parse
from recorder.schema import Event

PLAN = {
    "phases": [
        {"name": "Settle", "duration_min": 5.0, "instruction": "be still"},
        {"name": "Rest", "duration_min": 10.0},
        {"name": "Open"},
    ],
    "cuff": {"first_after_min": 2.0, "every_min": 15.0},
    "reminders": {"finger_switch_min": 30.0, "skin_check_min": 60.0},
}
SITES = {"arm_cuff_side": "left", "posture": "supine", "hand_height_cm": 5.0}


def facts(
    at_s: float, *events: Event, plan: dict[str, Any] | None = None, sites: dict[str, Any] | None = None
) -> Facts:
    bed = SyntheticBedside()
    bed.events = list(events)
    bed.tell()
    header = {"template": parse({"name": "t", **(PLAN if plan is None else plan)}).to_json()}
    bed.clock.now_ns = bed.start_ns + round(at_s * NS) - NS
    bed.run(1.0)
    found = bed.model.facts()
    return Facts(
        **{name: getattr(found, name) for name in Facts.__dataclass_fields__ if name != "header"},
        header=header | {"sites": SITES if sites is None else sites},
    )


def at(kind: str, at_s: float, /, **payload: Any) -> Event:
    return event(kind, 1_000 * NS + round(at_s * NS), **payload)


def began(index: int, at_s: float) -> Event:
    minutes = PLAN["phases"][index].get("duration_min")  # type: ignore[index]
    name = PLAN["phases"][index]["name"]  # type: ignore[index]
    return at("phase-started", at_s, index=index, name=name, duration_s=minutes and minutes * 60)


def keys(view: GuideView) -> list[str]:
    return [prompt.key for prompt in view.prompts]
