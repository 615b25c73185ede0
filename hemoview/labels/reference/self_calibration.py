"""When a reference that calibrates itself may be taken for one (safety rule 8): for screens and reports alike. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from recorder.schema import FINGER_CHANGED, REFERENCE_CALIBRATED, DeviceInfo, StreamInfo

Span = tuple[float, float]
"""Elapsed seconds, begin and end."""
ALWAYS: Span = (-math.inf, math.inf)


def calibrates_itself(devices: Sequence[DeviceInfo], streams: Iterable[StreamInfo]) -> bool:
    """Whether the reference is a monitor with an arm cuff of its own, which somebody must see calibrate itself.

    All that is recorded here is taken for such a monitor, and of what is imported a CNAP; an imported arterial line is
    none.
    """
    ids = {s.device_id for s in streams if s.role in ("abp_wave", "reference")}
    found = [d for d in devices if d.device_id in ids]
    return not found or any(d.transport != "file" or "CNAP" in d.product.upper() for d in found)


def calibrated_spans(marks: Iterable[tuple[float, str]]) -> tuple[Span, ...]:
    """From each confirmed calibration to the next change of the finger, or to the end.

    Args:
        marks: (elapsed time, label) of the markers, in order.
    """
    spans: list[Span] = []
    since_s: float | None = None
    for t_s, label in marks:
        if label == REFERENCE_CALIBRATED and since_s is None:
            since_s = t_s
        elif label == FINGER_CHANGED and since_s is not None:
            spans.append((since_s, t_s))
            since_s = None
    return tuple(spans if since_s is None else [*spans, (since_s, math.inf)])
