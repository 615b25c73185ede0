"""Samples and what is known about their time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorder.schema.streams import check_id


@dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """Consecutive samples (or rows) of one stream that arrived together.

    Args:
        stream_id: whose samples.
        first_sample_no: index of the first row in its stream; lost samples leave a hole in the numbering.
        values: raw values, ``(n_samples, n_columns)``, in the stream's dtype (``decimal``: int64).
        t_host_ns: host monotonic time at which the last byte of the block arrived.
        era: number of the clock era ``t_host_ns`` belongs to.
        device_time_us: the device's own stamps, ``(n_samples,)`` int64 µs, exactly as sent; None if it has none.
        row_t_host_ns: numerics only: host time each row is about, ``(n_samples,)`` int64; None = arrival.
    """

    stream_id: str
    first_sample_no: int
    values: NDArray[Any]
    t_host_ns: int
    era: int = 0
    device_time_us: NDArray[np.int64] | None = None
    row_t_host_ns: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[0] == 0:
            raise ValueError(
                f"block of {self.stream_id}: values must be (n>0, columns), got {self.values.shape}"
            )
        if self.first_sample_no < 0:
            raise ValueError(f"block of {self.stream_id}: first sample {self.first_sample_no} is negative")
        for name in ("device_time_us", "row_t_host_ns"):
            times = getattr(self, name)
            if times is not None and times.shape != (self.n_samples,):
                raise ValueError(
                    f"block of {self.stream_id}: {name} has shape {times.shape}, needs ({self.n_samples},)"
                )

    @property
    def n_samples(self) -> int:
        """Rows in this block."""
        return int(self.values.shape[0])

    @property
    def next_sample_no(self) -> int:
        """Index of the row that should come next."""
        return self.first_sample_no + self.n_samples


@dataclass(frozen=True, slots=True)
class ClockPoint:
    """One raw observation: sample ``sample_no`` (the first of its block) had arrived by ``t_host_ns``.

    ``n_samples`` is the block's length: its last sample is ``sample_no + n_samples - 1``.
    """

    stream_id: str
    sample_no: int
    n_samples: int
    t_host_ns: int
    era: int = 0
    device_time_us: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without samples, with its cause. Never interpolated.

    Args:
        stream_id: whose samples are missing.
        first_missing_no: index of the first missing sample.
        n_missing: how many are missing, None if the source cannot tell (then the index does not jump).
        t0_host_ns: last arrival before the gap.
        t1_host_ns: first arrival after it, None while it lasts.
        era: clock era of the times.
        cause: ``link-lost``, ``silent``, ``counter-jump``, ``stamp-jump``, ``overrun``, ``suspend``,
            ``recorder-restart``, ``checksum``, …
        detail: free text for people.
    """

    stream_id: str
    first_missing_no: int
    n_missing: int | None
    t0_host_ns: int
    t1_host_ns: int | None
    cause: str
    era: int = 0
    detail: str = ""

    def __post_init__(self) -> None:
        check_id(self.stream_id, "stream id")
        if self.n_missing is not None and self.n_missing < 0:
            raise ValueError(f"gap in {self.stream_id}: {self.n_missing} missing samples")
        if self.t1_host_ns is not None and self.t1_host_ns < self.t0_host_ns:
            raise ValueError(f"gap in {self.stream_id} ends before it starts")
        if not self.cause:
            raise ValueError(f"gap in {self.stream_id} needs a cause")
