"""When the reference is one: has its wave a scale, and has anybody seen the monitor calibrate itself (safety rule 8)?

Two different things: the ADC calibration turns volt into mmHg; the reference calibration is the monitor's own.
"""

from __future__ import annotations

from collections.abc import Iterable

from recorder.schema.calibration import Calibration
from recorder.schema.events import FINGER_CHANGED, REFERENCE_CALIBRATED, Event
from recorder.schema.streams import StreamInfo


def newest_scale(calibrations: Iterable[Calibration], info: StreamInfo) -> tuple[int, Calibration] | None:
    """The newest accepted calibration of a channel of ``info`` and the channel's column."""
    columns = {channel.name: i for i, channel in enumerate(info.channels)}
    fitting = [
        c for c in calibrations if c.accepted and c.stream_id == info.stream_id and c.channel in columns
    ]
    if not fitting:
        return None
    newest = max(fitting, key=lambda c: c.wall_ns)
    return columns[newest.channel], newest


def last_calibrated(events: Iterable[Event]) -> tuple[Event | None, bool]:
    """The marker that last confirmed the reference as calibrated, and whether a square wave since then waits for one.

    A square wave that began before Start is known by its end alone.

    Args:
        events: of the session, oldest first.
    """
    events = tuple(events)
    since: Event | None = None
    asks = began = False
    undone = {event.payload.get("event_id") for event in events if event.kind == "marker-undone"}
    for event in events:
        if event.event_id in undone:
            continue
        label = event.payload.get("label") if event.kind == "marker" else None
        if label == REFERENCE_CALIBRATED:
            since, asks = event, False
        elif label == FINGER_CHANGED:
            since = None
        elif event.kind == "notice" and event.payload.get("kind") == "square-wave":
            asks = began = True
        elif event.kind == "notice" and event.payload.get("ended") == "square-wave":
            asks, began = asks or not began, False
    return since, asks
