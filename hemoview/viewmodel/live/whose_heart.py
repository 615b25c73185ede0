"""Do the devices share a heartbeat? A full-width line if not, and a cell of the health line that says it quietly."""

from __future__ import annotations

import math
from typing import Any

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.record_view import Banner, HealthItem
from hemoview.viewmodel.messages import Message, say
from recorder.schema import Event

ROLE = "shared-heart"
_LEVEL = {"same": "ok", "different": "danger", "cannot-tell": "quiet"}


def heart_banners(facts: Facts) -> list[Banner]:
    """The line while the last word is that they do not (safety rule 1)."""
    told = _told(facts)
    if told is None or told.payload.get("verdict") != "different":
        return []
    found = told.payload
    message = say(
        "heart-different",
        since=_time_of(facts, told.t_host_ns),
        first=_rate(found.get("pulse_per_min")),
        second=_rate(found.get("pressure_per_min")),
    )
    return [Banner("heartbeat", "danger", message)]


def heart_items(facts: Facts) -> list[HealthItem]:
    """One cell where both devices are there; what it rests on beside it."""
    info = facts.by_role(ROLE)
    if info is None or facts.status is None:
        return []
    stream = next((s for s in facts.status.streams if s.stream_id == info.stream_id), None)
    if stream is None:
        return []
    told = _told(facts)
    verdict = "cannot-tell" if told is None else str(told.payload.get("verdict", "cannot-tell"))
    return [
        HealthItem(
            stream_id=info.stream_id,
            title=say("heart-title"),
            state=f"heart-{verdict}",
            rate=say("heart-none"),
            counts=_evidence(told),
            lost=say("heart-none")
            if told is None
            else say("heart-since", since=_time_of(facts, told.t_host_ns)),
            level=_LEVEL.get(verdict, "quiet"),
        )
    ]


def _told(facts: Facts) -> Event | None:
    return next((e for e in reversed(facts.events) if e.kind == "heartbeat"), None)


def _evidence(told: Event | None) -> Message:
    """How much was compared when it was last told, else what is compared."""
    if told is None or not told.payload.get("n_beats"):
        return say("heart-compares")
    matched: Any = told.payload.get("matched")
    share = f"{100 * matched:.0f}" if isinstance(matched, int | float) and math.isfinite(matched) else "–"
    return say("heart-evidence", n=int(told.payload["n_beats"]), matched=share)


def _rate(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, int | float) and math.isfinite(value) else formats.DASH


def _time_of(facts: Facts, t_host_ns: int) -> str:
    return formats.time_of_day(facts.wall_ns - (facts.now_ns - t_host_ns), facts.utc_offset_s)
