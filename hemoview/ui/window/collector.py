"""Cyclic garbage is collected in the GUI thread only.

Python collects cycles in whichever thread happens to allocate next. A widget or timer that is part of such a cycle
would then be destroyed by the feed's or the reader's thread, and Qt ends the process when that happens. So automatic
collection is switched off while a window lives, and a timer of the GUI thread collects by the usual thresholds.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

from hemoview.ui.parts.idle_sweep import may_collect

LOOK_EVERY_MS = 500


class GuiCollector(QObject):
    """Collects for the whole process from the thread that makes it, until :meth:`close`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.collect()
        gc.freeze()  # what stands when the window opens stays: later collections need not walk it
        gc.disable()
        self._timer = QTimer(self, interval=LOOK_EVERY_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect the oldest generation that is due, as the interpreter would have done; not between two frames of a
        picture that moves.
        """
        if not may_collect():
            return
        due = [
            g
            for g, (n, limit) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True))
            if n > limit
        ]
        if due:
            gc.collect(due[-1])

    def close(self) -> None:
        """Give collection back to the interpreter; safe to call twice.

        What the window leaves behind is never collected: another thread would do it.
        """
        self._timer.stop()
        gc.collect()
        gc.freeze()
        gc.enable()
