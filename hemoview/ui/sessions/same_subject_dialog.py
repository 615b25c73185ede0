"""After an absence: the pseudonym once more, or stop (safety rule 3)."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.parts.enter_key import enter_presses
from hemoview.ui.parts.inputs import ScanLine
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text


class SameSubjectDialog(QDialog):
    """Emits ``answered(pseudonym, operator)`` or ``stop_asked()``. A scan answers at once.

    The pseudonym of the session is not shown: whoever answers reads it off the person.
    """

    answered = Signal(str, str)
    stop_asked = Signal()

    def __init__(self, operator: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("button-same-subject"))
        self.setMinimumWidth(560)
        explained = Words(16)
        explained.setWordWrap(True)
        explained.show_text(text("same-subject-explained"), "text")
        self.pseudonym, self.operator = ScanLine(), QLineEdit(operator)
        rows = QFormLayout()
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        for label, line in (("field-pseudonym", self.pseudonym), ("field-operator", self.operator)):
            line.setAccessibleName(text(label))
            line.textChanged.connect(self._show_state)
            rows.addRow(text(label), line)
        self.pseudonym.scanned.connect(self._answer)
        self.same, self.stop = QPushButton(text("button-it-is-same")), QPushButton(text("button-stop"))
        self.stop.setObjectName("stop")
        later = QPushButton(text("button-cancel"))
        enter_presses(self.same, self.stop, later)
        self.same.clicked.connect(self._answer)
        self.stop.clicked.connect(self._stop)
        later.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        for button in (later, self.stop, self.same):
            button.setMinimumHeight(theme.touch_px())
            buttons.addWidget(button)
        buttons.insertStretch(1)
        column = QVBoxLayout(self)
        column.addWidget(explained)
        column.addLayout(rows)
        column.addLayout(buttons)
        self.pseudonym.setFocus()
        self._show_state()

    def _show_state(self) -> None:
        self.same.setEnabled(bool(self.pseudonym.text().strip()) and bool(self.operator.text().strip()))

    def _answer(self) -> None:
        if self.same.isEnabled():
            self.accept()
            self.answered.emit(self.pseudonym.text().strip(), self.operator.text().strip())

    def _stop(self) -> None:
        self.reject()
        self.stop_asked.emit()
