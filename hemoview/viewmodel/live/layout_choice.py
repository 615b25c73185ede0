"""Which form of the window fits its shape: the wide screen, or the compact one of an edge board's panel. Pure."""

from __future__ import annotations

from typing import Literal

from hemoview.viewmodel.live.record_view import Lane

Form = Literal["wide", "compact"]

LEAST_COMPACT_PX = (480, 340)
"""Lower than any panel it is made for (480 × 854) and than a laptop's 1280 × 800 at 200 %, which is 640 × 400 with its
title and task bar; what is smaller is cut off."""
LEAST_WIDE_PX = 1100
"""The wide screen's header and columns need this much to be read."""
PORTRAIT = 1.15
"""A window this much taller than wide is a panel that stands."""
COMPACT_WAVES = ("ppg", "abp")
"""On a small panel the pulse waves are enough; the choice of waves on the wide screen is not touched."""


def form_for(width_px: int, height_px: int, *, forced: bool = False) -> Form:
    """The form for a window of this size."""
    small = width_px < LEAST_WIDE_PX or height_px > PORTRAIT * width_px
    return "compact" if forced or small else "wide"


def compact_lanes(lanes: tuple[Lane, ...]) -> tuple[Lane, ...]:
    """The lanes a small panel shows: pulse and pressure, or whatever there is where neither is."""
    found = tuple(lane for lane in lanes if lane.key in COMPACT_WAVES)
    return found or lanes[:2]
