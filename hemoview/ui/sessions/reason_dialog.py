"""A question that is answered with a reason and an operator code."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.parts.enter_key import enter_presses
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.sessions.stop_form import StopForm


class ReasonDialog(QDialog):
    """Emits ``given(request)``: why, operator.

    Args:
        title, button: ids of the catalogue.
        said: what will be done, in words.
        operator: code to begin with.
    """

    given = Signal(dict)

    def __init__(
        self, title: str, said: str, button: str, operator: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text(title))
        self.setMinimumWidth(520)
        self.form = StopForm(operator=operator)
        explained = Words(15)
        explained.setWordWrap(True)
        explained.show_text(said, "text")
        self.why, self.operator = QLineEdit(), QLineEdit(operator)
        rows = QFormLayout()
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        for name, label, line in (
            ("why", "stop-why", self.why),
            ("operator", "field-operator", self.operator),
        ):
            line.setAccessibleName(text(label))
            line.textChanged.connect(lambda typed, name=name: self._change(name, typed))
            rows.addRow(text(label), line)
        self.ok, cancel = QPushButton(text(button)), QPushButton(text("button-cancel"))
        enter_presses(self.ok, cancel)
        self.ok.clicked.connect(self._give)
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        for each in (cancel, self.ok):
            each.setMinimumHeight(theme.touch_px())
        buttons.addWidget(cancel)
        buttons.addStretch()
        buttons.addWidget(self.ok)
        column = QVBoxLayout(self)
        column.addWidget(explained)
        column.addLayout(rows)
        column.addLayout(buttons)
        self._change("why", "")

    def _change(self, name: str, typed: str) -> None:
        self.form = replace(self.form, **{name: typed})
        self.ok.setEnabled(self.form.missing is None)

    def _give(self) -> None:
        self.accept()
        self.given.emit(self.form.request())
