"""From the time of one device to the time of another: straight pieces, and nothing between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
PPM: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch in which one line holds: pulse time = t + ``offset_s`` + ``drift_ppm``·10⁻⁶·(t − ``t0_s``).

    Args:
        t0_s, t1_s: stretch in reference time (the pressure's), s.
        offset_s: pulse time − reference time at ``t0_s``: clocks, transit time and delays of both devices together.
        drift_ppm: by how much the pulse's clock runs faster than the reference's.
        residual_ms: median absolute distance of the matched beats from the line.
        matched_fraction: part of the usable beats of both devices that have a partner.
        n_beats: matched beats the line rests on.
        drift_error_ppm: the clocks' own drift is within so much of ``drift_ppm`` with 95 %
            (:mod:`hemoview.dsp.align_drift`); None = not told.

    Raises:
        ValueError: numbers that are not finite, an empty stretch, a line that does not rise.
    """

    t0_s: float
    t1_s: float
    offset_s: float
    drift_ppm: float
    residual_ms: float
    matched_fraction: float
    n_beats: int = 0
    drift_error_ppm: float | None = None

    def __post_init__(self) -> None:
        numbers = (self.t0_s, self.t1_s, self.offset_s, self.drift_ppm)
        if not np.isfinite(numbers).all() or not self.t1_s > self.t0_s or abs(self.drift_ppm) >= 1e5:
            raise ValueError(f"alignment piece: {self.t0_s:g} to {self.t1_s:g} s, {self.drift_ppm:g} ppm")

    @property
    def slope(self) -> float:
        """Pulse seconds a reference second."""
        return 1.0 + self.drift_ppm * PPM

    def to_pulse(self, t_ref_s: Times) -> Times:
        """Pulse time of reference times, inside the stretch or not."""
        return np.asarray(self.t0_s + self.offset_s + self.slope * (t_ref_s - self.t0_s))

    def to_reference(self, t_pulse_s: Times) -> Times:
        """Inverse of :meth:`to_pulse`."""
        return np.asarray(self.t0_s + (t_pulse_s - self.t0_s - self.offset_s) / self.slope)


def to_pulse(pieces: Sequence[Piece], t_ref_s: Times) -> Times:
    """Pulse time of reference times, same shape; NaN outside every piece."""
    t = np.asarray(t_ref_s, dtype=np.float64)
    out: Times = np.full(t.shape, np.nan)
    for piece in pieces:
        inside = (t >= piece.t0_s) & (t <= piece.t1_s)
        out[inside] = piece.to_pulse(t[inside])
    return out


def to_reference(pieces: Sequence[Piece], t_pulse_s: Times) -> Times:
    """Reference time of pulse times, same shape; NaN outside every piece."""
    t = np.asarray(t_pulse_s, dtype=np.float64)
    out: Times = np.full(t.shape, np.nan)
    for piece in pieces:
        back = piece.to_reference(t)
        inside = (back >= piece.t0_s - 1e-9) & (back <= piece.t1_s + 1e-9)
        out[inside] = back[inside]
    return out
