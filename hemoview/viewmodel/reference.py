"""What may be said about the reference: has it a scale, and has anybody seen the monitor calibrate itself?

Two different things (safety rule 8): the ADC calibration turns volt into mmHg; the reference calibration is the
monitor's own arm-cuff calibration. Without the first there are no mmHg, without the second they are grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hemoview.viewmodel.facts import Facts
from recorder.schema import FINGER_CHANGED, REFERENCE_CALIBRATED, Calibration, StreamInfo

State = Literal["absent", "no-scale", "uncalibrated", "calibrated"]


@dataclass(frozen=True, slots=True)
class Reference:
    """State of the reference: when it was last calibrated, and whether a square wave waits to be confirmed."""

    state: State
    since_ns: int | None = None
    asks: bool = False


def scale(facts: Facts, info: StreamInfo) -> tuple[int, Calibration] | None:
    """The newest accepted calibration of a channel of ``info`` and the channel's column."""
    columns = {channel.name: i for i, channel in enumerate(info.channels)}
    fitting = [
        c for c in facts.calibrations if c.accepted and c.stream_id == info.stream_id and c.channel in columns
    ]
    if not fitting:
        return None
    newest = max(fitting, key=lambda c: c.wall_ns)
    return columns[newest.channel], newest


def reference(facts: Facts) -> Reference:
    """Judge the reference from streams, calibrations and stored events."""
    info = facts.by_role("abp_wave")
    if info is None:
        return Reference("absent")
    since_ns, asks = _last_calibration(facts)
    if scale(facts, info) is None:
        return Reference("no-scale", since_ns, asks)
    return Reference("uncalibrated" if since_ns is None else "calibrated", since_ns, asks)


def _last_calibration(facts: Facts) -> tuple[int | None, bool]:
    """When the reference was last confirmed as calibrated, and whether a square wave since then waits for it.

    One that began before Start is known by its end alone.
    """
    since_ns: int | None = None
    asks = began = False
    undone = {event.payload.get("event_id") for event in facts.events if event.kind == "marker-undone"}
    for event in facts.events:
        if event.event_id in undone:
            continue
        label = event.payload.get("label") if event.kind == "marker" else None
        if label == REFERENCE_CALIBRATED:
            since_ns, asks = event.t_host_ns, False
        elif label == FINGER_CHANGED:
            since_ns = None
        elif event.kind == "notice" and event.payload.get("kind") == "square-wave":
            asks = began = True
        elif event.kind == "notice" and event.payload.get("ended") == "square-wave":
            asks, began = asks or not began, False
    return since_ns, asks
