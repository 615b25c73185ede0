"""Ending threads with what they serve, and hearing from them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal


def end_with(owner: QObject, end: Callable[[], None]) -> None:
    """Call ``end`` when ``owner`` is destroyed or the application quits, whichever is first; it may be called twice.

    ``end`` must not hold on to ``owner``, or it would never be destroyed.
    """
    owner.destroyed.connect(lambda: end())  # noqa: PLW0108 -- Qt would pass the destroyed object
    app = QCoreApplication.instance()
    if app is not None:
        app.aboutToQuit.connect(end)


class Bell(QObject):
    """Rung by a thread, heard by a widget in the screen's thread.

    A widget's own signal would not do: emitting it while the widget is being destroyed is a use of freed memory.
    The bell belongs to the application, so it outlives the thread; Qt itself forgets a hearer that is gone.
    """

    rung = Signal()

    def __init__(self, hear: Callable[[], None]) -> None:
        super().__init__(QCoreApplication.instance())
        self.rung.connect(hear, Qt.ConnectionType.QueuedConnection)

    def ring(self) -> None:
        """From any thread; returns at once."""
        with contextlib.suppress(RuntimeError):  # the application itself has ended
            self.rung.emit()
