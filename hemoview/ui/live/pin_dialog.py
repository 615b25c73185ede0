"""Choosing, changing or taking away the PIN of the hidden screen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from hemoview.ui.parts.enter_key import ok_and_cancel
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import refusal, text
from hemoview.viewmodel.live import idle_lock
from recorder.errors import StorageError


class PinDialog(QDialog):
    """The PIN until now, where there is one, and twice the new one.

    Args:
        path: where it is kept.
    """

    def __init__(self, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("pin-title"))
        self._path = path
        self.inputs: dict[str, QLineEdit] = {}
        rows = QFormLayout()
        for name in ("now", "new", "again"):
            line = QLineEdit()
            line.setEchoMode(QLineEdit.EchoMode.Password)
            line.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
            line.setAccessibleName(text(f"pin-{name}"))
            self.inputs[name] = line
            if name != "now" or idle_lock.has_pin(path):
                rows.addRow(text(f"pin-{name}"), line)
        self.problem = Words(14)
        self.problem.setWordWrap(True)
        self.ok, buttons = ok_and_cancel(self, self._keep)
        column = QVBoxLayout(self)
        column.addLayout(rows)
        column.addWidget(self.problem)
        column.addLayout(buttons)

    def _keep(self) -> None:
        now, new, again = (self.inputs[name].text() for name in ("now", "new", "again"))
        if not idle_lock.is_pin(self._path, now):
            self.problem.show_text(text("pin-wrong"), "warn")
        elif new != again or (new and not idle_lock.acceptable(new)):
            self.problem.show_text(text("pin-refused"), "warn")
        else:
            self._store(new)

    def _store(self, pin: str) -> None:
        try:
            idle_lock.keep_pin(self._path, pin)
        except StorageError as error:
            self.problem.show_text(refusal(error), "danger")
        else:
            self.accept()
