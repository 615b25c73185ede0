"""What a reader hands out: rows of a stream, and low and high of a span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorder.schema import StreamInfo
from recorder.session.facts import GapSpan
from recorder.session.levels import reduce_high, reduce_low


@dataclass(frozen=True)
class StreamData:
    """Rows of one stream.

    Args:
        sample_no: ``(n,)`` int64; jumps where samples are missing.
        time_s: ``(n,)`` float64 elapsed since the session's start; fitted for waveforms, the row's own for numerics.
        raw: ``(n, columns)`` as stored.
        values: ``(n, channels)`` float64 in ``units``.
        units: of each channel; ``mmHg`` where a calibration was applied.
        device_time_us: ``(n,)`` int64 as sent (:data:`recorder.session.NO_TIME` where a row has none), or None.
        era: ``(n,)`` clock era of each row.
        gaps: stored gaps that touch the span, and damaged files as gaps of cause ``damaged``.
    """

    info: StreamInfo
    sample_no: NDArray[np.int64]
    time_s: NDArray[np.float64]
    raw: NDArray[Any]
    values: NDArray[np.float64]
    units: tuple[str, ...]
    device_time_us: NDArray[np.int64] | None
    era: NDArray[np.int64]
    gaps: tuple[GapSpan, ...]

    def __len__(self) -> int:
        return int(self.sample_no.shape[0])

    def to_pandas(self) -> Any:
        """A DataFrame indexed by elapsed time, a column per channel (needs pandas, which is not a dependency)."""
        import pandas as pd  # type: ignore[import-untyped,unused-ignore] # noqa: PLC0415

        columns = [c.name for c in self.info.channels]
        return pd.DataFrame(self.values, index=pd.Index(self.time_s, name="time_s"), columns=columns)


@dataclass(frozen=True)
class Overview:
    """Minimum and maximum per bin, physical units; bins without samples are left out.

    Args:
        t_s: ``(m,)`` elapsed time of the first sample of each bin; never before the span, so that neighbouring
            spans join without a hole or an overlap.
        low, high: ``(m, channels)``.
    """

    t_s: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def binned(
    times: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    bins: tuple[float, float, int],
) -> Overview:
    """Low and high of each bin; ``bins`` is (start, width, count), ``times`` rising."""
    t0_s, width_s, n_bins = bins
    if times.size == 0:
        return Overview(times, low, high)
    slot = np.clip(((times - t0_s) / width_s).astype(np.int64), 0, n_bins - 1)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(slot)) + 1])
    return Overview(np.maximum(times[starts], t0_s), reduce_low(low, starts), reduce_high(high, starts))
