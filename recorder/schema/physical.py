"""From raw counts to the units of a stream's channels: one rule for the store, the screens and the edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recorder.schema.decimals import decimals_to_float
from recorder.schema.streams import StreamInfo


def physical(info: StreamInfo, values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Raw values → ``(n, channels)`` in the units of the channels."""
    if info.dtype == "decimal":
        raw = decimals_to_float(values.astype(np.int64, copy=False))
    else:
        raw = values.astype(np.float64)
    scale = np.array([c.scale for c in info.channels])
    offset = np.array([c.offset for c in info.channels])
    if (scale == 1.0).all() and (offset == 0.0).all():
        return raw
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(raw * scale + offset, np.float64)
