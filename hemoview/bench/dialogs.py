"""``hemoview bench dialogs``: every dialog of the window on a running bedside, from the touch to the end of the paint.

Emulators, recorder and window run as they would at a bed, the window offscreen. A dialog is opened by what opens it for
the operator; its time ends with the first pass of the event loop in which it was painted. Then its own controls are
used one after the other – a letter typed, a box ticked, a list stepped, a tab chosen – each until the paint that
answers. Wall time holds what else the machine does and the waves drawn beside; ``cpu_ms`` is the time of the window's
own thread.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from hemoview.bench import dialog_visits
from hemoview.bench.dialog_desk import Desk, Timed
from recorder.host.console import Outcome

LIMIT_MS: Final = 100.0
WARM_UP_S: Final = 4.0
STORED_HOURS: Final = 1.0


def run() -> Outcome:
    """Open every dialog and use its controls.

    Returns:
        ``open_p50_ms, open_p99_ms, open_cpu_p99_ms``, the same of ``answer``, ``worst_cpu_ms``, ``slowest``,
        ``dialogs`` (one row each), ``missing`` (those that did not open), ``over`` (touches over 100 ms of CPU).

    Raises:
        RecorderError: a part of the chain did not start.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from hemoview.bench import live  # noqa: PLC0415
    from hemoview.bench.review_labels import write_labels  # noqa: PLC0415
    from hemoview.bench.review_session import Plan, make_session  # noqa: PLC0415

    kept = tempfile.TemporaryDirectory(prefix="hemoview-bench-", ignore_cleanup_errors=True)
    with kept as folder:
        stored = make_session(Path(folder) / "sessions" / "bench-stored", Plan(hours=STORED_HOURS), None)
        write_labels(stored, 200, STORED_HOURS * 3600)
        with live.bedside(Path(folder)) as client:
            live.wait_for_samples(client)
            return _told(*_in_window(Path(folder), lambda: live.start(client)))


def _in_window(home: Path, start: Callable[[], None]) -> tuple[list[Timed], list[str]]:
    from hemoview import app  # noqa: PLC0415
    from hemoview.bench import live  # noqa: PLC0415
    from hemoview.ui.window.collector import GuiCollector  # noqa: PLC0415

    qt, shell = app.open_window(
        app.AppOptions(station=live.STATION, home=home, keep_session=True, name=live.STATION)
    )
    collector = GuiCollector()
    desk = Desk(shell)
    try:
        desk.wait(WARM_UP_S)
        dialog_visits.before_start(desk)
        start()
        desk.wait(WARM_UP_S)
        dialog_visits.recording(desk)
        dialog_visits.review(desk)
    finally:
        shell.close_unasked()
        qt.processEvents()
        collector.close()
    return desk.timed, desk.missing


def _told(timed: list[Timed], missing: list[str]) -> Outcome:
    opened = [t for t in timed if t.touch == "open"]
    answered = [t for t in timed if t.touch != "open"]
    rows = [_row(name, timed) for name in dict.fromkeys(t.dialog for t in timed)]
    over = [t for t in timed if t.cpu_ms > LIMIT_MS]
    slowest = max(timed, key=lambda t: t.cpu_ms)
    return {
        "ok": not over and not missing,
        **_summary("open", opened),
        **_summary("answer", answered),
        "worst_cpu_ms": round(slowest.cpu_ms, 1),
        "slowest": f"{slowest.dialog}, {slowest.touch}",
        "dialogs": rows,
        "missing": missing,
        "over": [f"{t.dialog}, {t.touch}: {t.cpu_ms:.0f} ms" for t in over],
        "touches": len(timed),
    }


def _summary(name: str, timed: list[Timed]) -> dict[str, float]:
    found = dict[str, float]()
    if not timed:
        return found
    for kind, values in (("", [t.wall_ms for t in timed]), ("cpu_", [t.cpu_ms for t in timed])):
        for percentile in (50, 99):
            found[f"{name}_{kind}p{percentile}_ms"] = round(float(np.percentile(values, percentile)), 1)
    return found


def _row(name: str, timed: list[Timed]) -> dict[str, Any]:
    opened = next(t for t in timed if t.dialog == name)
    answers = [t for t in timed if t.dialog == name and t.touch != "open"]
    worst = max(answers, key=lambda t: t.cpu_ms, default=opened)
    return {
        "dialog": name,
        "open_ms": round(opened.wall_ms, 1),
        "open_cpu_ms": round(opened.cpu_ms, 1),
        "answers": len(answers),
        "answer_cpu_ms": round(worst.cpu_ms, 1) if answers else None,
        "answer_ms": round(max((t.wall_ms for t in answers), default=0.0), 1),
        "slowest": worst.touch if answers else "",
    }
