"""Samples in the slots of a format that knows only a start and a rate: EDF, WFDB, the files of an E4.

Within a run samples follow each other as they were taken, none left out, none doubled; a run after a hole begins in
the slot nearest to its time. What a device's clock gains on the nominal rate within a run is not corrected there but
told: :attr:`Placed.time_error_s`. Formats with a time for every sample (XDF, CSV, Parquet) need none of this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recorder.exchange.exports.exported import Exported, Floats, Piece, Track

LATE_S: Final = 0.02
"""From here on a format's own time of a sample is worth a word."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the runs of a track lie.

    Args:
        track: a waveform.
        rate_hz: slots a second.
        starts: slot of the first sample of each run.
        end: one past the last slot used.
        time_error_s: by how much the time of a slot and the sample's own time differ at most.
    """

    track: Track
    rate_hz: float
    starts: tuple[int, ...]
    end: int
    time_error_s: float

    @property
    def stretches(self) -> tuple[tuple[int, int], ...]:
        """Slots in use: (first, one past the last) of each run."""
        return tuple((a, a + run.n) for a, run in zip(self.starts, self.track.runs, strict=True))


def place(track: Track, t0_s: float, rate_hz: float) -> Placed:
    """Slots for every run of a waveform, counted from ``t0_s``."""
    starts: list[int] = []
    end, error_s = 0, 0.0
    for run in track.runs:
        start = max(end, round((run.t0_s - t0_s) * rate_hz))
        end = start + run.n
        for slot, t_s in ((start, run.t0_s), (end - 1, run.t1_s)):
            error_s = max(error_s, abs(t0_s + slot / rate_hz - t_s))
        starts.append(start)
    return Placed(track, rate_hz, tuple(starts), end, error_s)


def clock_ratio(tracks: Sequence[Track], t0_s: float) -> float:
    """Measured over nominal rate, for tracks of one device whose nominal rate would tell times :data:`LATE_S` wrong.

    1 where it would not, and for tracks of several devices: a file has one rate, and they have a clock each.
    """
    if len({track.info.device_id for track in tracks}) != 1:
        return 1.0
    if max(place(track, t0_s, track.rate_hz).time_error_s for track in tracks) <= LATE_S:
        return 1.0
    most = max(tracks, key=lambda track: max(run.n for run in track.runs))
    return (most.effective_rate_hz or most.rate_hz) / most.rate_hz


class Slots:
    """Values of a placed track, slot by slot, in order; NaN where there is no sample."""

    def __init__(self, exported: Exported, placed: Placed) -> None:
        self._parts = _parts(exported.pieces(placed.track), placed)
        self._ahead: tuple[int, Floats] | None = None
        self._width = len(placed.track.columns)

    def take(self, first: int, end: int) -> Floats:
        """Slots ``first`` up to ``end``, ``(n, columns)``; calls must go forward."""
        out = np.full((end - first, self._width), np.nan)
        while True:
            part = self._ahead or next(self._parts, None)
            self._ahead = None
            if part is None:
                return out
            slot, values = part
            inside = max(0, min(len(values), end - slot))
            if inside:
                out[slot - first : slot - first + inside] = values[:inside]
            if inside < len(values):
                self._ahead = (slot + inside, values[inside:])
                return out


def _parts(pieces: Iterator[Piece], placed: Placed) -> Iterator[tuple[int, Floats]]:
    """Consecutive values with the slot of the first."""
    runs = iter(zip(placed.starts, placed.track.runs, strict=True))
    slot, left = 0, 0
    for piece in pieces:
        at = 0
        while at < len(piece):
            if not left:
                start, run = next(runs)
                slot, left = start, run.n
            n = min(left, len(piece) - at)
            yield slot, piece.values[at : at + n]
            at, slot, left = at + n, slot + n, left - n
