"""Numbers of a session in slots: medians, summaries, agreement, spells outside a range. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemoview.report.session.facts import SLOT_S, Agreement, Finding, Summary, rounded

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One source of one parameter, row by row in order of time.

    Args:
        t_s: ``(n,)`` elapsed seconds.
        value: ``(n,)``, NaN where there is nothing to count.
        low, high: ``(n,)`` of the 90 % interval; empty = a source without.
        why: ``(n,)`` code of the reason for nothing, 0 = none; empty = a source without.
        simulated: what counts here was learned from simulation alone.
        told: ``(n,)`` the value had been personalised by the reference; empty = never.
    """

    t_s: F64
    value: F64
    low: F64
    high: F64
    why: NDArray[np.int64]
    simulated: bool = False
    told: Bools | None = None


def slots_of(t_s: F64, value: F64, length_s: float, n_slots: int) -> tuple[F64, NDArray[np.int64]]:
    """Median and count of the finite values of each slot, ``(n_slots,)``; NaN where there is none."""
    kept = np.isfinite(value) & (t_s >= 0) & (t_s < n_slots * length_s)
    slot = (t_s[kept] / length_s).astype(np.int64)
    order = np.lexsort((value[kept], slot))
    slot, value = slot[order], value[kept][order]
    count = np.bincount(slot, minlength=n_slots)
    first = np.cumsum(count) - count
    full = count > 0
    median = np.full(n_slots, np.nan)
    lower, upper = first[full] + (count[full] - 1) // 2, first[full] + count[full] // 2
    median[full] = (value[lower] + value[upper]) / 2
    return median, count


def n_slots(duration_s: float, length_s: float = SLOT_S) -> int:
    """Slots that a session touches; at least one."""
    return max(1, int(np.ceil(duration_s / length_s)))


def within(t_s: F64, spans: Sequence[Span]) -> Bools:
    """Which times lie in any of the spans, ``(n,)``."""
    inside = np.zeros(len(t_s), np.bool_)
    for start, end in spans:
        inside |= (t_s >= start) & (t_s < end)
    return inside


def summary(parameter: str, series: Series, duration_s: float, names: Sequence[str] = ()) -> Summary:
    """Mean, median and range of the slots of a session.

    Args:
        names: of the reasons, by code − 1.
    """
    n = n_slots(duration_s)
    median = slots_of(series.t_s, series.value, SLOT_S, n)[0]
    known = median[np.isfinite(median)]
    width = None
    if series.low.size:
        widths = (series.high - series.low)[np.isfinite(series.high - series.low)]
        width = rounded(parameter, float(np.median(widths))) if widths.size else None
    numbers = (known.mean(), np.median(known), known.min(), known.max()) if known.size else (None,) * 4
    mean, middle, lowest, highest = (None if v is None else rounded(parameter, v) for v in numbers)
    return Summary(
        valid=round(len(known) / n, 3),
        n=len(known),
        mean=mean,
        median=middle,
        lowest=lowest,
        highest=highest,
        width=width,
        simulated=series.simulated,
        why=reasons(series.why, names),
    )


def reasons(why: NDArray[np.int64], names: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Reasons of nothing, with the share of rows that gave each, the most frequent first."""
    if not why.size:
        return ()
    count = np.bincount(np.clip(why, 0, len(names)), minlength=len(names) + 1)[1:]
    order = sorted((i for i in range(len(names)) if count[i]), key=lambda i: (-count[i], i))
    return tuple((names[i], round(float(count[i] / len(why)), 3)) for i in order)


def agreement(parameter: str, estimate: Series, reference: Series, duration_s: float) -> Agreement | None:
    """Differences of the slots that have both; None below two of them."""
    n = n_slots(duration_s)
    value, beside = (slots_of(s.t_s, s.value, SLOT_S, n)[0] for s in (estimate, reference))
    both = np.isfinite(value) & np.isfinite(beside)
    if both.sum() < 2:
        return None
    difference = (value - beside)[both]
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    inside = None
    if estimate.low.size:
        low, high = (slots_of(estimate.t_s, end, SLOT_S, n)[0] for end in (estimate.low, estimate.high))
        claimed = both & np.isfinite(low) & np.isfinite(high)
        if claimed.any():
            hit = (beside >= low) & (beside <= high)
            inside = round(float(hit[claimed].mean()), 3)
    told = np.zeros(n)
    if estimate.told is not None:
        told = np.nan_to_num(slots_of(estimate.t_s, estimate.told.astype(np.float64), SLOT_S, n)[0])
    low_limit, high_limit = bias - 1.96 * sd, bias + 1.96 * sd
    return Agreement(
        n=int(both.sum()),
        bias=rounded(parameter, bias),
        sd=rounded(parameter, sd),
        low=rounded(parameter, low_limit),
        high=rounded(parameter, high_limit),
        inside=inside,
        told=round(float((told[both] >= 0.5).mean()), 3),
    )


def findings(parameter: str, source: str, series: Series, ends: Span, duration_s: float) -> list[Finding]:
    """How long a source was above and below a range, or that it never was; nothing where it has no value."""
    median = slots_of(series.t_s, series.value, SLOT_S, n_slots(duration_s))[0]
    known = np.isfinite(median)
    if not known.any():
        return []
    of_s, found = float(known.sum() * SLOT_S), []
    for side, outside in (("above", median > ends[1]), ("below", median < ends[0])):
        if outside.any():
            seconds, spells, longest_s = _spells(outside)
            found.append(Finding(parameter, source, side, *ends, seconds, of_s, spells, longest_s))
    if not found:
        found.append(Finding(parameter, source, "within", *ends, of_s, of_s, 0, 0.0))
    return found


def _spells(outside: Bools) -> tuple[float, int, float]:
    """Seconds, unbroken runs, and seconds of the longest."""
    edges = np.flatnonzero(np.diff(outside.astype(np.int8), prepend=0, append=0))
    lengths = edges[1::2] - edges[::2]
    return float(outside.sum() * SLOT_S), len(lengths), float(lengths.max() * SLOT_S)
