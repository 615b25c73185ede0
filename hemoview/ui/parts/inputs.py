"""Fields of the start form that know a scanner from fingers, offer choices at one touch, and fold away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.devices.scan import Keys, scanned
from hemoview.viewmodel.sessions.details_form import DETAIL_CHOICES, DETAILS, DetailsForm


class ScanLine(QLineEdit):
    """Emits ``scanned(code)`` when a scanner typed it; Enter by hand goes on to the next field."""

    scanned = Signal(str)

    def __init__(self, value: str = "") -> None:
        super().__init__(value)
        self.setInputMethodHints(Qt.InputMethodHint.ImhLatinOnly | Qt.InputMethodHint.ImhNoPredictiveText)
        self._keys = Keys()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Times every key; the Enter that ends a scan replaces whatever stood here by the code."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            code, self._keys = scanned(self._keys, event.timestamp()), Keys()
            if code:
                self.setText(code)
                self.scanned.emit(code)
            else:
                self.focusNextChild()
            event.accept()
            return
        if event.text().isprintable() and event.text():
            self._keys = self._keys.then(event.text(), event.timestamp())
        super().keyPressEvent(event)


class Choice(QWidget):
    """A row of buttons, one of them down: one touch where a list needs two. Emits ``chosen(value)``."""

    chosen = Signal(str)

    def __init__(self, values: Sequence[str], value: str, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.buttons: dict[str, QPushButton] = {}
        group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for each in values:
            button = QPushButton(text(f"choice-{each}"))
            button.setObjectName("choice")
            button.setCheckable(True)
            button.setAutoDefault(False)
            button.setAccessibleName(f"{name}: {button.text()}")
            button.setChecked(each == value)
            button.clicked.connect(lambda _=False, each=each: self.chosen.emit(each))
            group.addButton(button)
            row.addWidget(button)
            self.buttons[each] = button
        self.setFocusProxy(next(iter(self.buttons.values())))

    def choose(self, value: str) -> None:
        """Press one, as a finger does."""
        self.buttons[value].click()


class TodayLine(QWidget):
    """A date and the button that puts today's into it."""

    def __init__(self, line: QLineEdit) -> None:
        super().__init__()
        self.line, self.today = line, QPushButton(text("button-signed-today"))
        self.today.setAutoDefault(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(line, 1)
        row.addWidget(self.today)


class DetailsFields(QWidget):
    """The optional facts, folded away until wanted; dead until consented. Emits ``changed(form)``."""

    changed = Signal(object)

    def __init__(self, form: DetailsForm) -> None:
        super().__init__()
        self.form = form
        self.fold = QPushButton()
        self.fold.setCheckable(True)
        self.fold.setAutoDefault(False)
        self.fold.setObjectName("fold")
        self.fold.toggled.connect(self._unfold)
        self.body = QWidget()
        self.consented = QCheckBox(text("field-details_consented"))
        self.consented.setAccessibleName(text("field-details_consented"))
        self.consented.setChecked(form.consented)
        self.consented.toggled.connect(lambda on: self._change("consented", on))
        self.inputs = {name: self._input(name) for name in DETAILS}
        rows = QFormLayout()
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        for name, widget in self.inputs.items():
            rows.addRow(QLabel(text(f"field-{name}")), widget)
        inside = QVBoxLayout(self.body)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.consented)
        inside.addLayout(rows)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.fold)
        column.addWidget(self.body)
        self._unfold(open_=False)

    def _unfold(self, open_: bool) -> None:
        self.body.setVisible(open_)
        self.fold.setText(("▾ " if open_ else "▸ ") + text("start-details"))
        self._enable()

    def _input(self, name: str) -> QWidget:
        if name in DETAIL_CHOICES:
            box = QComboBox()
            for choice in DETAIL_CHOICES[name]:
                words = text("choice-monk", tone=choice) if name == "skin_tone" and choice else ""
                box.addItem(words or text(f"detail-{choice}" if choice else "choice-not-told"), choice)
            box.currentIndexChanged.connect(lambda i: self._change(name, DETAIL_CHOICES[name][i]))
            made: QWidget = box
        else:
            line = QLineEdit()
            line.textChanged.connect(lambda typed: self._change(name, typed.strip()))
            made = line
        made.setAccessibleName(text(f"field-{name}"))
        made.setMinimumHeight(theme.touch_px() - 8)
        return made

    def _change(self, name: str, value: str | bool) -> None:
        self.form = replace(self.form, **{name: value})  # type: ignore[arg-type]
        self._enable()
        self.changed.emit(self.form)

    def _enable(self) -> None:
        for widget in self.inputs.values():
            widget.setEnabled(self.form.consented)
