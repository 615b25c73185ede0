"""What an analogue pressure signal must not be: a rectangle, a flat line, stuck at the end of the converter.

Small streaming classes over raw counts: samples in, findings out, no clock. A monitor puts a rectangular signal on
its output while it calibrates or changes fingers (CNAP manual, second-hand; PhysioData Toolbox cuts such segments).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

FindingKind = Literal["square-wave", "flat-line", "saturation", "invalid-value"]

FLAT_S: Final = 2.0
PLATEAU_S: Final = 0.15
"""A plateau: within 0.5 % of the range for so long. Run-off in diastole may be one; it has no steep edge."""
EDGE_S: Final = 0.04
QUIET_S: Final = 2.0
"""A rectangle or a saturation is over when it has not been seen for so long."""
MIN_EDGES: Final = 3
SATURATED_S: Final = 0.03
FALLBACK_SPAN: Final = 4096
"""Range of counts where a profile tells none: 12 bits."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something began (``last_no`` None) or ended.

    Args:
        kind: what.
        first_no: sample at which it began.
        last_no: its last sample.
    """

    kind: FindingKind
    first_no: int
    last_no: int | None = None


class Detector(Protocol):
    """Counts in, findings out."""

    def feed(self, sample_no: int, count: int) -> Finding | None:
        """One sample; a hole in the numbering is allowed."""
        ...


class FlatLine:
    """Counts that stay within ``tolerance`` for 2 s; over when they have not for 4 s. A slow drift stays one finding.

    Args:
        rate_hz: samples a second.
        tolerance: counts between lowest and highest.
    """

    def __init__(self, rate_hz: float, tolerance: int) -> None:
        self._tolerance = tolerance
        self._needed = round(FLAT_S * rate_hz)
        self._low = self._high = self._first = 0
        self._last: int | None = None
        self._began: int | None = None
        self._flat_until = 0

    def feed(self, sample_no: int, count: int) -> Finding | None:
        """See :class:`Detector`."""
        before, self._last = self._last, sample_no
        low, high = min(self._low, count), max(self._high, count)
        if before is None or high - low > self._tolerance:
            self._low = self._high = count
            self._first = sample_no
            return self._over(sample_no)
        self._low, self._high = low, high
        if sample_no - self._first < self._needed:
            return self._over(sample_no)
        self._flat_until = sample_no
        if self._began is not None:
            return None
        self._began = self._first
        return Finding("flat-line", self._first)

    def _over(self, sample_no: int) -> Finding | None:
        if self._began is None or sample_no - self._flat_until <= 2 * self._needed:
            return None
        began, self._began = self._began, None
        return Finding("flat-line", began, self._flat_until)


class SquareWave:
    """Plateaus joined by steep, high edges that go up and down in turn.

    Args:
        rate_hz: samples a second.
        tolerance: counts a plateau may vary.
        min_edge: counts an edge is high at least.
    """

    def __init__(self, rate_hz: float, tolerance: int, min_edge: int) -> None:
        self._tolerance, self._min_edge = tolerance, min_edge
        self._plateau = max(3, round(PLATEAU_S * rate_hz))
        self._edge = max(2, round(EDGE_S * rate_hz))
        self._quiet = round(QUIET_S * rate_hz)
        self._low = self._high = self._first = 0
        self._last: int | None = None
        self._before: tuple[int, int, int] | None = None  # first, last sample and level of the plateau before
        self._edges = 0
        self._rising = False
        self._began = 0
        self._seen = 0
        self._found = False

    def feed(self, sample_no: int, count: int) -> Finding | None:
        """See :class:`Detector`."""
        previous, self._last = self._last, sample_no
        if previous is None:
            self._restart(sample_no, count)
            return None
        low, high = min(self._low, count), max(self._high, count)
        if high - low <= self._tolerance:
            self._low, self._high = low, high
            return self._plateau_grows(sample_no)
        if previous - self._first >= self._plateau:
            self._before = (self._first, previous, (self._low + self._high) // 2)
            if self._found and self._first <= self._seen:  # the plateau after the newest edge belongs to it
                self._seen = previous
        self._restart(sample_no, count)
        return self._over(sample_no)

    def _restart(self, sample_no: int, count: int) -> None:
        self._low = self._high = count
        self._first = sample_no

    def _plateau_grows(self, sample_no: int) -> Finding | None:
        """A run that has just become a plateau: was there an edge before it?"""
        ripe = sample_no - self._first >= self._plateau
        if ripe and self._before is not None and self._is_edge():
            return self._edge_seen(sample_no)
        return self._over(sample_no)

    def _is_edge(self) -> bool:
        assert self._before is not None
        level = (self._low + self._high) // 2
        steep = self._first - self._before[1] <= self._edge
        return steep and abs(level - self._before[2]) >= self._min_edge

    def _edge_seen(self, sample_no: int) -> Finding | None:
        assert self._before is not None
        rising = (self._low + self._high) // 2 > self._before[2]
        alternates = self._edges > 0 and rising != self._rising and sample_no - self._seen <= self._quiet
        if not alternates:
            self._edges, self._began = 0, self._before[0]
        self._edges += 1
        self._rising, self._seen, self._before = rising, sample_no, None
        if self._found or self._edges < MIN_EDGES:
            return None
        self._found = True
        return Finding("square-wave", self._began)

    def _over(self, sample_no: int) -> Finding | None:
        if not self._found or sample_no - self._seen <= self._quiet:
            return None
        self._found, self._edges = False, 0
        return Finding("square-wave", self._began, self._seen)


class Beyond:
    """Counts for which ``is_bad`` holds, for at least ``needed`` samples; over after 2 s without.

    Args:
        kind: what to call it.
        rate_hz: samples a second.
        needed: samples in a row.
        low, high: counts at or beyond these are bad.
        bad: single bad counts.
    """

    def __init__(
        self,
        kind: FindingKind,
        rate_hz: float,
        needed: int,
        *,
        low: int | None = None,
        high: int | None = None,
        bad: Sequence[int] = (),
    ) -> None:
        self._kind, self._needed = kind, needed
        self._low, self._high, self._bad = low, high, frozenset(bad)
        self._quiet = round(QUIET_S * rate_hz)
        self._run = 0
        self._first = self._seen = 0
        self._found = False

    def feed(self, sample_no: int, count: int) -> Finding | None:
        """See :class:`Detector`."""
        if self._is_bad(count):
            if self._run == 0 and not self._found:
                self._first = sample_no
            self._run += 1
            self._seen = sample_no
            if self._found or self._run < self._needed:
                return None
            self._found = True
            return Finding(self._kind, self._first)
        self._run = 0
        if not self._found or sample_no - self._seen <= self._quiet:
            return None
        self._found = False
        return Finding(self._kind, self._first, self._seen)

    def _is_bad(self, count: int) -> bool:
        if self._low is not None and count <= self._low:
            return True
        return (self._high is not None and count >= self._high) or count in self._bad


class ChannelWatch:
    """All detectors of one channel. A count that means "no value" goes to its own detector only.

    Args:
        rate_hz: samples a second.
        saturation: lowest and highest count of the converter, if known.
        invalid: counts that mean "no value".
    """

    def __init__(
        self, rate_hz: float, saturation: tuple[int, int] | None = None, invalid: Sequence[int] = ()
    ) -> None:
        span = saturation[1] - saturation[0] if saturation else FALLBACK_SPAN
        tolerance = max(2, span // 200)
        self._invalid = frozenset(invalid)
        self._missing = Beyond("invalid-value", rate_hz, 1, bad=invalid)
        self._detectors: list[Detector] = [
            FlatLine(rate_hz, tolerance),
            SquareWave(rate_hz, tolerance, max(2, span // 40)),
        ]
        if saturation is not None:
            needed = max(2, round(SATURATED_S * rate_hz))
            low, high = saturation
            self._detectors.append(Beyond("saturation", rate_hz, needed, low=low, high=high))

    def feed(self, first_no: int, counts: Sequence[int]) -> Iterator[Finding]:
        """Consecutive samples from ``first_no``."""
        for sample_no, count in enumerate(counts, start=first_no):
            if self._invalid:
                finding = self._missing.feed(sample_no, count)
                if finding is not None:
                    yield finding
                if count in self._invalid:
                    continue
            for detector in self._detectors:
                finding = detector.feed(sample_no, count)
                if finding is not None:
                    yield finding
