"""The newest samples of one stream in numpy: drop-oldest, holes known, reads without copying."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class RingSlice:
    """Consecutive rows, oldest first: ``sample_no`` and ``t_ns`` int64 ``(n,)``, ``values`` ``(n, channels)``.

    The arrays are views: valid until the ring is written to again.
    """

    sample_no: NDArray[np.int64]
    t_ns: NDArray[np.int64]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return int(self.t_ns.size)

    def copy(self) -> RingSlice:
        """The same rows, safe to keep."""
        return RingSlice(self.sample_no.copy(), self.t_ns.copy(), self.values.copy())


class SampleRing:
    """Keeps at least the newest ``capacity`` rows; the numbering shows what is missing between them.

    The rows lie in one buffer of twice that length and are moved down when its end is reached, so a slice is
    always one contiguous view.
    """

    def __init__(self, capacity: int, n_channels: int) -> None:
        self.capacity = capacity
        self._sample_no = np.empty(2 * capacity, np.int64)
        self._t_ns = np.empty(2 * capacity, np.int64)
        self._values = np.empty((2 * capacity, n_channels), np.float32)
        self._end = 0
        self.restarts = 0

    def __len__(self) -> int:
        return min(self._end, self.capacity)

    @property
    def last_t_ns(self) -> int | None:
        """Time of the newest row, None while empty."""
        return int(self._t_ns[self._end - 1]) if self._end else None

    @property
    def last_sample_no(self) -> int | None:
        """Number of the newest row, None while empty."""
        return int(self._sample_no[self._end - 1]) if self._end else None

    def append(self, first_sample_no: int, t_ns: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        """Add rows ``first_sample_no …``: ``t_ns`` ``(n,)``, ``values`` ``(n, channels)``.

        A numbering that goes back is a new recording: what was kept is forgotten.
        """
        last = self.last_sample_no
        if last is not None and first_sample_no <= last:
            self.clear()
            self.restarts += 1
        skipped = max(0, t_ns.size - self.capacity)
        t_ns, values = t_ns[skipped:], values[skipped:]
        start = self._room_for(t_ns.size)
        stop = start + t_ns.size
        self._sample_no[start:stop] = np.arange(t_ns.size) + first_sample_no + skipped
        self._t_ns[start:stop] = t_ns
        self._values[start:stop] = values
        self._end = stop

    def prepend(self, rows: RingSlice) -> None:
        """Put older rows before what is kept; rows not older are passed over, the oldest go where room ends."""
        kept = self.newest(self.capacity).copy()
        older = rows.sample_no < kept.sample_no[0] if len(kept) else np.ones(len(rows), np.bool_)
        numbers = np.concatenate((rows.sample_no[older], kept.sample_no))[-self.capacity :]
        t_ns = np.concatenate((rows.t_ns[older], kept.t_ns))[-self.capacity :]
        values = np.concatenate((rows.values[older], kept.values))[-self.capacity :]
        self._end = numbers.size
        self._sample_no[: self._end], self._t_ns[: self._end] = numbers, t_ns
        self._values[: self._end] = values

    def since(self, t_ns: int) -> RingSlice:
        """Rows later than ``t_ns``."""
        first = self._end - len(self)
        start = first + int(np.searchsorted(self._t_ns[first : self._end], t_ns, side="right"))
        return self._slice(start)

    def newest(self, n_rows: int) -> RingSlice:
        """The last ``n_rows`` rows, fewer where there are fewer."""
        return self._slice(self._end - min(n_rows, len(self)))

    def clear(self) -> None:
        """Forget every row."""
        self._end = 0

    def _slice(self, start: int) -> RingSlice:
        rows = slice(start, self._end)
        return RingSlice(self._sample_no[rows], self._t_ns[rows], self._values[rows])

    def _room_for(self, n_rows: int) -> int:
        if self._end + n_rows > 2 * self.capacity:
            kept = self.capacity - n_rows
            rows = slice(self._end - kept, self._end)
            for buffer in (self._sample_no, self._t_ns, self._values):
                buffer[:kept] = buffer[rows]
            self._end = kept
        return self._end
