"""``hemoview bench review``: a day-long session opened, panned and zoomed in the real page, until the paint is done.

``open_ms`` ends with the paint of the whole day at its own level in every panel. A frame is measured from the key
press to the end of the paint that answers it. Tiles that are not in memory yet are drawn from coarser ones in that
frame, and strips that would be late are shown as they were, moved to their place: ``whole_*`` are the times until every
strip was painted anew, ``moved_share`` says how many frames needed that, ``sharp_*`` are the times until every visible
tile had its own level. ``pan_zoom_cpu_p50_ms`` and ``…_p99_ms``
are the time of the window's own thread in the same frame: what is left on a machine with nothing else to do, and the
figure to compare between two states of the code on one that has.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from recorder.host.console import progress

STEPS: Final = 200
ANNOTATIONS: Final = 10_000
WINDOW_PX: Final = (1280, 800)
SETTLE_S: Final = 30.0


def run(
    hours: float = 24,
    *,
    wave_hz: int = 100,
    steps: int = STEPS,
    annotations: int = ANNOTATIONS,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Make a session, open it offscreen, pan and zoom.

    Args:
        hours: length of the session.
        wave_hz: rate of its pressure wave, 100 or 1000.
        steps: moves that are measured.
        annotations: labels the session holds already, drawn in every frame.
        folder: a session to use instead of making one.

    Returns:
        The fields of the contract, ``label_ms`` (99 of 100 label actions: key → painted and on disk), and
        ``label_p50_ms, labels_ready_ms, annotations, open_cpu_ms`` (of the whole process), ``first_paint_ms,
        pan_zoom_cpu_p50_ms, pan_zoom_cpu_p99_ms, moved_share, whole_p50_ms, whole_p99_ms, sharp_p50_ms,
        sharp_p99_ms, memory_added_mb, make_s, bytes, hours, wave_hz``.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from hemoview.bench.review_labels import write_labels  # noqa: PLC0415
    from hemoview.bench.review_session import Plan, make_session  # noqa: PLC0415

    place = Path(tempfile.mkdtemp(prefix="hemoview-bench-review-"))
    try:
        began = time.perf_counter()
        session = folder or made(make_session, place / "session", Plan(hours=hours, wave_hz=wave_hz))
        make_s = time.perf_counter() - began
        write_labels(session, annotations, hours * 3600)
        size = sum(p.stat().st_size for p in session.rglob("*") if p.is_file())
        found = measure(session, steps)
        return {
            **found,
            "mb_per_hour": round(size / hours / 1e6, 3),
            "bytes": size,
            "hours": hours,
            "wave_hz": wave_hz,
            "annotations": annotations,
            "make_s": round(make_s, 1),
        }
    finally:
        shutil.rmtree(place, ignore_errors=True)


def made(make: Callable[..., Path], folder: Path, plan: Any) -> Path:
    """A session is made under a progress bar, silent where nobody looks."""
    with progress(f"making a session of {plan.hours:g} h", 1.0) as tell:
        return make(folder, plan, lambda share: tell(share, f"{share:.0%}"))


def measure(session: Path, steps: int) -> dict[str, Any]:
    """Open a session in the page and move about in it."""
    from hemoview.bench.review_labels import label_by_key  # noqa: PLC0415
    from hemoview.ui.review.page import ReviewPage  # noqa: PLC0415

    with shown(ReviewPage, WINDOW_PX) as (page, process, memory):
        watch = Watch(page, process)
        opened = watch.open(str(session))
        ready_ms = watch.until_labels()
        moved = watch.sweep(moves_of(steps))
        labels = label_by_key(page, watch)
        return {
            "open_ms": round(opened["sharp"], 1),
            "open_cpu_ms": round(opened["cpu"], 1),
            "labels_ready_ms": round(ready_ms, 1),
            "label_ms": ms_at(labels, 99),
            "label_p50_ms": ms_at(labels, 50),
            "first_paint_ms": round(opened["first"], 1),
            **moved,
            **memory(),
        }


@contextmanager
def shown(
    make: Callable[[], Any], size_px: tuple[int, int]
) -> Iterator[tuple[Any, Callable[[], None], Callable[[], dict[str, float]]]]:
    """A page in the theme, closed afterwards: the page, a pass of the event loop, memory and its growth."""
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415

    from hemoview.ui.parts import theme  # noqa: PLC0415

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app)
    before_mb = memory_mb()
    page = make()
    try:
        page.resize(*size_px)
        page.show()
        app.processEvents()
        yield (
            page,
            app.processEvents,
            lambda: {
                "memory_mb": round(memory_mb(), 1),
                "memory_added_mb": round(memory_mb() - before_mb, 1),
            },
        )
    finally:
        page.close_session()
        page.close()
        page.deleteLater()
        app.processEvents()


def ms_at(values: np.ndarray[Any, np.dtype[np.float64]], percentile: float) -> float:
    """A percentile, rounded for a table."""
    return round(float(np.percentile(values, percentile)), 2)


class Watch:
    """Sends keys to a page and times its paints."""

    def __init__(self, page: Any, process: Callable[[], None]) -> None:
        self._page = page
        self._process = process
        self._painted_s = 0.0
        self._began_s = 0.0
        self._paints: list[tuple[float, float, bool]] = []
        """Wall clock and CPU time of this thread at the end of each paint since a key was pressed, and was it whole."""
        page.picture.painted.connect(self._on_painted)

    def _on_painted(self) -> None:
        self._painted_s = time.perf_counter()
        self._paints.append((self._painted_s, time.thread_time(), self._page.picture.whole))

    def open(self, path: str) -> dict[str, float]:
        """Open a session; ms until its first picture, and until that picture is sharp."""
        began, cpu_began = time.perf_counter(), time.process_time()
        self._began_s = began
        self._page.open_session(path)
        first = self.until(began, lambda: self._page.model.view().phase == "open")
        sharp = self.until(began, self._sharp)
        return {"first": first, "sharp": sharp, "cpu": (time.process_time() - cpu_began) * 1e3}

    def until_labels(self) -> float:
        """ms from the opening until the labels were read."""
        while not self._page.labelling.model.view(0.0).ready:
            self._process()
            if time.perf_counter() - self._began_s > SETTLE_S:
                raise TimeoutError("review bench: the labels were not read; is the machine busy?")
            time.sleep(0.0005)
        return (time.perf_counter() - self._began_s) * 1e3

    def settle(self) -> None:
        """Wait until all of the picture is sharp and nothing is left to be painted."""
        began = time.perf_counter()
        while not self._sharp():
            self._process()
            if time.perf_counter() - began > SETTLE_S:
                raise TimeoutError("review bench: the picture does not settle; is the machine busy?")
            time.sleep(0.0005)
        self._process()

    def step(self, key: Any, modifiers: Any) -> tuple[float, float, float, float]:
        """Press a key; ms until the paint that answers, of CPU for it, until one was whole, until all is sharp."""
        self._paints.clear()
        began, cpu_began = time.perf_counter(), time.thread_time()
        self._page.press(key, modifiers)
        sharp = self.until(began, self._sharp)
        first_s, cpu_s, _ = self._paints[0]
        whole_s = next(end_s for end_s, _, whole in self._paints if whole)
        return (first_s - began) * 1e3, (cpu_s - cpu_began) * 1e3, (whole_s - began) * 1e3, sharp

    def sweep(self, moves: list[tuple[Any, Any]]) -> dict[str, float]:
        """Press one key after the other: percentiles of what :meth:`step` tells, and how often a strip was late."""
        frames = [self.step(*move) for move in moves]
        first, cpu, whole, sharp = (np.array(part) for part in zip(*frames, strict=True))
        told: dict[str, float] = {"steps": len(moves), "moved_share": round(float(np.mean(whole > first)), 3)}
        for name, values in (("pan_zoom", first), ("pan_zoom_cpu", cpu), ("whole", whole), ("sharp", sharp)):
            told |= {f"{name}_p{percentile}_ms": ms_at(values, percentile) for percentile in (50, 99)}
        return told

    def _sharp(self) -> bool:
        return bool(self._page.model.view().settled and self._page.picture.whole)

    def until(self, began: float, reached: Callable[[], bool]) -> float:
        """ms from ``began`` to the end of the first paint at which the condition held."""
        while True:
            self._process()
            if reached() and self._painted_s > began:
                self._process()
                return (self._painted_s - began) * 1e3
            if time.perf_counter() - began > SETTLE_S:
                raise TimeoutError(f"review bench: nothing painted for {SETTLE_S:g} s; is the machine busy?")
            time.sleep(0.0005)


def moves_of(steps: int) -> list[tuple[Any, Any]]:
    """Zoom from the day into seconds and out again, panning at every depth: what a reader of a session does."""
    from PySide6.QtCore import Qt  # noqa: PLC0415

    none, shift = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
    key = Qt.Key
    inward = [
        (key.Key_Plus, none),
        (key.Key_Right, none),
        (key.Key_Right, none),
        (key.Key_Plus, none),
        (key.Key_G, none),
    ]
    outward = [
        (key.Key_Minus, none),
        (key.Key_Left, none),
        (key.Key_Right, shift),
        (key.Key_Minus, none),
        (key.Key_M, none),
    ]
    sweep = [*inward * 8, *outward * 8]
    return [sweep[i % len(sweep)] for i in range(steps)]


def memory_mb() -> float:
    """Resident memory of this process, MB; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
