"""Sweep geometry: samples → the points of a curve in pixels, computed outside the view.

A sweep writes from left to right at a paper speed, wraps, and overwrites itself behind an erase bar. What lies left of
the head is this sweep, what lies right of the erase bar the one before. The head never waits for samples: when none
come it goes on with the clock and leaves a hatched gap, so that an old wave is never taken for a live one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel.live.rings import RingSlice

PAPER_SPEEDS_MM_PER_S = (6.25, 12.5, 25.0, 50.0)
"""Common choices on bedside monitors (peers.md §4.1)."""

GRACE_S = (0.5, 2.0)
"""The head waits as long as the stream usually pauses and 0.3 s, between these, before it goes on without samples."""

ERASE_MM = 3.0
GAP_PERIODS = 3.0
GAP_FLOOR_NS = 250_000_000


@dataclass(frozen=True, slots=True)
class SweepGeometry:
    """One lane of the sweep.

    Args:
        left_px, top_px, width_px, height_px: where the lane's curve may be drawn.
        span_ns: time from the left edge to the right.
        erase_px: width of the erase bar ahead of the head.
    """

    left_px: float
    top_px: float
    width_px: float
    height_px: float
    span_ns: int
    erase_px: float

    @property
    def capacity(self) -> int:
        """Points a curve of this lane never exceeds: two a column, and one for each possible break."""
        return int(4 * self.width_px) + 16

    def x_px(self, t_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Where times fall, px."""
        return np.asarray(self.left_px + (t_ns % self.span_ns) * (self.width_px / self.span_ns), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class SweepFrame:
    """A curve as it is now, in pixels: ``x``, ``y`` float64 ``(capacity,)`` with NaN at breaks and after the end.

    ``head_x`` is where the erase bar begins, at the time ``head_ns``, ``tail_x`` where the newest sample is;
    ``hatched`` are spans ``(x0, x1)`` without samples.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    n_points: int
    head_ns: int
    head_x: float
    tail_x: float
    hatched: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class _Window:
    """What one picture covers."""

    lane: SweepGeometry
    oldest_ns: int
    at_ns: int
    heard_ns: int | None


def geometry(box: tuple[float, float, float, float], *, px_per_mm: float, mm_per_s: float) -> SweepGeometry:
    """The lane in ``box`` (left, top, width, height in px) for a paper speed on a screen of ``px_per_mm``."""
    left_px, top_px, width_px, height_px = box
    span_ns = int(width_px / (px_per_mm * mm_per_s) * 1e9)
    return SweepGeometry(left_px, top_px, width_px, height_px, max(1, span_ns), ERASE_MM * px_per_mm)


def grace_ns(usual_wait_ns: int, speed: float = 1.0) -> int:
    """How long the head of a stream waits for its samples, in ns of a clock of this speed."""
    least, most = (int(seconds * 1e9 * speed) for seconds in GRACE_S)
    return min(max(usual_wait_ns + int(0.3e9 * speed), least), most)


def head_ns(last_t_ns: int | None, now_ns: int, grace_ns: int) -> int:
    """Where the sweep is: at the newest sample, or at the clock where samples have stopped."""
    return now_ns - grace_ns if last_t_ns is None else max(last_t_ns, now_ns - grace_ns)


def oldest_ns(lane: SweepGeometry, at_ns: int) -> int:
    """Samples up to here are under the erase bar or overwritten."""
    return at_ns - int(lane.span_ns * (1.0 - lane.erase_px / lane.width_px))


def sweep(
    rows: RingSlice,
    channel: int,
    lane: SweepGeometry,
    *,
    at_ns: int,
    value_range: tuple[float, float],
    rate_hz: float,
    begin_ns: int = 0,
    heard_ns: int | None = None,
) -> SweepFrame:
    """The curve of one channel with the head at ``at_ns``.

    Args:
        rows: samples, times never falling; those before :func:`oldest_ns` only tell where a gap began.
        channel: column of ``rows.values``.
        lane: where to draw.
        at_ns: from :func:`head_ns`.
        value_range: values at the lane's bottom and top.
        rate_hz: nominal rate, to tell a gap from the distance of two samples.
        begin_ns: nothing before this is drawn, as if it were overwritten.
        heard_ns: of the newest sample before ``rows``, which somebody else heard.
    """
    oldest = max(oldest_ns(lane, at_ns), begin_ns)
    start = int(np.searchsorted(rows.t_ns, oldest, side="right"))
    hatched = _hatched(rows, max(0, start - 1), _Window(lane, oldest, at_ns, heard_ns), rate_hz)
    t_ns, values = rows.t_ns[start:], rows.values[start:, channel].astype(np.float64)
    holes = _holes(t_ns, rows.sample_no[start:], rate_hz)
    if t_ns.size > 2 * lane.width_px:
        t_ns, values, holes = _levels(t_ns, values, holes, lane)
    x = lane.x_px(t_ns)
    y = _y_px(values, lane, value_range)
    breaks = np.flatnonzero(holes | (np.diff(x) < 0)) + 1
    x, y = np.insert(x, breaks, np.nan), np.insert(y, breaks, np.nan)
    head_x = float(lane.x_px(np.array([at_ns]))[0])
    tail_x = float(x[-1]) if x.size else head_x
    return SweepFrame(
        *_fixed(x, y, lane.capacity), min(x.size, lane.capacity), at_ns, head_x, tail_x, hatched
    )


def _holes(t_ns: NDArray[np.int64], sample_no: NDArray[np.int64], rate_hz: float) -> NDArray[np.bool_]:
    """Between which neighbours something is missing, ``(n - 1,)``."""
    return np.asarray((np.diff(sample_no) > 1) | (np.diff(t_ns) > _late_ns(rate_hz)))


def _late_ns(rate_hz: float) -> int:
    return max(GAP_FLOOR_NS, int(GAP_PERIODS * 1e9 / rate_hz))


def _levels(
    t_ns: NDArray[np.int64], values: NDArray[np.float64], holes: NDArray[np.bool_], lane: SweepGeometry
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Minimum and maximum of every pixel column, two points each."""
    column_ns = lane.span_ns / lane.width_px
    column = (t_ns / column_ns).astype(np.int64)
    starts = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
    low, high = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    hole_before = np.add.reduceat(np.concatenate(([False], holes)).astype(np.int64), starts) > 0
    pairs = np.column_stack((low, high)).ravel()
    between = np.zeros(pairs.size - 1, np.bool_)
    between[1::2] = hole_before[1:]
    return np.repeat(t_ns[starts], 2), pairs, between


def _y_px(
    values: NDArray[np.float64], lane: SweepGeometry, value_range: tuple[float, float]
) -> NDArray[np.float64]:
    low, high = value_range
    fraction = (high - values) / (high - low)
    return np.asarray(lane.top_px + np.clip(fraction, 0.0, 1.0) * lane.height_px)


def _fixed(
    x: NDArray[np.float64], y: NDArray[np.float64], capacity: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Arrays of one size for ever, so that a view never re-allocates."""
    points = np.full((2, capacity), np.nan)
    n = min(x.size, capacity)
    points[0, :n], points[1, :n] = x[-n:] if n else x, y[-n:] if n else y
    return points[0], points[1]


def _hatched(rows: RingSlice, first: int, window: _Window, rate_hz: float) -> tuple[tuple[float, float], ...]:
    """Spans without samples, px; one that wraps becomes two. ``first`` is the last sample before the window."""
    t_ns, heard_ns = rows.t_ns[first:], window.heard_ns
    at = np.flatnonzero(_holes(t_ns, rows.sample_no[first:], rate_hz))
    spans = [(int(a), int(b)) for a, b in zip(t_ns[at], t_ns[at + 1], strict=True)]
    if first == 0 and t_ns.size and heard_ns is not None and int(t_ns[0]) - heard_ns > _late_ns(rate_hz):
        spans.insert(0, (heard_ns, int(t_ns[0])))
    last_ns = int(t_ns[-1]) if t_ns.size else heard_ns
    if last_ns is not None and window.at_ns > last_ns:
        spans.append((last_ns, window.at_ns))
    seen = [(max(a, window.oldest_ns), b) for a, b in spans if b > window.oldest_ns]
    return tuple(piece for span in seen for piece in _pieces(span, window.lane))


def _pieces(span: tuple[int, int], lane: SweepGeometry) -> list[tuple[float, float]]:
    x0, x1 = (float(x) for x in lane.x_px(np.array(span)))
    right = lane.left_px + lane.width_px
    return [(x0, x1)] if x0 <= x1 else [(x0, right), (lane.left_px, x1)]
