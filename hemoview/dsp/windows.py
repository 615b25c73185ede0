"""The last seconds of a stream by sample number, and the windows cut from them. A hole in the numbering ends a run:
a window with a gap is not a window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 10.0
HOP_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Samples ``[end_no - n, end_no)`` of a stream, none missing.

    Args:
        end_no: sample number after the last one.
        samples: ``(n, n_channels)`` physical units; None where the window is not whole.
        after_gap: the run began at a hole, not at the start of the stream.
    """

    end_no: int
    samples: NDArray[np.float64] | None
    after_gap: bool


class SampleRing:
    """The newest ``capacity`` samples of the run that is going on.

    Args:
        capacity: samples kept at least.
        n_channels: columns.
    """

    def __init__(self, capacity: int, n_channels: int = 1) -> None:
        self._held = np.empty((2 * capacity, n_channels))
        self._capacity = capacity
        self._stop = 0
        self.run_start_no = 0
        self.next_no = 0
        self.runs = 0
        self._cut = True

    def append(self, first_no: int, values: NDArray[np.float64]) -> bool:
        """Add consecutive samples ``(n, n_channels)``; what is already held is dropped. True if a new run began."""
        started_anew = first_no + len(values) <= self.next_no - self._capacity
        fresh = self._cut or first_no > self.next_no or started_anew
        if fresh:
            self.runs += 1
            self._cut = False
            self.run_start_no = self.next_no = first_no
            self._stop = 0
        new = values[max(0, self.next_no - first_no) :][-2 * self._capacity :]
        self.next_no = max(self.next_no, first_no + len(values))
        if self._stop + len(new) > len(self._held):
            kept = min(self._stop, self._capacity, len(self._held) - len(new))
            self._held[:kept] = self._held[self._stop - kept : self._stop]
            self._stop = kept
        self._held[self._stop : self._stop + len(new)] = new
        self._stop += len(new)
        return fresh

    def cut(self) -> None:
        """Samples were lost that nobody could count: what comes next is a new run."""
        self._cut = True

    @property
    def oldest_no(self) -> int:
        """Number of the oldest sample still held."""
        return self.next_no - self._stop

    def read(self, first_no: int, stop_no: int) -> NDArray[np.float64] | None:
        """A copy of samples ``[first_no, stop_no)``, or None where not all of them are held."""
        if first_no < max(self.run_start_no, self.oldest_no) or stop_no > self.next_no or stop_no <= first_no:
            return None
        base = self._stop - self.next_no
        return self._held[base + first_no : base + stop_no].copy()


class Windower:
    """Cuts a stream into windows that end at whole multiples of the hop, counted in sample numbers; so the windows
    do not depend on how the samples were chunked.

    Args:
        rate_hz: nominal rate.
        n_channels: columns.
    """

    def __init__(
        self, rate_hz: float, n_channels: int = 1, *, window_s: float = WINDOW_S, hop_s: float = HOP_S
    ) -> None:
        self.rate_hz = rate_hz
        self.n_window = round(window_s * rate_hz)
        self._hop = hop_s * rate_hz
        self.ring = SampleRing(2 * self.n_window, n_channels)

    def push(self, first_no: int, values: NDArray[np.float64]) -> Iterator[Window]:
        """Take consecutive samples ``(n, n_channels)``; yield what ends within them."""
        for start in range(0, len(values), self.n_window):
            part = values[start : start + self.n_window]
            before = self.ring.next_no
            fresh = self.ring.append(first_no + start, part)
            yield from self._ending(self.ring.run_start_no if fresh else before)

    def cut(self) -> None:
        """As :meth:`SampleRing.cut`."""
        self.ring.cut()

    def _ending(self, after_no: int) -> Iterator[Window]:
        ring = self.ring
        k = int(after_no // self._hop) + 1
        while (end_no := round(k * self._hop)) <= ring.next_no:
            if end_no > after_no:
                samples = ring.read(end_no - self.n_window, end_no)
                yield Window(end_no, samples, ring.runs > 1)
            k += 1
