"""Trends of a session as drawings: band and line of the estimate, dots of the reference, hatched where there is none.

Letters in them are those every language shares: parameters, units, times of day, numbers of markers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.report.plots import drawn
from hemoview.report.session.facts import GROUPS, UNITS, WATERMARKS, Facts, Trend
from recorder.session.timeline import is_dated

F64 = NDArray[np.float64]

SIZE_INCH: Final = (7.6, 2.05)
TALL_INCH: Final = (7.6, 2.9)
HALF_INCH: Final = (4.6, 2.2)
BROAD: Final = ("pressure", "heart")
"""Groups drawn over the width of the sheet; two of the others stand beside each other."""
ESTIMATE, BAND, REFERENCE, CUFF, HATCH = "#1f5f8b", "#9fc3dd", "#1a1a1a", "#7a3b00", "#9a9a9a"
TICKS_S: Final = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400)
MOST_TICKS: Final = 9
MOST_NUMBERS: Final = 30
"""More numbers of markers than this lie on each other; the lines stay."""


def trend_plots(facts: Facts, *, as_pictures: bool) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """(group, its parameters, drawing) of everything that has a value; pressures share one."""
    known = {t.parameter: t for t in facts.trends if _has_values(t)}
    for group, parameters in GROUPS.items():
        there = [p for p in parameters if p in known]
        panels = [there] if group in ("pressure", "fluid") else [[p] for p in there]
        for names in panels:
            if names:
                size = TALL_INCH if len(names) > 1 else SIZE_INCH
                size = size if group in BROAD else HALF_INCH
                yield (
                    group,
                    tuple(names),
                    _drawn(facts, [known[n] for n in names], size, as_pictures=as_pictures),
                )


def _has_values(trend: Trend) -> bool:
    return any(v is not None for v in (*trend.estimate, *trend.reference))


def _drawn(
    facts: Facts, trends: Sequence[Trend], size_inch: tuple[float, float], *, as_pictures: bool
) -> str:
    session, names = facts.session, ", ".join(t.parameter for t in trends)
    return drawn(
        lambda axes: _draw(axes, facts, trends),
        simulated=session.simulated or session.replayed,
        mark=WATERMARKS["simulated" if session.simulated else "replayed"],
        name="trend-" + "-".join(t.parameter for t in trends),
        title=f"{names}, {UNITS[trends[0].parameter]}",
        as_picture=as_pictures,
        size_inch=size_inch,
    )


def _draw(axes: Any, facts: Facts, trends: Sequence[Trend]) -> None:
    end_s = facts.session.duration_s
    for trend in trends:
        _lines(axes, trend, facts.trend_step_s)
    if trends[0].parameter == "SBP" or any(t.parameter in ("MAP", "DBP") for t in trends):
        _cuffs(axes, facts)
    for start, stop in _nothing(trends, facts):
        axes.axvspan(start, min(stop, end_s), facecolor="none", edgecolor=HATCH, hatch="////", linewidth=0)
    top = axes.get_xaxis_transform()
    for n, mark in enumerate(facts.markers, 1):
        axes.axvline(mark.t_s, color="#8a8a8a", linewidth=0.6, linestyle=(0, (2, 2)))
        if len(facts.markers) <= MOST_NUMBERS:
            axes.text(mark.t_s, 1.0, f"{n}", transform=top, size=6.5, ha="center", va="bottom")
    ticks = _ticks(facts, MOST_TICKS if axes.figure.get_size_inches()[0] > HALF_INCH[0] else MOST_TICKS // 2)
    axes.set_xticks([t for t, _ in ticks], [label for _, label in ticks])
    axes.set(xlim=(0, max(end_s, 1.0)), ylabel=UNITS[trends[0].parameter])


def _lines(axes: Any, trend: Trend, step_s: int) -> None:
    estimate, low, high, reference = (
        np.array([np.nan if v is None else v for v in values], np.float64)
        for values in (trend.estimate, trend.low, trend.high, trend.reference)
    )
    ends: list[tuple[float, str]] = []
    if low.size:
        axes.fill_between(_middles(low, step_s), low, high, color=BAND, alpha=0.5, linewidth=0)
    if np.isfinite(estimate).any():
        axes.plot(
            _middles(estimate, step_s), estimate, color=ESTIMATE, linewidth=1.2, marker=_lone(estimate), ms=2
        )
        ends.append((float(estimate[np.isfinite(estimate)][-1]), ESTIMATE))
    if np.isfinite(reference).any():
        axes.plot(
            _middles(reference, step_s),
            reference,
            color=REFERENCE,
            linestyle="none",
            marker="o",
            ms=1.9,
            mew=0,
        )
        ends.append((float(reference[np.isfinite(reference)][-1]), REFERENCE))
    axes.annotate(
        trend.parameter,
        (1.004, ends[0][0]),
        xycoords=("axes fraction", "data"),
        size=8,
        va="center",
        color=ends[0][1],
    )


def _middles(values: F64, step_s: int) -> F64:
    return np.asarray((np.arange(len(values)) + 0.5) * step_s)


def _lone(values: F64) -> str:
    """A point without a neighbour would not be seen as a line."""
    known = np.isfinite(values)
    padded = np.concatenate(([False], known, [False]))
    return "." if (known & ~padded[:-2] & ~padded[2:]).any() else ""


def _cuffs(axes: Any, facts: Facts) -> None:
    for cuff in facts.cuffs:
        shade = "#b0b0b0" if cuff.withdrawn_s is not None else CUFF
        axes.plot(
            [cuff.t_s] * 2, [cuff.dbp_mmhg, cuff.sbp_mmhg], color=shade, linewidth=0.8, marker="x", ms=4
        )


def _nothing(trends: Sequence[Trend], facts: Facts) -> list[tuple[float, float]]:
    """Where nothing stands: of the estimate, else of the reference."""
    values = trends[0].estimate if any(v is not None for v in trends[0].estimate) else trends[0].reference
    missing = np.array([v is None for v in values], np.int8)
    edges = np.flatnonzero(np.diff(missing, prepend=0, append=0)) * float(facts.trend_step_s)
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _ticks(facts: Facts, most: int) -> list[tuple[float, str]]:
    """Elapsed seconds and time of day at round times of the clock on the wall; of an undated session, of its own."""
    session = facts.session
    begin = session.start_wall_ns / 1e9 + session.utc_offset_s if is_dated(session.start_wall_ns) else 0.0
    step = next((s for s in TICKS_S if session.duration_s / s <= most), 7 * TICKS_S[-1])
    first = -(-begin // step) * step
    times = np.arange(first, begin + session.duration_s, step)
    return [(float(t - begin), f"{int(t % 86_400) // 3600:02d}:{int(t % 3600) // 60:02d}") for t in times]
