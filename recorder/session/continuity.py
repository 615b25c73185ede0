"""Are all samples there? Sample numbers against stored gaps, across segments and journal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recorder.schema import Gap

Span = tuple[int, int]
"""First number, and one past the last."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive samples in one file."""

    first_no: int
    end_no: int
    file: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Samples ``first_no`` up to ``end_no`` are missing with no stored gap, or stored twice."""

    file: str
    first_no: int
    end_no: int
    twice: bool

    def __str__(self) -> str:
        span = f"samples {self.first_no} to {self.end_no - 1}"
        return f"{span} are stored twice" if self.twice else f"{span} are missing and no stored gap says why"


def faults(stretches: Sequence[Stretch], gaps: Sequence[Gap]) -> list[Fault]:
    """Every jump of the numbering that no gap explains, and every overlap; ``file`` is the one after it."""
    explained = sorted((g.first_missing_no, g.first_missing_no + (g.n_missing or 0)) for g in gaps)
    found = []
    end: int | None = None
    for stretch in sorted(stretches, key=lambda s: (s.first_no, s.end_no)):
        if end is not None and stretch.first_no < end:
            found.append(Fault(stretch.file, stretch.first_no, min(end, stretch.end_no), twice=True))
        if end is not None and stretch.first_no > end:
            holes = uncovered((end, stretch.first_no), explained)
            found += [Fault(stretch.file, a, b, twice=False) for a, b in holes]
        end = stretch.end_no if end is None else max(end, stretch.end_no)
    return found


def uncovered(hole: Span, covers: Sequence[Span]) -> list[Span]:
    """What of ``hole`` no span of ``covers`` (sorted) explains."""
    at, end = hole
    left = []
    for a, b in covers:
        if b > at and a < end:
            if a > at:
                left.append((at, a))
            at = max(at, b)
    if at < end:
        left.append((at, end))
    return left


def merged(spans: Sequence[Span]) -> list[Span]:
    """Spans joined where they touch or overlap."""
    joined: list[Span] = []
    for a, b in sorted(spans):
        if joined and a <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], b))
        else:
            joined.append((a, b))
    return joined
