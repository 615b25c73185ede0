"""When was each sample taken? Fitted afterwards, from raw clock points, by pure functions.

A block cannot have arrived before its last sample was taken, so jitter only ever delays: the true line from
sample number to time lies *under* all points. Of all lines under the points we take the one with the smallest
summed distance, which is an edge of the lower convex hull (Moon, Skelly & Towsley, INFOCOM 1999: estimation and
removal of clock skew). Where the numbering slipped (samples lost that nobody counted, a source that re-anchored
its stamps) the line may step; all pieces share one rate, and so do all streams of one device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.clock.envelope import pieces_of
from recorder.clock.shared import Evidence, Slope, shared_slopes
from recorder.clock.steps import median, sizes_of, step_starts

MIN_SPAN_S = 20.0
"""Shorter runs are not searched for steps."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Timebase:
    """Sample number → host monotonic time, for one run of one clock era.

    The times are those of the fastest deliveries: a constant delay of the link cannot be told from an offset.

    Args:
        nominal_rate_hz: what the maker says.
        rate_hz: fitted; exactly nominal until the arrivals say more than that crystals are good (about 50 ppm).
        first_nos: ``(n_pieces,)`` sample number from which each piece holds, rising.
        anchor_nos, anchors_ns: ``(n_pieces,)`` a sample number and its host time, ns, on each piece's line.
        residual_ms: median of arrival − fitted time of the last sample of a block: the typical delay.
        n_points: clock points of this run.
        drift_error_ppm: the true drift is within so much of :attr:`drift_ppm` with 95 %, if the delays of blocks
            are independent (a congestion of minutes is not) and the crystal is steady. 150 before any evidence.
    """

    nominal_rate_hz: float
    rate_hz: float
    first_nos: tuple[int, ...]
    anchor_nos: tuple[int, ...]
    anchors_ns: tuple[int, ...]
    residual_ms: float
    n_points: int
    drift_error_ppm: float

    @property
    def drift_ppm(self) -> float:
        """How much faster (+) than nominal the device samples, measured by the host clock, 1e-6."""
        return (self.rate_hz / self.nominal_rate_hz - 1.0) * 1e6

    @property
    def n_steps(self) -> int:
        """How often the numbering slipped against time."""
        return len(self.first_nos) - 1

    def t_ns(self, sample_no: NDArray[np.integer] | int) -> Ints:
        """Host monotonic time, ns int64, at which each sample was taken; any shape."""
        numbers = np.asarray(sample_no, dtype=np.int64)
        piece = np.clip(np.searchsorted(self.first_nos, numbers, side="right") - 1, 0, None)
        elapsed = (numbers - np.asarray(self.anchor_nos)[piece]) * (1e9 / self.rate_hz)
        times: Ints = np.asarray(self.anchors_ns)[piece] + np.rint(elapsed).astype(np.int64)
        return times


@dataclass(frozen=True, slots=True, eq=False)
class RunPoints:
    """Clock points of one run: same stream and era, numbering unbroken or broken by a known number of samples.

    Args:
        sample_no: ``(n,)`` first sample of each block, rising.
        n_samples: ``(n,)`` samples in each block.
        t_host_ns: ``(n,)`` arrival of each block, host monotonic ns.

    Raises:
        ValueError: no points, or arrays of different length.
    """

    sample_no: NDArray[np.integer]
    n_samples: NDArray[np.integer]
    t_host_ns: NDArray[np.integer]

    def __post_init__(self) -> None:
        shapes = {np.shape(self.sample_no), np.shape(self.n_samples), np.shape(self.t_host_ns)}
        if len(shapes) > 1 or len(min(shapes)) != 1 or min(shapes) == (0,):
            raise ValueError(
                f"a time base needs (n>0,) points, got {np.shape(self.sample_no)} numbers, "
                f"{np.shape(self.n_samples)} lengths and {np.shape(self.t_host_ns)} times"
            )


def fit_timebase(
    sample_no: NDArray[np.integer],
    n_samples: NDArray[np.integer],
    t_host_ns: NDArray[np.integer],
    nominal_rate_hz: float,
) -> Timebase:
    """Fit the clock points of one run by themselves; see :class:`RunPoints` and :func:`fit_device`.

    Raises:
        ValueError: no points, or arrays of different length.
    """
    return fit_device([(nominal_rate_hz, [RunPoints(sample_no, n_samples, t_host_ns)])])[0][0]


def fit_device(streams: Sequence[tuple[float, Sequence[RunPoints]]]) -> list[list[Timebase]]:
    """Fit all streams of one device in one clock era: one drift for all, offsets and steps for each run.

    A stream that contradicts the drift of the others keeps its own (:mod:`recorder.clock.shared` has the rule).

    Args:
        streams: of each its nominal rate, Hz, and its runs, of which there is at least one.

    Returns:
        A time base for each run of each stream.
    """
    lines = [[_Lines.of(run, rate_hz) for run in runs] for rate_hz, runs in streams]
    evidence = [Evidence.of([piece for run in runs for piece in run.pieces()]) for runs in lines]
    slopes = shared_slopes(evidence)
    return [[run.timebase(slope) for run in runs] for runs, slope in zip(lines, slopes, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """A run as points of nominal time and delay since its first, s, and the first point of each piece."""

    run: RunPoints
    last: Ints
    nominal_rate_hz: float
    x_s: Floats
    late_s: Floats
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, run: RunPoints, nominal_rate_hz: float) -> _Lines:
        last = np.asarray(run.sample_no, dtype=np.int64) + np.asarray(run.n_samples, dtype=np.int64) - 1
        arrival = np.asarray(run.t_host_ns, dtype=np.int64)
        x_s = (last - last[0]) / nominal_rate_hz
        late_s = (arrival - arrival[0]) / 1e9 - x_s
        long = x_s[-1] >= MIN_SPAN_S
        starts = step_starts(x_s, late_s, _blocks_a_point(run, last)) if long else np.zeros(1, dtype=np.intp)
        return cls(run, last, nominal_rate_hz, x_s, late_s, starts)

    def pieces(self) -> list[tuple[Floats, Floats]]:
        return pieces_of(self.x_s, self.late_s, self.starts)

    def timebase(self, slope: Slope) -> Timebase:
        """The highest lines of a slope under the points."""
        above = self.late_s - slope.value * self.x_s
        offsets = np.minimum.reduceat(above, self.starts)
        sizes = sizes_of(self.starts, self.last.size)
        anchors_s = offsets + (1.0 + slope.value) * self.x_s[self.starts]
        anchors_ns = int(self.run.t_host_ns[0]) + np.rint(anchors_s * 1e9).astype(np.int64)
        return Timebase(
            nominal_rate_hz=float(self.nominal_rate_hz),
            rate_hz=float(self.nominal_rate_hz / (1.0 + slope.value)),
            first_nos=tuple(int(v) for v in np.asarray(self.run.sample_no)[self.starts]),
            anchor_nos=tuple(int(v) for v in self.last[self.starts]),
            anchors_ns=tuple(int(v) for v in anchors_ns),
            residual_ms=median(above - np.repeat(offsets, sizes)) * 1e3,
            n_points=int(self.last.size),
            drift_error_ppm=max(slope.high - slope.value, slope.value - slope.low) * 1e6,
        )


def _blocks_a_point(run: RunPoints, last: Ints) -> float:
    """Of how many blocks each point is the earliest: 1 where every block has left its point."""
    spacing = (last[-1] - last[0]) / max(last.size - 1, 1)
    return max(float(spacing / median(run.n_samples)), 1.0)
