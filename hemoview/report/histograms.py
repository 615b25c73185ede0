"""Small drawings for a page without matplotlib: counts as bars, in plain SVG."""

from __future__ import annotations

from html import escape

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, LEFT, BELOW, TOP = 300, 130, 34, 30, 14


def histogram(values: NDArray[np.floating], unit: str, bins: int = 20) -> str:
    """Bars of ``(n,)`` finite values; empty text without any."""
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return ""
    low, high = float(known.min()), float(known.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5
    counts, _ = np.histogram(known, bins=bins, range=(low, high))
    most, wide = max(int(counts.max()), 1), (WIDTH - LEFT - 8) / bins
    floor = HEIGHT - BELOW
    bars = "".join(
        f'<rect x="{LEFT + k * wide + 0.5:.1f}" y="{floor - h:.1f}" width="{wide - 1:.1f}" height="{h:.1f}"/>'
        for k, n in enumerate(counts.tolist())
        if (h := n / most * (floor - TOP)) > 0
    )
    marks = [(LEFT, "start", low), (WIDTH - 8, "end", high)]
    ends = "".join(
        f'<text x="{x}" y="{floor + 13}" text-anchor="{anchor}">{value:.4g}</text>'
        for x, anchor, value in marks
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg" font-size="10" '
        f'font-family="sans-serif" fill="#1a1a1a"><g fill="#3d6e8f">{bars}</g>'
        f'<line x1="{LEFT}" y1="{floor}" x2="{WIDTH - 8}" y2="{floor}" stroke="#888"/>{ends}'
        f'<text x="{(LEFT + WIDTH) / 2}" y="{floor + 25}" text-anchor="middle">{escape(unit)}</text>'
        f'<text x="{LEFT - 4}" y="{TOP + 4}" text-anchor="end">{most}</text></svg>'
    )
