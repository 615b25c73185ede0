"""The small scrolling trace of a stream as it comes: physical values of the last seconds, holes as holes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.model import LiveStream

PREVIEW_S: Final = 8.0
POINTS: Final = 400
"""More than a trace is wide: highest and lowest of each pixel are kept, so that no spike is hidden."""

MOST_CHANNELS: Final = 4
RECENT_ROWS: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """``x`` ``(n,)`` 0 (old) to 1 (now), ``y`` ``(n, channels)`` 0 to 1 with NaN in holes; newest value in words."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    value: str
    low: str
    high: str


EMPTY: Final = Preview(np.empty(0), np.empty((0, 1)), formats.DASH, "", "")


def preview(stream: LiveStream | None, *, now_ns: int, speed: float = 1.0) -> Preview:
    """What a trace shows now; the window of time moves on when nothing comes."""
    if stream is None:
        return EMPTY
    if stream.timebase is None:
        return _newest(stream)
    span_ns = round(PREVIEW_S * 1e9 * speed)
    rows = stream.ring.since(now_ns - span_ns)
    if len(rows) == 0:
        return EMPTY
    values = rows.values[:, :MOST_CHANNELS].astype(np.float64)
    x = (rows.t_ns - (now_ns - span_ns)) / span_ns
    x, values = _with_holes(x, values, rows.sample_no)
    x, values = _thinned(x, values)
    low, high = np.nanmin(values), np.nanmax(values)
    if not (np.isfinite(low) and np.isfinite(high)):
        return EMPTY
    room = (high - low) or 1.0
    middle = (high + low) / 2
    y = 0.5 + (values - middle) / room
    return Preview(x, y, _value(stream, rows.values[-1]), _short(low), _short(high))


def _newest(stream: LiveStream) -> Preview:
    """Rows that come when they come: the last value that is one, however old."""
    values = stream.ring.newest(RECENT_ROWS).values[:, 0]
    values = values[np.isfinite(values)]
    if not values.size:
        return EMPTY
    unit = formats.unit_words(stream.info.channels[0].unit)
    return replace(EMPTY, value=f"{_short(float(values[-1]))} {unit}".strip())


def _with_holes(
    x: NDArray[np.float64], values: NDArray[np.float64], sample_no: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A row of NaN wherever the numbering shows that samples are missing."""
    holes = np.flatnonzero(np.diff(sample_no) > 1) + 1
    if not holes.size:
        return x, values
    return np.insert(x, holes, x[holes]), np.insert(values, holes, np.nan, axis=0)


def _thinned(
    x: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most :data:`POINTS` columns, each with its lowest and highest value. A column that touches a hole is one."""
    n = x.size // POINTS
    if n < 2:
        return x, values
    whole = x.size // n * n
    blocks = values[:whole].reshape(-1, n, values.shape[1])
    pair = np.stack((blocks.min(axis=1), blocks.max(axis=1)), axis=1).reshape(-1, values.shape[1])
    return np.repeat(x[:whole:n], 2), pair


def _value(stream: LiveStream, newest: NDArray[np.float32]) -> str:
    unit = formats.unit_words(stream.info.channels[0].unit)
    values = [float(v) for v in newest[:MOST_CHANNELS]]
    shown = _short(values[0]) if len(values) == 1 else "  ".join(formats.number(v, 2) for v in values)
    return f"{shown} {unit}".strip()


def _short(value: float) -> str:
    """Three digits are enough to see it move; more would not fit beside each other."""
    if not np.isfinite(value):
        return formats.DASH
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
