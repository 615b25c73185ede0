"""How long a sample takes from its arrival at the host to the end of the paint that shows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import numpy as np

KEPT: Final = 60_000
"""Of each figure, the newest: half an hour of frames. A window that stays open for days must not grow (soak)."""


class LatencyRecorder:
    """Remembers the newest times; percentiles on demand. Holds for a clock that runs at ×1 only."""

    def __init__(self, capacity: int = KEPT) -> None:
        self._arrived_ns: deque[int] = deque(maxlen=capacity)
        self._shown_ns: deque[int] = deque(maxlen=capacity)
        self._painted_ns: deque[int] = deque(maxlen=capacity)

    def painted(self, arrivals_ns: Iterable[int], end_ns: int) -> None:
        """A paint ended at ``end_ns``; it was the first to show the blocks that arrived at ``arrivals_ns``."""
        self._painted_ns.append(end_ns)
        for arrived in arrivals_ns:
            self._arrived_ns.append(arrived)
            self._shown_ns.append(end_ns)

    def between(self, start_ns: int, stop_ns: int) -> LatencyRecorder:
        """What was painted from ``start_ns`` until before ``stop_ns``, of the clock :meth:`painted` was told."""
        part = LatencyRecorder()
        part._painted_ns.extend(t for t in self._painted_ns if start_ns <= t < stop_ns)
        for arrived, shown in zip(self._arrived_ns, self._shown_ns, strict=True):
            if start_ns <= shown < stop_ns:
                part._arrived_ns.append(arrived)
                part._shown_ns.append(shown)
        return part

    @property
    def n_blocks(self) -> int:
        """Blocks measured."""
        return len(self._shown_ns)

    def percentile_ms(self, q: float) -> float | None:
        """Sample-to-screen time, ms, below which ``q`` percent lie; None before the first paint."""
        return float(np.percentile(self.shown_ms(), q)) if self._shown_ns else None

    def shown_ms(self) -> list[float]:
        """Every sample-to-screen time kept, ms."""
        return [
            (shown - arrived) / 1e6 for arrived, shown in zip(self._arrived_ns, self._shown_ns, strict=True)
        ]

    def frames_per_s(self) -> float | None:
        """Paints a second between the first and the last."""
        if len(self._painted_ns) < 2:
            return None
        return (len(self._painted_ns) - 1) * 1e9 / (self._painted_ns[-1] - self._painted_ns[0])

    def longest_frame_ms(self) -> float | None:
        """Longest time between two paints."""
        if len(self._painted_ns) < 2:
            return None
        return float(np.diff(np.fromiter(self._painted_ns, np.int64)).max() / 1e6)

    def summary(self) -> dict[str, float | int | None]:
        """What the demo and the benchmark report."""
        return {
            "frames_per_s": self.frames_per_s(),
            "sample_to_screen_p50_ms": self.percentile_ms(50),
            "sample_to_screen_p99_ms": self.percentile_ms(99),
            "blocks": self.n_blocks,
            "longest_frame_ms": self.longest_frame_ms(),
        }
