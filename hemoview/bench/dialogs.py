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
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from recorder.host.console import Outcome

if TYPE_CHECKING:
    from PySide6.QtWidgets import QAbstractButton, QDialog, QWidget

    from hemoview.app import Shell

LIMIT_MS: Final = 100.0
OPEN_TIMEOUT_S: Final = 10.0
ANSWER_TIMEOUT_S: Final = 0.25
"""A control that changes nothing on the screen is not waited for."""
WARM_UP_S: Final = 4.0
CONTROLS: Final = 30
"""At most so many controls of one dialog are used."""
STORED_HOURS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Timed:
    """One touch: what was touched in which dialog, and what it took, ms."""

    dialog: str
    touch: str
    wall_ms: float
    cpu_ms: float


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
    from hemoview.bench import dialog_visits, live  # noqa: PLC0415
    from hemoview.ui.collector import GuiCollector  # noqa: PLC0415

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


class Desk:
    """Touches a window and times what answers."""

    def __init__(self, shell: Shell) -> None:
        from PySide6.QtWidgets import QApplication  # noqa: PLC0415

        self.shell, self.timed, self.missing = shell, list[Timed](), list[str]()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self._app = app

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let the window run."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s and not until():
            self._app.processEvents()
            time.sleep(0.002)
        return until()

    def visit(
        self, name: str, open_it: Callable[[], object], inside: Callable[[QDialog], None] = lambda _: None
    ) -> None:
        """Open a dialog, use its controls, close it.

        Args:
            name: of the dialog, for the table.
            open_it: the touch that opens it.
            inside: what else is done in it before it is closed.
        """
        before = set(self._dialogs())

        def new() -> QDialog | None:
            return next((d for d in self._dialogs() if d not in before), None)

        found = self._time(name, "open", open_it, new, OPEN_TIMEOUT_S)
        if found is None:
            self.missing.append(name)
            return
        dialog = new()
        assert dialog is not None
        self._use(name, dialog)
        inside(dialog)
        self._close(before)

    def press(self, name: str, dialog: QDialog, button: QAbstractButton) -> None:
        """Lead on inside of a dialog, and use what is shown there."""
        if not button.isEnabled():
            self.missing.append(name)
            return
        self._time(name, "open", button.click, lambda: dialog, OPEN_TIMEOUT_S)
        self._use(name, dialog)

    def _use(self, name: str, dialog: QDialog) -> None:
        from shiboken6 import isValid  # noqa: PLC0415

        for part, touch, act in list(controls(dialog))[:CONTROLS]:
            if isValid(part) and part.isVisible() and part.isEnabled():
                self._time(name, touch, act, lambda: dialog, ANSWER_TIMEOUT_S)

    def _close(self, before: set[QDialog]) -> None:
        from PySide6.QtWidgets import QDialog  # noqa: PLC0415

        for _ in range(3):  # one may ask whether it may go
            for dialog in [d for d in self._dialogs() if d not in before]:
                QDialog.done(dialog, 0)
            self.wait(0.05)

    def _dialogs(self) -> list[QDialog]:
        from PySide6.QtWidgets import QDialog  # noqa: PLC0415

        return [w for w in self._app.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]

    def _time(
        self,
        name: str,
        touch: str,
        act: Callable[[], object],
        shown: Callable[[], QWidget | None],
        timeout_s: float,
    ) -> Timed | None:
        """From the touch to the end of the pass of the event loop that painted; None: nothing was opened."""
        self._app.processEvents()
        paints = _paints()
        self._app.installEventFilter(paints)
        began, cpu_began = time.perf_counter(), time.thread_time()
        act()
        while True:
            self._app.processEvents()
            wall, cpu = time.perf_counter() - began, time.thread_time() - cpu_began
            if shown() in paints.windows or wall > timeout_s:
                break
            time.sleep(0.0005)
        self._app.removeEventFilter(paints)
        if shown() not in paints.windows and touch == "open":
            return None
        one = Timed(name, touch, wall * 1e3, cpu * 1e3)
        if shown() in paints.windows:
            self.timed.append(one)
        return one


def _paints() -> Any:
    """Notes the windows in which something was painted."""
    from PySide6.QtCore import QEvent, QObject  # noqa: PLC0415
    from PySide6.QtWidgets import QWidget  # noqa: PLC0415

    class Paints(QObject):
        def __init__(self) -> None:
            super().__init__()
            self.windows: set[QWidget | None] = set()

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 – Qt's name
            if event.type() == QEvent.Type.Paint and isinstance(watched, QWidget):
                self.windows.add(watched.window())
            return False

    return Paints()


def controls(dialog: QWidget) -> Iterator[tuple[QWidget, str, Callable[[], object]]]:
    """What can be touched in a dialog without a deed: the part, name of the touch, and the touch."""
    from PySide6.QtCore import Qt  # noqa: PLC0415
    from PySide6.QtTest import QTest  # noqa: PLC0415
    from PySide6.QtWidgets import (  # noqa: PLC0415
        QAbstractButton,
        QComboBox,
        QLineEdit,
        QTabBar,
        QWidget,
    )

    for part in dialog.findChildren(QWidget):
        if not part.isVisible() or not part.isEnabled():
            continue
        name = part.accessibleName() or type(part).__name__
        if isinstance(part, QLineEdit) and not part.isReadOnly():
            yield part, f"type: {name}", partial(QTest.keyClick, part, Qt.Key.Key_7)
        elif (
            isinstance(part, QAbstractButton)
            and part.isCheckable()
            and not isinstance(part.parent(), QTabBar)
        ):
            yield part, f"tick: {part.text() or name}", part.click
        elif isinstance(part, QComboBox) and part.count() > 1:
            yield (
                part,
                f"step: {name}",
                partial(part.setCurrentIndex, (part.currentIndex() + 1) % part.count()),
            )
        elif isinstance(part, QTabBar):
            for index in range(part.count()):
                if index != part.currentIndex():
                    yield part, f"tab: {part.tabText(index)}", partial(part.setCurrentIndex, index)


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
