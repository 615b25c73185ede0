"""Calibration points of judged rows, joined with what the model said around them by the very code that runs live.

A point is a reading at the end of its window. The bedside compares a reading with the median over the good windows
that end 45 s before to 15 s after it (:mod:`hemoview.estimate.personalise`), three at least. A set may hold fewer
windows there than three altogether, because it keeps one a minute: then all of those must be good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hemoview.estimate.metrics.rows import Predictions, Rows, in_time, windows_around
from hemoview.estimate.metrics.subjects import F64, Flags
from hemoview.estimate.personalise import LEAST_WINDOWS, Anchor
from recorder.schema import PARAMETERS

Said = Sequence[Mapping[str, float] | None]


def anchors(rows: Rows, said: Said, which: Flags) -> dict[int, Anchor]:
    """The usable anchor of every row of ``which`` that has one, by row number.

    Args:
        rows: the windows.
        said: ``n``, the model's means of the window in each row's place; None = none, or not a good window.
        which: ``(n,)`` rows whose labels are taken as readings.
    """
    found: dict[int, Anchor] = {}
    for number in range(len(rows.names)):
        mine = in_time(rows, number)
        for row in mine[which[mine]].tolist():
            there = windows_around(rows, mine, row)
            means = [mean for mean in (said[at] for at in there) if mean]
            wall_ns = round((float(rows.t_s[row]) + rows.window_s) * 1e9)
            anchor = Anchor(str(row), wall_ns, "reference", reading(rows, row))
            anchor = anchor.with_predictions(means, least=min(LEAST_WINDOWS, len(there)))
            if anchor.usable:
                found[row] = anchor
    return found


def reading(rows: Rows, row: int) -> dict[str, float]:
    """The labels of a row as a reference reading."""
    return {p: float(v) for p, v in zip(PARAMETERS, rows.labels[row], strict=True) if np.isfinite(v)}


def said_by(raw: Predictions, good: Flags, parameters: Sequence[str]) -> list[Mapping[str, float] | None]:
    """Estimates as :func:`anchors` takes them."""
    columns = [(p, PARAMETERS.index(p)) for p in parameters]
    return [
        {p: float(mean[c]) for p, c in columns if np.isfinite(mean[c])} if ok else None
        for mean, ok in zip(raw.mean, good.tolist(), strict=True)
    ]


def gaps(n: int, found: Mapping[int, Anchor]) -> F64:
    """``(n, 10)`` reading − median of the model around it; NaN where there is no usable anchor."""
    out = np.full((n, len(PARAMETERS)), np.nan)
    for row, anchor in found.items():
        for p in anchor.predicted.keys() & anchor.reference.keys():
            out[row, PARAMETERS.index(p)] = anchor.reference[p] - anchor.predicted[p]
    return out
