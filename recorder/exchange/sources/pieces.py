"""Stretches of samples as a file holds them → one waveform with its gaps. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorder.exchange.into_session import NOT_IN_FILE, Break, Waveform
from recorder.schema import StreamInfo


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Consecutive samples of one signal.

    Args:
        wall_ns: UTC ns of the first.
        values: ``(n,)`` or ``(n, columns)``.
        missing: ``(n,)`` where the file says there is no sample; None = nowhere.
    """

    wall_ns: int
    values: NDArray[Any]
    missing: NDArray[np.bool_] | None = None


def waveform_of(info: StreamInfo, pieces: Sequence[Piece]) -> tuple[Waveform | None, int]:
    """Pieces in order of time → a waveform, and how many samples were left out because they overlap earlier ones.

    Pieces that follow each other to within half a sample are one run. None where no sample is left.
    """
    period_ns = Fraction(1_000_000_000) / Fraction(info.nominal_rate_hz or 1.0).limit_denominator(100_000)
    kept: list[NDArray[Any]] = []
    breaks: list[Break] = []
    first_ns = anchor_ns = 0
    total = anchor_index = 0
    overlapping = 0
    for piece in pieces:
        for start, stop in present_runs(piece.missing, len(piece.values)):
            t_ns = piece.wall_ns + round(start * period_ns)
            expected_ns = anchor_ns + round((total - anchor_index) * period_ns)
            if total and t_ns < expected_ns - period_ns / 2:
                overlapping += stop - start
                continue
            if not total:
                first_ns = anchor_ns = t_ns
            elif t_ns > expected_ns + period_ns / 2:
                breaks.append(Break(total, t_ns, NOT_IN_FILE))
                anchor_ns, anchor_index = t_ns, total
            kept.append(piece.values[start:stop])
            total += stop - start
    if not total:
        return None, overlapping
    values = np.concatenate(kept)
    shaped = values if values.ndim == 2 else values[:, None]
    return Waveform(info, first_ns, shaped, tuple(breaks)), overlapping


def present_runs(missing: NDArray[np.bool_] | None, n: int) -> list[tuple[int, int]]:
    """Stretches that are not missing: (first, one past the last)."""
    if missing is None or not missing.any():
        return [(0, n)] if n else []
    edges = np.flatnonzero(np.diff(np.concatenate([[1], missing.astype(np.int8), [1]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
