"""``hemoview bench trends``: a day opened, panned and zoomed in the real Trends page, until the paint is done.

``open_ms`` ends with the paint of the whole day at its own level in every strip, ``medians_ms`` when every median of it
is there too. A frame is measured from the key press to the end of the paint that answers it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hemoview.bench.review import SETTLE_S, Watch, made, shown

STEPS: Final = 200
WINDOW_PX: Final = (1280, 740)


def run(hours: float = 24, *, steps: int = STEPS, folder: Path | None = None) -> dict[str, Any]:
    """Make a session, open it offscreen, pan and zoom.

    Args:
        hours: length of the session.
        steps: moves that are measured.
        folder: a session to use instead of making one.

    Returns:
        ``open_ms, first_paint_ms, medians_ms, pan_zoom_p50_ms, pan_zoom_p99_ms, pan_zoom_cpu_p50_ms,
        pan_zoom_cpu_p99_ms, sharp_p50_ms, sharp_p99_ms, memory_mb, memory_added_mb, steps, hours``.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from hemoview.bench.review_session import Plan, make_session  # noqa: PLC0415

    place = Path(tempfile.mkdtemp(prefix="hemoview-bench-trends-"))
    try:
        session = folder or made(make_session, place / "session", Plan(hours=hours))
        return {**measure(session, steps), "hours": hours}
    finally:
        shutil.rmtree(place, ignore_errors=True)


def measure(session: Path, steps: int) -> dict[str, Any]:
    """Open a session in the page and move about in it."""
    from hemoview.ui.trends.page import TrendsPage  # noqa: PLC0415

    with shown(TrendsPage, WINDOW_PX) as (page, process, memory):
        watch, began = Watch(page, process), time.perf_counter()
        opened = watch.open(str(session))
        medians_ms = _complete(page, process, began)
        return {
            "open_ms": round(opened["sharp"], 1),
            "first_paint_ms": round(opened["first"], 1),
            "medians_ms": round(medians_ms, 1),
            **watch.sweep(moves_of(steps)),
            **memory(),
        }


def _complete(page: Any, process: Callable[[], None], began: float) -> float:
    """ms until every median of the view is there and was shown."""
    while not page.model.page().complete:
        process()
        if time.perf_counter() - began > SETTLE_S:
            raise TimeoutError(f"trends bench: no medians for {SETTLE_S:g} s; is the machine busy?")
        time.sleep(0.0005)
    process()
    return (time.perf_counter() - began) * 1e3


def moves_of(steps: int) -> list[tuple[Any, Any]]:
    """From the day into minutes and out again, panning at every depth; spans by their keys now and then."""
    from PySide6.QtCore import Qt  # noqa: PLC0415

    none, shift, key = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.Key
    inward = [(key.Key_Plus, none), (key.Key_Left, none), (key.Key_Left, none)]
    outward = [(key.Key_Minus, none), (key.Key_Right, none), (key.Key_Left, shift)]
    spans = [(getattr(key, f"Key_{n}"), none) for n in (7, 5, 3, 2, 1, 4, 6)]
    sweep = [*inward * 8, *outward * 8, *spans]
    return [sweep[i % len(sweep)] for i in range(steps)]
