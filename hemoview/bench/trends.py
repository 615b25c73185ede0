"""``hemoview bench trends``: a day opened, panned and zoomed in the real Trends page, until the paint is done.

``open_ms`` ends with the paint of the whole day at its own level in every strip, ``medians_ms`` when every median of it
is there too. A frame is measured from the key press to the end of the paint that answers it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from hemoview.bench.review import SETTLE_S, Watch, made, memory_mb, ms_at

STEPS: Final = 200
WINDOW_PX: Final = (1280, 740)


def run(hours: float = 24, *, steps: int = STEPS, folder: Path | None = None) -> dict[str, Any]:
    """Make a session, open it offscreen, pan and zoom.

    Args:
        hours: length of the session.
        steps: moves that are measured.
        folder: a session to use instead of making one.

    Returns:
        ``open_ms, first_paint_ms, medians_ms, pan_zoom_p50_ms, pan_zoom_p99_ms, pan_zoom_cpu_p99_ms, memory_mb,
        memory_added_mb, steps, hours``.
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
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415

    from hemoview.ui import theme  # noqa: PLC0415
    from hemoview.ui.trends_page import TrendsPage  # noqa: PLC0415

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app)
    before_mb = memory_mb()
    page = TrendsPage()
    try:
        page.resize(*WINDOW_PX)
        page.show()
        app.processEvents()
        watch, began = Watch(page, app.processEvents), time.perf_counter()
        opened = watch.open(str(session))
        medians_ms = _complete(page, app, began)
        frames = [watch.step(*move) for move in moves_of(steps)]
        first, _, cpu = (np.array(part) for part in zip(*frames, strict=True))
        return {
            "open_ms": round(opened["sharp"], 1),
            "first_paint_ms": round(opened["first"], 1),
            "medians_ms": round(medians_ms, 1),
            "pan_zoom_p50_ms": ms_at(first, 50),
            "pan_zoom_p99_ms": ms_at(first, 99),
            "pan_zoom_cpu_p99_ms": ms_at(cpu, 99),
            "steps": steps,
            "memory_mb": round(memory_mb(), 1),
            "memory_added_mb": round(memory_mb() - before_mb, 1),
        }
    finally:
        page.close_session()
        page.close()
        page.deleteLater()
        app.processEvents()


def _complete(page: Any, app: Any, began: float) -> float:
    """ms until every median of the view is there and was shown."""
    while not page.model.page().complete:
        app.processEvents()
        if time.perf_counter() - began > SETTLE_S:
            raise TimeoutError(f"trends bench: no medians for {SETTLE_S:g} s; is the machine busy?")
        time.sleep(0.0005)
    app.processEvents()
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
