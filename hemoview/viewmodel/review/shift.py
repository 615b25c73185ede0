"""The reference on the time axis of the pulse: a view only, by the alignment of the session. Nothing stored moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp import time_map
from hemoview.dsp.time_map import Piece
from hemoview.viewmodel.review.facts import GapMark
from hemoview.viewmodel.review.moves import Wish
from recorder.schema import StreamInfo

Floats = NDArray[np.float64]

_GRID = 257
"""Moments a span is probed at: its ends may lie where no piece of the alignment reaches."""
_ROLES = ("abp_wave", "reference")
_BEATS_OF_PRESSURE = "sbp_mmhg"


@dataclass(frozen=True, slots=True, eq=False)
class TimeShift:
    """Streams that are drawn at other times than they are stored at.

    Args:
        version: of the alignment, said on the picture.
        stream_ids: the reference's streams.
        pieces: reference time → pulse time; at least one.
    """

    version: int
    stream_ids: frozenset[str]
    pieces: tuple[Piece, ...]

    def moves(self, stream_id: str) -> bool:
        """Is the stream one of the reference's?"""
        return stream_id in self.stream_ids

    def to_pulse(self, t_s: Floats) -> Floats:
        """Where a moment of the reference is drawn; NaN where no piece reaches."""
        return time_map.to_pulse(self.pieces, t_s)

    def wish_for(self, stream_id: str, wish: Wish) -> Wish | None:
        """The span the stream must be read over to fill the picture; None where nothing of it is to be seen."""
        if not self.moves(stream_id):
            return wish
        grid = np.linspace(wish.t0_s, wish.t1_s, _GRID)
        there = time_map.to_reference(self.pieces, grid)
        there = there[np.isfinite(there)]
        if there.size == 0:
            return None
        room_s = float(grid[1] - grid[0]) if there.size < _GRID else 0.0
        return replace(wish, t0_s=max(0.0, float(there.min()) - room_s), t1_s=float(there.max()) + room_s)

    def moment_s(self, stream_id: str, t_s: float) -> float | None:
        """When, in the stream's own time, the moment ``t_s`` of the picture was; None where no piece reaches."""
        if not self.moves(stream_id):
            return t_s
        there = float(time_map.to_reference(self.pieces, np.array([t_s]))[0])
        return there if np.isfinite(there) else None

    def reference_s(self, t_s: float) -> float:
        """When the moment ``t_s`` of the picture was by the reference's clock, which its calibrations and cuff readings
        are told by; past the pieces by the nearest of them.
        """
        there = self.moment_s(next(iter(self.stream_ids), ""), t_s)
        if there is not None:
            return there
        piece = min(self.pieces, key=lambda p: abs(p.offset_s + 0.5 * (p.t0_s + p.t1_s) - t_s))
        return t_s - piece.offset_s

    def gap(self, gap: GapMark) -> GapMark:
        """A gap where it is drawn."""
        if not self.moves(gap.stream_id):
            return gap
        t0_s, t1_s = placed_span(self.pieces, gap.t0_s, gap.t1_s)
        return replace(gap, t0_s=t0_s, t1_s=t1_s)


def placed_span(pieces: Sequence[Piece], t0_s: float, t1_s: float) -> tuple[float, float]:
    """A stretch without samples on the pulse's axis. Its ends lie outside the pieces it parts: each is placed by the
    piece nearest to it.
    """
    t0, t1 = (float(_nearest(pieces, t_s).to_pulse(np.array(t_s))) for t_s in (t0_s, t1_s))
    return t0, max(t0, t1)


def _nearest(pieces: Sequence[Piece], t_s: float) -> Piece:
    return min(pieces, key=lambda piece: max(piece.t0_s - t_s, t_s - piece.t1_s))


def reference_streams(streams: Sequence[StreamInfo]) -> frozenset[str]:
    """The streams that keep the reference's time: all of its devices, and the beats found in its pressure. Of a device
    that also holds the pulse, and so has one clock for both, only the reference's own.
    """
    pulse = {s.device_id for s in streams if s.role == "ppg"}
    devices = {s.device_id for s in streams if s.role in _ROLES} - pulse
    return frozenset(
        s.stream_id
        for s in streams
        if s.device_id in devices
        or s.role in _ROLES
        or (s.role == "beats" and any(c.name == _BEATS_OF_PRESSURE for c in s.channels))
    )
