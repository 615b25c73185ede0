"""All lanes of the sweep as one picture: boxes, ranges, curves, gaps. The view only draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel.live.model import LiveStream
from hemoview.viewmodel.live.ranges import Range, extent, fit_range, ticks
from hemoview.viewmodel.live.record_view import Lane
from hemoview.viewmodel.live.waves import (
    SweepFrame,
    SweepGeometry,
    geometry,
    grace_ns,
    head_ns,
    oldest_ns,
    sweep,
)

LABEL_PX = 110.0
"""Left of the curves: title, unit and scale of each lane."""

GAP_PX = 6.0
LABEL_EVERY_PX = 26.0


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where the waves may be drawn: size in px, screen resolution, paper speed, host clock."""

    width_px: int
    height_px: int
    px_per_mm: float
    mm_per_s: float
    speed: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class LaneFrame:
    """A lane as it is now. ``scale`` are ``(y_px, text)`` labels; ``waits_px`` is twice the distance of samples."""

    lane: Lane
    geometry: SweepGeometry
    value_range: Range
    scale: tuple[tuple[float, str], ...]
    curves: tuple[SweepFrame, ...]
    waits_px: float

    @property
    def still(self) -> tuple[object, ...]:
        """What the background picture depends on."""
        return (self.lane, self.geometry, self.scale)


@dataclass(frozen=True, slots=True)
class _Moment:
    now_ns: int
    cleared_at_ns: int
    speed: float


class Sweeper:
    """Keeps each lane's range between pictures; everything else is computed afresh."""

    def __init__(self) -> None:
        self._ranges: dict[str, Range] = {}

    def frames(
        self,
        lanes: Sequence[Lane],
        streams: Mapping[str, LiveStream],
        canvas: Canvas,
        *,
        now_ns: int,
        cleared_at_ns: int = 0,
    ) -> tuple[LaneFrame, ...]:
        """The picture of this moment; nothing older than ``cleared_at_ns`` is in it."""
        present = [lane for lane in lanes if lane.stream_id in streams]
        boxes = zip(present, _boxes(present, canvas), strict=True)
        return tuple(
            self._frame(lane, streams[lane.stream_id], box, _Moment(now_ns, cleared_at_ns, canvas.speed))
            for lane, box in boxes
        )

    def _frame(self, lane: Lane, stream: LiveStream, box: SweepGeometry, moment: _Moment) -> LaneFrame:
        at_ns = head_ns(stream.ring.last_t_ns, moment.now_ns, grace_ns(stream.usual_wait_ns, moment.speed))
        rows = stream.ring.newest(stream.ring.capacity)
        visible = stream.ring.since(max(oldest_ns(box, at_ns), moment.cleared_at_ns))
        shown = self._range(lane, visible.values[:, list(lane.channels)])
        raw_range = ((shown[0] - lane.offset) / lane.gain, (shown[1] - lane.offset) / lane.gain)
        curves = tuple(
            sweep(
                rows,
                channel,
                box,
                at_ns=at_ns,
                value_range=raw_range,
                rate_hz=lane.rate_hz,
                begin_ns=moment.cleared_at_ns,
                heard_ns=stream.heard_before_ns,
            )
            for channel in lane.channels
        )
        waits_px = 2.0 * box.width_px / (box.span_ns / 1e9) / lane.rate_hz * moment.speed
        return LaneFrame(lane, box, shown, _scale(lane, box, shown), curves, waits_px)

    def _range(self, lane: Lane, values: NDArray[np.float32]) -> Range:
        key = f"{lane.key}:{lane.unit}"
        found = extent(values)
        if found is None:
            return fit_range(self._ranges.get(key), None, lane.rule)
        low, high = (v * lane.gain + lane.offset for v in found)
        self._ranges[key] = fit_range(self._ranges.get(key), (low, high), lane.rule)
        return self._ranges[key]


def _boxes(lanes: Sequence[Lane], canvas: Canvas) -> list[SweepGeometry]:
    """Lanes one below the other, heights by weight."""
    total = sum(lane.weight for lane in lanes) or 1.0
    unit_px = (canvas.height_px - GAP_PX * (len(lanes) + 1)) / total
    boxes, top = [], GAP_PX
    for lane in lanes:
        height = max(8.0, unit_px * lane.weight)
        box = (LABEL_PX, top, max(16.0, canvas.width_px - LABEL_PX - 4.0), height)
        boxes.append(geometry(box, px_per_mm=canvas.px_per_mm, mm_per_s=canvas.mm_per_s / canvas.speed))
        top += height + GAP_PX
    return boxes


def _scale(lane: Lane, box: SweepGeometry, shown: Range) -> tuple[tuple[float, str], ...]:
    """Labels of bottom, middle and top; none for a wave without a unit."""
    if not lane.unit:
        return ()
    low, high = shown
    values = ticks(shown, lane.rule.step, int(box.height_px / LABEL_EVERY_PX))
    return tuple(
        (box.top_px + (high - v) / (high - low) * box.height_px, f"{v:.{lane.decimals}f}") for v in values
    )
