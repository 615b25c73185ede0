"""Touches the dialogs of a window, and times each touch until the paint that answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PySide6.QtWidgets import QAbstractButton, QDialog, QWidget

    from hemoview.app import Shell

OPEN_TIMEOUT_S: Final = 10.0
ANSWER_TIMEOUT_S: Final = 0.25
"""A control that changes nothing on the screen is not waited for."""
CONTROLS: Final = 30
"""At most so many controls of one dialog are used."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One touch: what was touched in which dialog, and what it took, ms."""

    dialog: str
    touch: str
    wall_ms: float
    cpu_ms: float


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
