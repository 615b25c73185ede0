"""Once more before a recording ends: stop, stop for the next subject, or – with a reason – abort or discard."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.sessions.stop_form import EarlyEnd, StopForm


class StopDialog(QDialog):
    """Emits ``stop_asked(next subject wanted)`` or ``early_asked(abort or discard, request)``."""

    stop_asked = Signal(bool)
    early_asked = Signal(str, dict)

    def __init__(self, subject: str, elapsed: str, operator: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("stop-title"))
        self.form = StopForm(operator=operator)
        said = Words(17)
        said.setWordWrap(True)
        said.show_text(text("stop-text", pseudonym=subject, elapsed=elapsed), "text")
        self.go_on = _button("button-go-on")
        self.stop, self.next = _button("button-stop-now", "stop"), _button("button-stop-next", "stop")
        self.go_on.setDefault(True)
        self.go_on.clicked.connect(self.reject)
        self.stop.clicked.connect(lambda: self._stop(then_next=False))
        self.next.clicked.connect(lambda: self._stop(then_next=True))
        buttons = QHBoxLayout()
        buttons.addWidget(self.go_on)
        buttons.addStretch()
        buttons.addWidget(self.stop)
        buttons.addWidget(self.next)
        column = QVBoxLayout(self)
        column.setSpacing(14)
        self.setMinimumWidth(680)
        column.addWidget(said)
        column.addLayout(buttons)
        column.addWidget(self._early())
        self._show_state()

    def _early(self) -> QGroupBox:
        box = QGroupBox(text("stop-early"))
        self.why, self.operator = QLineEdit(), QLineEdit(self.form.operator)
        self.why.setPlaceholderText(text("stop-why-example"))
        self.why.textChanged.connect(lambda typed: self._change("why", typed))
        self.operator.textChanged.connect(lambda typed: self._change("operator", typed))
        self.abort, self.discard = _button("button-abort"), _button("button-discard")
        self.abort.clicked.connect(lambda: self._end_early("abort"))
        self.discard.clicked.connect(lambda: self._end_early("discard"))
        self.note = Words(14)
        self.note.setWordWrap(True)
        rows = QFormLayout(box)
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        for name, line in (("stop-why", self.why), ("field-operator", self.operator)):
            line.setAccessibleName(text(name))
            rows.addRow(text(name), line)
        buttons = QHBoxLayout()
        buttons.addWidget(self.note, 1)
        buttons.addWidget(self.abort)
        buttons.addWidget(self.discard)
        rows.addRow(buttons)
        return box

    def _change(self, name: str, typed: str) -> None:
        self.form = replace(self.form, **{name: typed})
        self._show_state()

    def _show_state(self) -> None:
        missing = self.form.missing
        self.note.show_text(words(missing) if missing else text("stop-early-explained"), "quiet")
        for button in (self.abort, self.discard):
            button.setEnabled(missing is None)

    def _stop(self, *, then_next: bool) -> None:
        self.accept()
        self.stop_asked.emit(then_next)

    def _end_early(self, how: EarlyEnd) -> None:
        self.accept()
        self.early_asked.emit(how, self.form.request())


def _button(message_id: str, name: str = "") -> QPushButton:
    button = QPushButton(text(message_id))
    button.setObjectName(name)
    button.setAutoDefault(False)
    button.setMinimumHeight(theme.touch_px())
    return button
