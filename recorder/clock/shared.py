"""Which rate do the streams of one device share, and which of them has another? Pure.

Streams of one device are counted by one crystal: their rates are off nominal by one ratio. A delay above the line
is taken to be exponential, of a scale of its own for each stream (its median says how long). The misfit of a slope
divided by that scale is then minus the log-likelihood of the slope, in nats, and all streams and runs add up.

A crystal is off by tens of ppm, so before any point is seen a slope is a nat less likely for every
:data:`CRYSTAL_PPM` it is away from nominal. Nothing else says when a fit is better than nominal: until the arrivals
outweigh that, the rate stays exactly nominal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from recorder.clock.envelope import LEAST_SLOPE, Misfit
from recorder.clock.steps import median

CRYSTAL_PPM = 50.0
"""Mean distance of a crystal from nominal; data sheets allow 20 to 100."""
USUAL_DELAYS, USUAL_DELAY_S = 4, 0.03
"""What is known of the delays of a link before any is seen, as so many points: tens of milliseconds."""
CONTRADICTS_NATS = 12.0
CONTRADICTS_S = 0.001
"""A stream has a rate of its own where the shared one is e^12 times less likely for it than its own and puts its
line lower by 1 ms on average. The first alone would split a device over trifles, the second over chance."""
_SURE_NATS = 4.5
"""Holds the true slope in 95 of 100 simulated runs; uniform delays are not exponential, so e^-3 would be too narrow."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the clock points of one stream say of its slope.

    Args:
        misfit: summed distance of its points to the lines under them, s.
        scale_s: how long its delays are: mean of the exponential.
        n_points: how many points.
    """

    misfit: Misfit
    scale_s: float
    n_points: int

    @classmethod
    def of(cls, pieces: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Evidence:
        """Evidence of points ``x`` (nominal time, s, rising) and ``late`` (arrival − x, s) of each line."""
        misfit = Misfit.of(pieces)
        above = np.concatenate([_above(x, late, misfit.best) for x, late in pieces])
        return cls(misfit, scale_of(above, len(pieces)), above.size)

    def contradicts(self, slope: float) -> float:
        """Nats by which a slope is less likely than the stream's own, 0 where it agrees well enough."""
        excess_s = self.misfit.excess(slope)
        nats = excess_s / self.scale_s
        return nats if nats > CONTRADICTS_NATS and excess_s > CONTRADICTS_S * self.n_points else 0.0


def scale_of(above_s: NDArray[np.float64], n_lines: int) -> float:
    """Mean delay, s, from its median (a stall does not move it), as if :data:`USUAL_DELAYS` had been seen before.

    A slope and each line's offset touch a point each, so a few points always look punctual.
    """
    free = max(above_s.size - n_lines - 1, 0)
    seen_s = median(above_s) / log(2.0) * above_s.size
    return (seen_s * (free > 0) + USUAL_DELAYS * USUAL_DELAY_S) / (free + USUAL_DELAYS)


@dataclass(frozen=True, slots=True)
class Slope:
    """Relative length of the sample period − 1, and the bounds that hold it with 95 % if delays are independent."""

    value: float
    low: float
    high: float


def shared_slopes(streams: Sequence[Evidence]) -> list[Slope]:
    """A slope for each stream of one device and era: one for all, unless some contradict.

    The stream that contradicts the shared slope most leaves, until none does; those that left are tried as a device
    of their own. A stream alone has its own slope.
    """
    found: dict[int, Slope] = {}
    left = list(range(len(streams)))
    while left:
        group = list(left)
        while True:
            slope = _fit([streams[k] for k in group])
            against = [streams[k].contradicts(slope.value) for k in group]
            if len(group) == 1 or not any(against):
                break
            del group[int(np.argmax(against))]
        found.update(dict.fromkeys(group, slope))
        left = [k for k in left if k not in group]
    return [found[k] for k in range(len(streams))]


def _fit(streams: Sequence[Evidence]) -> Slope:
    prior = Misfit.around_zero(CRYSTAL_PPM * 1e-6)
    nats = Misfit.weighted([(1.0, prior), *((1.0 / s.scale_s, s.misfit) for s in streams)])
    low, high = nats.within(_SURE_NATS)
    return Slope(max(nats.best, LEAST_SLOPE), low, max(high, LEAST_SLOPE))


def _above(x: NDArray[np.float64], late: NDArray[np.float64], slope: float) -> NDArray[np.float64]:
    above = late - slope * x
    distance: NDArray[np.float64] = above - above.min()
    return distance
