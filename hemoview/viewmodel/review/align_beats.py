"""What the alignment panel draws: beats of both devices around the cursor, and how far they are apart all along.

Pure: times in, frozen pictures out. Beats of the pressure are placed on the pulse's time axis before they come here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.beat_train import nearest

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

MATCH_S = 0.35
"""Beats further apart are no pair: half of the shortest beat interval that is told apart from its neighbour."""
CLOSE_S = 0.06
"""A pair within this counts as matched (methods §E.3: the tolerance the fit ends with)."""
BESIDE_S = 3.0
"""So much is shown on either side of the cursor."""
LEAST_RANGE_MS, MOST_RANGE_MS = 60.0, 350.0
MOST_DOTS = 20_000
"""Residuals drawn at most; of more, evenly chosen ones are."""


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """Beats of one device around the cursor: times ``(n,)`` on the picture's axis, whether each has a partner."""

    t_s: Floats
    matched: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class BeatsPicture:
    """Both devices around the cursor. ``joins``: ``(k, 2)`` times of pulse and pressure of each pair."""

    t0_s: float
    t1_s: float
    cursor_s: float
    pulse: Lane
    pressure: Lane
    joins: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ResidualPicture:
    """Pulse minus pressure of every pair of the session.

    Args:
        t_s: ``(m,)`` when, on the pulse's axis.
        ms: ``(m,)`` how far apart, ms; 0 is what the alignment says.
        within_ms: those within ± this are matched.
        range_ms: half height of the plot; what lies beyond is drawn at its edge.
        gaps: stretches without samples of either device.
        breaks_s: where one piece of the alignment ends and the next begins.
        duration_s: length of the axis.
    """

    t_s: Floats
    ms: Floats
    within_ms: float
    range_ms: float
    gaps: tuple[tuple[float, float], ...]
    breaks_s: tuple[float, ...]
    duration_s: float


def pairs(one_s: Floats, other_s: Floats, within_s: float = MATCH_S) -> tuple[Places, Places]:
    """Beats that are each other's nearest, as places in ``one_s`` and in ``other_s``; both rising."""
    none = np.empty(0, np.int64)
    if not one_s.size or not other_s.size:
        return none, none
    to_other, to_one = nearest(one_s, other_s), nearest(other_s, one_s)
    here = np.arange(len(one_s))
    mutual = (to_one[to_other] == here) & (np.abs(one_s - other_s[to_other]) <= within_s)
    return here[mutual], to_other[mutual]


def beats_around(pulse_s: Floats, pressure_s: Floats, cursor_s: float) -> BeatsPicture:
    """Both lanes from :data:`BESIDE_S` before the cursor to as long after it."""
    t0_s, t1_s = cursor_s - BESIDE_S, cursor_s + BESIDE_S
    pulse = _between(pulse_s, t0_s - 1, t1_s + 1)
    pressure = _between(pressure_s, t0_s - 1, t1_s + 1)
    here, there = pairs(pulse, pressure)
    close = np.abs(pulse[here] - pressure[there]) <= CLOSE_S
    here, there = here[close], there[close]
    joins = np.stack([pulse[here], pressure[there]], axis=1)
    return BeatsPicture(
        t0_s,
        t1_s,
        cursor_s,
        Lane(pulse, np.isin(np.arange(len(pulse)), here)),
        Lane(pressure, np.isin(np.arange(len(pressure)), there)),
        joins,
    )


def _between(t_s: Floats, t0_s: float, t1_s: float) -> Floats:
    first, stop = np.searchsorted(t_s, (t0_s, t1_s))
    return t_s[first:stop]


def residuals(
    pulse_s: Floats,
    pressure_s: Floats,
    *,
    gaps: Sequence[tuple[float, float]] = (),
    breaks_s: Sequence[float] = (),
    duration_s: float,
) -> ResidualPicture:
    """Every pair of the session, as few as can be drawn."""
    here, there = pairs(pulse_s, pressure_s)
    t_s, ms = pulse_s[here], 1000 * (pulse_s[here] - pressure_s[there])
    spread = float(np.quantile(np.abs(ms), 0.95)) if ms.size else 0.0
    step = -(-len(t_s) // MOST_DOTS) or 1
    return ResidualPicture(
        t_s[::step],
        ms[::step],
        1000 * CLOSE_S,
        float(np.clip(1.3 * spread, LEAST_RANGE_MS, MOST_RANGE_MS)),
        tuple(gaps),
        tuple(breaks_s),
        max(duration_s, 1.0),
    )
