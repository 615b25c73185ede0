"""The battery that ends first: how full it is, how long it lasts, and when that is worth a line of its own."""

from __future__ import annotations

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.record_view import Banner, Level
from hemoview.viewmodel.messages import Message, say
from recorder.schema import LinkStatus

LOW, VERY_LOW = 0.2, 0.05
"""Where no forecast is known yet: of a full battery."""
SHORT_H, VERY_SHORT_H = 1.0, 0.25


def weakest(facts: Facts) -> LinkStatus | None:
    """The device whose battery ends first, as far as that is known."""
    links = [link for link in (facts.status.links if facts.status else ()) if link.battery is not None]
    return min(links, key=lambda link: (_hours(link), link.battery or 0.0), default=None)


def level(link: LinkStatus) -> Level | None:
    """How grave it is; None while it is not."""
    hours, charge = link.battery_hours_left, link.battery or 0.0
    if charge <= VERY_LOW or (hours is not None and hours < VERY_SHORT_H):
        return "danger"
    return "warn" if charge <= LOW or (hours is not None and hours < SHORT_H) else None


def battery_line(facts: Facts) -> tuple[Message | None, str]:
    """(words for the header, level): ``wristband 62 % · 14 h``."""
    link = weakest(facts)
    if link is None:
        return None, "ok"
    percent = f"{100 * (link.battery or 0.0):.0f}"
    if link.battery_hours_left is None:
        return say("battery-level", device=link.device_id, percent=percent), level(link) or "ok"
    left = formats.age(3600 * link.battery_hours_left)
    return say("battery-forecast", device=link.device_id, percent=percent, left=left), level(link) or "ok"


def battery_banners(facts: Facts) -> list[Banner]:
    """A line a device whose battery is about to end."""
    found = []
    for link in facts.status.links if facts.status else ():
        grave = level(link) if link.battery is not None else None
        if grave is None:
            continue
        left = "" if link.battery_hours_left is None else formats.age(3600 * link.battery_hours_left)
        name = "battery-ends" if left else "battery-low"
        percent = f"{100 * (link.battery or 0.0):.0f}"
        message = say(name, device=link.product or link.device_id, percent=percent, left=left)
        found.append(Banner(f"battery-{link.device_id}", grave if facts.recording else "warn", message))
    return found


def _hours(link: LinkStatus) -> float:
    return float("inf") if link.battery_hours_left is None else link.battery_hours_left
