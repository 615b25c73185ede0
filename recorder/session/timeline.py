"""Which moment of the session a stored number stands for. Pure.

Elapsed time begins at the session's first clock era. Host times of different eras are never subtracted: later eras
hang on their wall anchors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from recorder.clock import ClockEra, RunPoints, Timebase, fit_device
from recorder.schema import Gap
from recorder.session.manifest import SegmentRow
from recorder.session.points import ClockPoints, join_points, least_delayed

COUNTED_CAUSES = frozenset({"counter-jump", "checksum", "overrun"})
"""Gaps whose missing samples the device itself counted: numbering and time base go on through them."""

_FAR_S = 1e9
"""Beyond every session; stands for infinity where whole nanoseconds are computed."""


@dataclass(frozen=True)
class EraAxis:
    """Host times of every era on one axis of elapsed seconds.

    Args:
        eras: in order.
        starts_ns: elapsed ns at which each began, rising.
        before_ns: elapsed ns of the last arrival before each began.
    """

    eras: tuple[ClockEra, ...]
    starts_ns: tuple[int, ...]
    before_ns: tuple[int, ...]

    @classmethod
    def of(cls, eras: tuple[ClockEra, ...], last_ns: Mapping[int, int]) -> Self:
        """Eras placed by their wall clocks; one whose wall clock was set back begins where the former ended.

        Args:
            eras: in order.
            last_ns: host time of the last arrival in each era.
        """
        starts, ends = [0], [0]
        for before, era in pairwise(eras):
            ends.append(starts[-1] + last_ns.get(before.number, before.monotonic_ns) - before.monotonic_ns)
            starts.append(max(ends[-1], era.wall_ns - eras[0].wall_ns))
        return cls(eras, tuple(starts), tuple(ends))

    def t_s(self, t_host_ns: NDArray[np.int64], era: int) -> NDArray[np.float64]:
        """Elapsed seconds of host times of one era, any shape."""
        return (t_host_ns - self.eras[era].monotonic_ns + self.starts_ns[era]) / 1e9

    def moment_s(self, t_host_ns: int, era: int) -> float:
        """Elapsed seconds of one host time."""
        return (t_host_ns - self.eras[era].monotonic_ns + self.starts_ns[era]) / 1e9

    def since_s(self, t_host_ns: int, era: int) -> float:
        """As :meth:`moment_s`, of where something began: what an era began with has lasted since the one before ended.

        No host time says that: a machine that slept tells of it when it wakes, by a clock that slept as well.
        """
        if t_host_ns == self.eras[era].monotonic_ns:
            return self.before_ns[era] / 1e9
        return self.moment_s(t_host_ns, era)

    def t_host_ns(self, t_s: float, era: int) -> int:
        """Inverse of :meth:`t_s`."""
        return round(t_s * 1e9) - self.starts_ns[era] + self.eras[era].monotonic_ns

    def moment(self, t_s: float) -> tuple[int, int]:
        """Inverse of :meth:`moment_s`: host time and era of an elapsed time, in the last era begun by then."""
        begun = sum(start_ns <= t_s * 1e9 for start_ns in self.starts_ns)
        era = max(begun - 1, 0)
        return self.t_host_ns(t_s, era), era


@dataclass(frozen=True)
class Run:
    """A stretch of one stream that one time base holds for: samples ``first_no`` up to ``end_no``."""

    first_no: int
    end_no: int
    era: int
    timebase: Timebase


@dataclass(frozen=True)
class StreamTimes:
    """Sample number ↔ elapsed time of one waveform."""

    axis: EraAxis
    runs: tuple[Run, ...]

    def t_s(self, sample_no: NDArray[np.int64]) -> NDArray[np.float64]:
        """Elapsed seconds of each sample, ``(n,)``; ``sample_no`` rising."""
        times = np.full(sample_no.shape, np.nan)
        for run, start, stop in self._parts(sample_no):
            times[start:stop] = self.axis.t_s(run.timebase.t_ns(sample_no[start:stop]), run.era)
        return times

    def eras_of(self, sample_no: NDArray[np.int64]) -> NDArray[np.int64]:
        """Clock era of each sample."""
        eras = np.zeros(sample_no.shape, np.int64)
        for run, start, stop in self._parts(sample_no):
            eras[start:stop] = run.era
        return eras

    def sample_span(self, t0_s: float, t1_s: float) -> tuple[int, int]:
        """A first sample number, and one past a last, that enclose all samples in ``[t0_s, t1_s]`` (closely)."""
        firsts, ends = [], []
        for run in self.runs:
            low = self._number_at(run, t0_s) - 1
            high = self._number_at(run, t1_s) + 1
            holds = np.append(run.timebase.first_nos[1:], run.end_no)
            begins = np.append(run.first_no, run.timebase.first_nos[1:])
            some = (low < holds) & (high >= begins)
            firsts += np.maximum(low, begins)[some].tolist()
            ends += np.minimum(high + 1, holds)[some].tolist()
        return (int(min(firsts)), int(max(ends))) if firsts else (0, 0)

    def _number_at(self, run: Run, t_s: float) -> NDArray[np.int64]:
        """Sample taken at a time on the line of each piece of a run's time base, to the nearest."""
        base = run.timebase
        t_host_ns = self.axis.t_host_ns(min(max(t_s, -_FAR_S), _FAR_S), run.era)
        elapsed_ns = t_host_ns - np.asarray(base.anchors_ns, np.int64)
        steps = np.rint(elapsed_ns * (base.rate_hz / 1e9)).astype(np.int64)
        found: NDArray[np.int64] = np.asarray(base.anchor_nos, np.int64) + steps
        return found

    def _parts(self, sample_no: NDArray[np.int64]) -> list[tuple[Run, int, int]]:
        if not self.runs:
            return []
        firsts = [run.first_no for run in self.runs]
        cuts = [0, *np.searchsorted(sample_no, firsts[1:]).tolist(), len(sample_no)]
        return [(run, a, b) for run, a, b in zip(self.runs, cuts[:-1], cuts[1:], strict=True) if b > a]


def segment_edges_s(
    axis: EraAxis, row: SegmentRow, times: StreamTimes | None, rate_hz: float | None
) -> tuple[float, float]:
    """Elapsed time of what is in a file: of a waveform from its first sample to where the next would be."""
    if times is not None and rate_hz:
        first_s, last_s = times.t_s(np.array([row.first_no, row.next_no - 1])).tolist()
        if np.isfinite([first_s, last_s]).all():
            return first_s, last_s + 1.0 / rate_hz
    return axis.moment_s(row.t0_host_ns, row.era), axis.moment_s(row.t1_host_ns, row.era)


Stretches = list[tuple[int, ClockPoints]]
"""First sample and points of each run of a stream, in order."""


@dataclass(frozen=True)
class StreamPoints:
    """What is stored about the times of one waveform.

    Args:
        points: its clock points, of every block or thinned.
        gaps: its stored gaps.
        end_no: one past its last sample.
        rate_hz: its nominal rate.
        every_block: the points are not thinned and shall not be.
    """

    points: ClockPoints
    gaps: Sequence[Gap]
    end_no: int
    rate_hz: float
    every_block: bool

    def runs(self) -> Stretches:
        """Eras and gaps the device did not count itself end a run.

        Points are all or none thinned, or those that are not sealed yet would outweigh all the rest.
        """
        points, numbers = self.points, self.points.sample_no
        if not len(points):
            return []
        breaks = [g.first_missing_no + (g.n_missing or 0) for g in self.gaps if not _goes_on(g)]
        eras = np.flatnonzero(points.era[1:] != points.era[:-1]) + 1
        cuts = sorted({*np.searchsorted(numbers, breaks).tolist(), *eras.tolist()} - {0, len(points)})
        firsts = [0]
        for cut in cuts:
            begins = [b for b in breaks if numbers[cut - 1] < b <= numbers[cut]]
            firsts.append(max(begins, default=int(numbers[cut])))
        if not self.every_block:
            kept = least_delayed(points, self.rate_hz, cuts=cuts)
            points, cuts = points.where(kept), kept.searchsorted(cuts).tolist()
        parts = [points.where(slice(*ends)) for ends in pairwise([0, *cuts, len(points)])]
        return list(zip(firsts, parts, strict=True))


def fit_device_streams(axis: EraAxis, streams: Mapping[str, StreamPoints]) -> dict[str, StreamTimes]:
    """A time base for each run of all waveforms of one device, which share one drift in each era."""
    stretches = {name: stream.runs() for name, stream in streams.items()}
    runs: dict[str, list[Run]] = {name: [] for name in streams}
    for era in sorted({int(points.era[0]) for parts in stretches.values() for _, points in parts}):
        for name, bases in _bases_of_era(streams, stretches, era).items():
            for base in bases:
                k = len(runs[name])
                first = stretches[name][k][0]
                end = stretches[name][k + 1][0] if k + 1 < len(stretches[name]) else streams[name].end_no
                runs[name].append(Run(first, max(end, first + 1), era, base))
    return {name: StreamTimes(axis, tuple(found)) for name, found in runs.items()}


_FIRST_DATED_NS: Final = 365 * 86_400 * 10**9


def is_dated(wall_ns: int) -> bool:
    """Somebody knows the day of a moment, UTC ns since 1970: what nobody dated is counted from 1970 on."""
    return wall_ns >= _FIRST_DATED_NS


def slipped(times: Iterable[StreamTimes]) -> bool:
    """The numbering of a stream of a device seems to have slipped, or they do not share one drift.

    Then one point in 5 s is not enough to tell where: half a second of samples lost every minute looks like a drift.
    """
    bases = [(run.era, run.timebase) for stream in times for run in stream.runs]
    drifts = {(era, round(base.drift_ppm, 3)) for era, base in bases}
    return any(base.n_steps for _, base in bases) or len(drifts) > len({era for era, _ in bases})


def _bases_of_era(
    streams: Mapping[str, StreamPoints], stretches: Mapping[str, Stretches], era: int
) -> dict[str, list[Timebase]]:
    names, points = [], []
    for name, parts in stretches.items():
        there = [RunPoints(p.sample_no, p.n_samples, p.t_host_ns) for _, p in parts if int(p.era[0]) == era]
        if there:
            names.append(name)
            points.append((streams[name].rate_hz, there))
    return dict(zip(names, fit_device(points), strict=True))


def bridged(points: ClockPoints, known: Sequence[tuple[int, int, int, int, int]]) -> ClockPoints:
    """``points``, and where a file has none (its clock points are damaged) the two that its own row tells.

    Args:
        known: (first sample, one past the last, first arrival, last arrival, era) of each stored stretch.
    """
    edges = np.array([row[:2] for row in known], np.int64).reshape(-1, 2)
    at = np.searchsorted(points.sample_no, edges)
    bare = [row for row, (a, b) in zip(known, at, strict=True) if a == b]
    if not bare:
        return points
    firsts = [(first, 1, t0, era) for first, _, t0, _, era in bare]
    lasts = [(end - 1, 1, t1, era) for first, end, _, t1, era in bare if end - 1 > first]
    table = np.asarray(firsts + lasts, np.int64)
    joined = join_points([points, ClockPoints(*table.T)])
    return joined.where(np.argsort(joined.sample_no, kind="stable"))


def _goes_on(gap: Gap) -> bool:
    return gap.n_missing is not None and gap.cause in COUNTED_CAUSES
