"""A dialog that works for a while and does not go away meanwhile."""

from __future__ import annotations

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog


class WorkingDialog(QDialog):
    """Escape and the window's own cross stop the work first; the dialog stays until it has ended.

    ``job`` is what is under way, None where nothing is.
    """

    job: object | None = None

    def _stop(self) -> None:
        """Ask the work to end. Left as it is where it cannot be stopped: the dialog only stays."""

    def reject(self) -> None:
        """Escape."""
        if self.job is None:
            super().reject()
        else:
            self._stop()

    def closeEvent(self, event: QCloseEvent) -> None:
        """The cross."""
        if self.job is None:
            super().closeEvent(event)
        else:
            self._stop()
            event.ignore()
